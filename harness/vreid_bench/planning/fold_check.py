"""Whether the folds of a protocol can be trained on and tested: people in both parts, queries without a match."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Split
from vreid_bench.contracts.people import person_ids
from vreid_bench.contracts.protocol import CuttingStrategy, Protocol
from vreid_bench.planning.folds import Fold
from vreid_bench.planning.split_names import name_tested_split
from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.scoring.matches_and_junk import GalleryRule, find_unknown
from vreid_bench.scoring.metrics import NO_MATCH
from vreid_bench.scoring.ranks.counting import list_matches
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.unmatched import Unmatched, count_unmatched
from vreid_bench.system.errors import InputError, suggestion


def check_folds(
    protocol: Protocol, conventions: Sequence[Convention], folds: Sequence[Fold], who: str, *, trains: bool
) -> None:
    """Raises InputError that names `who` for folds that give no valid result.

    trains: is the training part of the folds used?
    """
    for sentence in (*find_fold_faults(protocol, conventions, folds, trains=trains), *find_uncut(protocol, folds)):
        raise InputError(f"{who}: {sentence}")


def find_fold_faults(
    protocol: Protocol, conventions: Sequence[Convention], folds: Sequence[Fold], *, trains: bool
) -> Iterator[str]:
    """Everything that makes the results of these folds invalid, a sentence for each kind of fault.

    Where the identities of a test are not the true ones, nothing depends on them.
    """
    scored = [fold for fold in folds if not fold.dataset.unscored]
    if trains:
        yield from _find_shared_people(protocol, scored)
    if protocol.ranks_tracklets and scored:
        yield from _find_unmatched(protocol, conventions, scored)


def share_people(fold: Fold) -> list[int]:
    """The pids of the people who are trained on and tested; people of two data sets are always different."""
    trained = {
        pid for training in fold.training if training.dataset is fold.dataset for pid in person_ids(training.tracklets)
    }
    return sorted(trained & set(person_ids(fold.test.test)))


def divide_test(protocol: Protocol, fold: Fold) -> list[Split]:
    """What a protocol ranks apart in a fold. Raises InputError for a test that it cannot divide."""
    try:
        return list(protocol.divide(fold.test).values())
    except InputError as fault:
        where = f"{fold.dataset.root}: {name_tested_split(fold.number, protocol)} of {fold.dataset.name}"
        raise InputError(f"{where} cannot be tested by protocol {protocol.name!r}: {fault}") from fault


def check_attributes(conventions: Sequence[Convention], folds: Sequence[Fold]) -> None:
    """Raises InputError if a convention reads an attribute that the test tracklets of a dataset do not have."""
    for fold in folds:
        for convention in conventions if any(convention.attributes for convention in conventions) else ():
            labels = Labels.of(fold.test).for_conventions([convention])
            unknown = find_unknown(list_matches(labels), GalleryRule.of(convention))
            if unknown:
                raise InputError(
                    f"{fold.dataset.root}: {fold.dataset.name} has test tracklets without {' and '.join(unknown)}, "
                    f"which the convention {convention.name!r} reads{_advise_attribute(labels, unknown[0])}"
                )


def _advise_attribute(labels: Labels, name: str) -> str:
    """What to do about an attribute that not every test tracklet has: those that are there, if none has it."""
    other = "choose a protocol without the convention"
    if name in labels.attributes:
        return f"; give each of them a value, or {other}"
    return suggestion(name, known := sorted(labels.attributes), f"known: {', '.join(known) or 'none'}; {other}")


def _find_shared_people(protocol: Protocol, folds: Sequence[Fold]) -> Iterator[str]:
    shared = [(fold, pids) for fold in folds if (pids := share_people(fold))]
    if shared:
        fold, pids = shared[0]
        name = next(t.person_name for t in fold.test.test if t.pid == pids[0])
        people = f"person {name} is" if len(pids) == 1 else f"{len(pids):,} people are"
        example = "" if len(pids) == 1 else f", such as {name}"
        yield (
            f"{name_tested_split(fold.number, protocol)}: {people} both trained on and tested{example}"
            f"{_others(len(shared))}, expected different people in both parts; correct the lists"
        )


def _find_unmatched(protocol: Protocol, conventions: Sequence[Convention], folds: Sequence[Fold]) -> Iterator[str]:
    parts = [(fold, part) for fold in folds for part in divide_test(protocol, fold)]
    each = [(fold, part, count_unmatched(Labels.of(part), conventions)) for fold, part in parts]
    refused = [(*row, reason) for row in each if (reason := explain_refusal(row[-1][protocol.headline]))]
    if refused:
        fold, part, found, reason = refused[0]
        example = "".join(f", such as {name}" for name in name_unmatched(part, found[protocol.headline])[:1])
        counts = ", ".join(f"{one.without:,} of {one.queries:,} under {name}" for name, one in found.items())
        yield (
            f"{name_tested_split(fold.number, protocol)} cannot be ranked under {protocol.headline!r}, the headline of "
            f"protocol {protocol.name!r}: {reason}{_others(len(refused))}; queries without a match: {counts}{example}; "
            f"{_advise_headline(protocol, conventions, [part for _, part in parts])}"
        )


def _advise_headline(protocol: Protocol, conventions: Sequence[Convention], tests: Sequence[Split]) -> str:
    """What to do where the headline cannot rank these tests: another of the protocol's conventions may.

    Where none does, a shipped one may that treats the gallery alike and differs in the queries that lie in it.
    """
    wanted = next(_read_rule(each) for each in conventions if each.name == protocol.headline)
    similar = [each for each in CONVENTIONS if _read_rule(each) == wanted]
    for known in (conventions, similar):
        found = [count_unmatched(Labels.of(test), known) for test in tests]
        able = [each.name for each in known if not any(explain_refusal(one[each.name]) for one in found)]
        if able:
            names = f"{', '.join(able[:-1])} or {able[-1]}" if len(able) > 1 else able[0]
            return f"make {names} the headline, correct the lists or choose another protocol"
    return "correct the lists or choose another protocol"


def _read_rule(convention: Convention) -> GalleryRule:
    """What a gallery item is to a query, but for the queries that lie in the gallery."""
    return GalleryRule.of(convention)._replace(queries_in_gallery=None)


def find_uncut(protocol: Protocol, folds: Sequence[Fold]) -> Iterator[str]:
    """Why the test of a protocol cannot cut a test part. Other protocols may be able to use the data set."""
    if isinstance(protocol.test, CuttingStrategy):
        for fold in folds:
            try:
                protocol.test.cut(fold.test)
            except InputError as fault:
                yield (
                    f"no fault of the data, unless a run under protocol {protocol.name!r} is wanted, which cannot cut "
                    f"{name_tested_split(fold.number, protocol)}: {fault}"
                )
                return


def explain_refusal(found: Unmatched) -> str:
    """Why nothing can be ranked, also where the convention gives a query without a match the score 0; else empty."""
    nothing = NO_MATCH.format(found.queries) if found.without == found.queries else ""
    return found.refusal.reason if found.refusal else nothing


def name_unmatched(test: Split, found: Unmatched) -> tuple[str, ...]:
    """The queries without a match, as the data set names them."""
    labels = Labels.of(test) if found.places else None
    return tuple(labels.describe(test.query[place]) for place in found.places) if labels else ()


def _others(number: int) -> str:
    return f" (one of {number} such splits)" if number > 1 else ""
