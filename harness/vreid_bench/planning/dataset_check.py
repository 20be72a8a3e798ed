"""Checks a copy of a data set: what a run would refuse, the counts, the frames, and what its reader checks itself."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from vreid_bench.contracts.dataset import (
    CheckingReader,
    Count,
    Dataset,
    DatasetCheck,
    VariantReader,
    mark_synthetic,
)
from vreid_bench.contracts.people import person_ids
from vreid_bench.planning.content import find_decay, find_pictures
from vreid_bench.planning.data_root import find_dataset, find_root, read_dataset, read_lists
from vreid_bench.planning.dataset_counts import count_dataset
from vreid_bench.planning.dataset_lists import find_list_faults
from vreid_bench.planning.frame_faults import find_frame_faults
from vreid_bench.planning.protocol_faults import Division, Unmatched, divide_by_protocols
from vreid_bench.records.scores import explain_refusals
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.value_checks import describe_value
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.errors import InputError

NAMED = 3  # queries without a match that a note names


def check_dataset(
    registry: Registry, dataset: str, given: Path | None, decode: bool, accepted: Container[str] = ()
) -> DatasetCheck:
    """Check the copy named by `given` (`--data`) or VREID_DATA, else the synthetic twin.

    The report has the counts and problems of the reader's own `verify`, if it has one, and those that are found for
    any reader. Raises InputError if there is no such data, or if it was withdrawn and is not among the `accepted`.
    """
    entry = find_dataset(registry, dataset)
    root, _ = find_root(entry, given, accepted)
    own = _verify(entry, root, decode)
    found, problems = _read(entry, root)
    source = own.source if own else "unverified"
    if found is None:
        return DatasetCheck(source, own.counts if own else (), _join(own, problems))
    read = cache(lambda variant: read_dataset(entry, variant, root))
    divisions, refusals = divide_by_protocols(entry, registry, read)
    others, unread = _read_variants(entry, read)
    problems = [*unread, *refusals, *(sentence for each in divisions for sentence in each.find_faults(entry.title))]
    unmatched = _find_unmatched(divisions, entry)
    refused = {name: str(each.refusal) for name, each in unmatched.items() if each.refusal}
    uncut = (sentence for each in divisions for sentence in each.find_notes())
    pictures = find_pictures(found)
    if decode:
        problems += _find_decay(found)
    masked = (found.unscored.reason,) if found.unscored else ()
    told = (*explain_refusals(refused), *_name_unmatched(unmatched))
    notes = (*masked, *(own.notes if own else ()), *told, *uncut, *pictures.notes)
    varied = tuple(_count_variants(found, others))
    if own and getattr(entry.value, "complete", False):
        return DatasetCheck(source, (*own.counts, *varied), _join(own, [*problems, *pictures.faults]), notes)
    every = tuple(split for each in (found, *others.values()) for split in each.splits)
    on_disk, faults = find_frame_faults(replace(found, splits=every), decode)
    general = [*count_dataset(found), *varied, *_count_people(found, unmatched), Count("frames on disk", on_disk, None)]
    counted = {count.what for count in own.counts} if own else set()
    counts = (*(own.counts if own else ()), *(count for count in general if count.what not in counted))
    return DatasetCheck(
        own.source if own else found.source, counts, _join(own, [*problems, *faults, *pictures.faults]), notes
    )


def _find_decay(dataset: Dataset) -> list[str]:
    with suppress(InputError):  # a frame that cannot be read is told by the checks of frames
        return list(filter(None, [find_decay(dataset, cache_folder())]))
    return []


def _verify(entry: Entry, root: Path, decode: bool) -> DatasetCheck | None:
    """The report of the reader's own `verify`; None if it has none."""
    if not isinstance(entry.value, CheckingReader):
        return None
    with entry.blame():
        report: Any = entry.value.verify(root, decode)
    if not isinstance(report, DatasetCheck):
        raise InputError(
            f"{entry.title}: `verify` returned {describe_value(report)}, expected a DatasetCheck; "
            "return DatasetCheck(source, counts, problems)"
        )
    return report


def _read(entry: Entry, root: Path) -> tuple[Dataset | None, list[str]]:
    """The data set, or None and why it cannot be used."""
    try:
        lists = read_lists(entry, "", root)
    except InputError as fault:
        return None, [str(fault)]
    faults = [f"{entry.title}: {sentence}" for sentence in find_list_faults(lists)]
    return (None, faults) if faults else (mark_synthetic(lists), [])


def _read_variants(entry: Entry, read: Callable[[str], Dataset]) -> tuple[dict[str, Dataset], list[str]]:
    """The other ways to divide the data set than the first, by name, and why some cannot be used."""
    found, faults = {}, []
    for variant in _list_variants(entry)[1:]:
        try:
            found[variant] = read(variant)
        except InputError as fault:
            faults.append(str(fault))
    return found, faults


def _count_variants(first: Dataset, others: Mapping[str, Dataset]) -> Iterator[Count]:
    """The counts of the other variants, as far as they are not those of the first."""
    known = {(count.what, count.found) for count in count_dataset(first)}
    for variant, dataset in others.items():
        for count in count_dataset(dataset):
            if (count.what, count.found) not in known:
                yield Count(f"{count.what}, {variant}", count.found, None)


def _find_unmatched(divisions: list[Division], entry: Entry) -> dict[str, Unmatched]:
    """Convention -> the queries without a match, and why the convention cannot be applied, as a run would say it.

    Another variant than the first is named behind the convention, where its number or reason is not that of the first.
    """
    first, *others = _list_variants(entry)
    found: dict[str, dict[str, Unmatched]] = {variant: {} for variant in (first, *others)}
    for division in divisions:
        if division.protocol.ranks_tracklets and not division.protocol.holdout:
            found[division.protocol.variant or first] |= division.find_unmatched()
    named = dict(sorted(found[first].items()))
    for variant in others:
        for name, each in sorted(found[variant].items()):
            known = found[first].get(name)
            if known is None or known.refusal != each.refusal or (not each.refusal and known.number != each.number):
                named[f"{name}, {variant}"] = each
    return named


def _name_unmatched(unmatched: Mapping[str, Unmatched]) -> Iterator[str]:
    """The first queries without a match, of conventions with the same ones together."""
    groups: dict[tuple[str, ...], list[str]] = {}
    for convention, found in unmatched.items():
        groups.setdefault(found.names, []).append(convention)
    for names, conventions in groups.items():
        if names:
            more = [f"{len(names) - NAMED:,} more"] if len(names) > NAMED else []
            yield f"queries without a match under {' and '.join(conventions)}: {', '.join([*names[:NAMED], *more])}"


def _list_variants(entry: Entry) -> tuple[str, ...]:
    """The ways to divide the data set, the first one first; it has no name where it is the only one."""
    return (tuple(entry.value.variants) if isinstance(entry.value, VariantReader) else ()) or ("",)


def _count_people(dataset: Dataset, unmatched: Mapping[str, Unmatched]) -> Iterator[Count]:
    """How many people are in both parts, and how many queries have no match under each convention."""
    both = {pid for s in dataset.splits for pid in set(person_ids(s.train)).intersection(person_ids(s.test))}
    yield Count("people in both parts", len(both), None)
    for name, found in unmatched.items():
        if not found.refusal:
            yield Count(f"queries without a match, {name}", found.number, None)


def _join(own: DatasetCheck | None, problems: list[str]) -> tuple[str, ...]:
    """The problems that the reader found, then the others, each once."""
    return tuple(dict.fromkeys([*(own.problems if own else ()), *problems]))
