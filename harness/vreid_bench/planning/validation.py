"""`--validate`: scores during training, on people who are held out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.contracts.people import person_ids
from vreid_bench.planning.fold_check import explain_refusal
from vreid_bench.planning.folds import Fold, Validation, hold_out
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.unmatched import count_unmatched
from vreid_bench.system.errors import InputError, suggestion

NAMES = ("every", "held-out")
EXAMPLES = "expected every=500, or every=500,held-out=0.2 to hold out a fifth of the training people"
FEWEST = 2  # people to query, and people to train on


@dataclass(frozen=True)
class ValidationRequest:
    """How often a training is scored, and on which share of its people.

    The people are chosen by the rule of protocols that hold people out (`folds.hold_out`), so they depend neither on
    the seed nor on the method. More than that share is held out where it has fewer than two people under two cameras.
    """

    every: int  # training steps
    share: float = 0.1  # of the training people

    @classmethod
    def parse(cls, text: str) -> ValidationRequest:
        """The request in a text such as `every=500,held-out=0.2`. Raises InputError for any other text."""
        given: dict[str, str] = {}
        for piece in text.split(","):
            name, _, value = map(str.strip, piece.partition("="))
            if name not in NAMES:
                raise InputError(f"--validate {text}: it has no {name!r}{suggestion(name, NAMES, EXAMPLES)}")
            if name in given:
                raise InputError(f"--validate {text}: {name} is given twice; {EXAMPLES}")
            given[name] = value
        if "every" not in given:
            raise InputError(f"--validate {text}: every is missing; {EXAMPLES}")
        every, share = given["every"], given.get("held-out", str(cls.share))
        if not re.fullmatch(r"0*[1-9][0-9]{0,14}", every):
            raise InputError(
                f"--validate {text}: every is {every!r}, expected a number of training steps from 1 on; write every=500"
            )
        if not re.fullmatch(r"0?\.[0-9]+", share) or not 0 < float(share) <= 0.5:
            raise InputError(
                f"--validate {text}: held-out is {share!r}, expected a share above 0 and up to 0.5; write held-out=0.1"
            )
        return cls(int(every), float(share))

    def hold_out(self, folds: Iterable[Fold], headline: Convention) -> tuple[Fold, ...]:
        """The folds with people held out of the last training of each.

        Raises InputError for a fold whose people cannot be scored under the headline convention.
        """
        # Every held-out tracklet is in the gallery. Where a person has one in each camera, all of them are queries, and
        # a convention that takes the queries out of the gallery would leave nothing to find.
        convention = replace(headline, queries_in_gallery=None)
        return tuple(self._hold_out(fold, convention) for fold in folds)

    def _hold_out(self, fold: Fold, convention: Convention) -> Fold:
        *before, last = fold.training
        where = f"{last.dataset.root}: --validate cannot score the training of split {fold.number}"
        split = self._choose_people(last.tracklets)
        if split is None:
            total = len(person_ids(last.tracklets))
            raise InputError(
                f"{where}: of its {total} people, expected {FEWEST} under two cameras to hold out and {FEWEST} to "
                "train on; leave --validate out"
            )
        if reason := explain_refusal(count_unmatched(Labels.of(split), [convention])[convention.name]):
            raise InputError(f"{where} under {convention.name!r}: {reason}; leave --validate out")
        rest = replace(last, tracklets=split.train, validation=Validation(self.every, split, convention))
        return replace(fold, training=(*before, rest))

    def _choose_people(self, tracklets: Sequence[Tracklet]) -> Split | None:
        """The tracklets with the people held out, at least two to query and two to train on; None if that cannot be."""
        whole = Split(tuple(tracklets), (), (), ())
        for nth in range(min(round(1 / self.share), len(person_ids(tracklets))), 1, -1):
            split = hold_out(whole, 1 / nth)
            queried = {split.test[row].pid for row in split.query}
            if len(queried) >= FEWEST and len(person_ids(split.train)) >= FEWEST:
                return split
        return None
