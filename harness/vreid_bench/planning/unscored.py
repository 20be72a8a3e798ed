"""A test whose identities are not the true ones: what a run says before it trains, and what it refuses then."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.planning.fold_check import divide_test
from vreid_bench.planning.folds import Fold
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import tell_once

SEPARATOR = re.compile(r"[\s,;]")  # between the names in a list


def announce_ranking(protocol: Protocol, folds: Sequence[Fold]) -> None:
    """Say that a run will write a ranking and no scores, if its test cannot be scored.

    Raises InputError for a test of which no ranking can be written: where it ranks something else than tracklets,
    where it has several splits, and where two tracklets have one name or a name does not fit into a list.
    """
    for fold in folds:
        if fold.dataset.unscored is None:
            continue
        if len(folds) > 1:
            raise InputError(
                f"{fold.dataset.root}: {fold.dataset.unscored.reason} A run writes the ranking of one of its "
                f"{len(folds)} splits; choose it with --splits"
            )
        if not protocol.ranks_tracklets:
            raise InputError(
                f"{fold.dataset.root}: {fold.dataset.unscored.reason} Protocol {protocol.name!r} does not rank "
                "tracklets, so there is no ranking to write either; choose another protocol"
            )
        for part in divide_test(protocol, fold):
            _check_names([part.test[row] for row in part.query], fold)
            _check_names([part.test[row] for row in part.gallery], fold)
        tell_once(
            f"{fold.dataset.root}: {fold.dataset.unscored.reason} So this run writes a ranking in the form of the "
            "challenge, and no scores."
        )


def _check_names(side: Sequence[Tracklet], fold: Fold) -> None:
    """Check that the folders of tracklets are names that a list can hold, each once."""
    where = f"{fold.dataset.root}: a ranking names a tracklet by its folder"
    twice = next((name for name, many in Counter(t.folder_name for t in side).items() if many > 1), None)
    if twice is not None:
        first, second = [t.name for t in side if t.folder_name == twice][:2]
        raise InputError(f"{where}, and {first} and {second} have the same one; compare the folders with the original")
    spaced = next((t for t in side if not t.folder_name or SEPARATOR.search(t.folder_name)), None)
    if spaced is not None:
        raise InputError(
            f"{where}, and that of {spaced.name} is {spaced.folder_name!r}, expected a name without blank, comma and "
            "semicolon; compare the folders with the original"
        )
