"""Which rows of a leaderboard are missing, and which are outdated: computed by what is not installed any more.

Fingerprints decide, never dates: of the method, the protocol and its conventions, the data, the first weights and the
code. Nothing is trained, rendered or read but lists of names, so this needs no torch. A row whose data is not given is
not judged: nothing tells whether its record is of that data.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import PurePosixPath
from typing import Literal, NamedTuple

from vreid_bench.boards.wanted import Wanted
from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.dataset import Dataset, Source, TwinReader, mark_synthetic
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.contracts.recipe import Preset
from vreid_bench.planning.beginning import Beginning
from vreid_bench.planning.code import find_other_code
from vreid_bench.planning.data_root import find_named_copy
from vreid_bench.planning.method import ChosenMethod, MethodRequest, choose_method
from vreid_bench.planning.protocols import find_conventions, find_protocol
from vreid_bench.records.entries import DatasetEntry, list_changes
from vreid_bench.records.record import Record, name_file, record_path
from vreid_bench.registry.entry import Entry, sign
from vreid_bench.registry.registry import Registry

COPIES: tuple[Source, ...] = ("official", "unverified")  # which of them a copy is, its reader finds by reading it
ARITHMETIC = "portable"  # so that every machine can fill a board
State = Literal["current", "outdated", "missing", "unjudged"]


class RowState(NamedTuple):
    """A row that a board is to have, and what the leaderboard has of it."""

    wanted: Wanted
    place: PurePosixPath | None  # of its record, below `records/`; None: only its data tells
    training: tuple[str, ...]  # rows of the same training have the same
    record: Record | None  # None: missing
    outdated: tuple[str, ...]  # in words, why the record is not what would be computed now
    not_given: tuple[str, ...] = ()  # data sets of which a copy has to be named before it is judged or run

    @property
    def state(self) -> State:
        """In a word."""
        if self.not_given:
            return "unjudged"
        if self.record is None:
            return "missing"
        return "outdated" if self.outdated else "current"

    @property
    def is_due(self) -> bool:
        """Is it to be run?"""
        return self.state in ("missing", "outdated")


class RunData(NamedTuple):
    """The data that a row would be run on, as far as it is known before it is read."""

    sources: tuple[Source, ...]  # its record has one of them
    twin: str | None = None  # the hash of what is rendered
    label: str | None = None  # of a copy of the user that is not rendered
    is_named: bool = True  # as a copy of the user

    @property
    def others(self) -> tuple[Source, ...]:
        """The sources that its record has if it is of a copy that is not named now."""
        return () if self.is_named else tuple(each for each in ("synthetic", *COPIES) if each not in self.sources)

    @classmethod
    def of(cls, entry: Entry) -> RunData:
        """Of a data set without `--data`: the copy that VREID_DATA names, else the twin."""
        root = find_named_copy(entry.name)
        if root is None:
            if not isinstance(entry.value, TwinReader):
                return cls((), is_named=False)
            with entry.blame():
                return cls(("synthetic",), entry.value.twin(), is_named=False)
        copy = mark_synthetic(Dataset(entry.name, root, (), "unverified"))
        return cls(("synthetic",), copy.twin or None) if copy.source == "synthetic" else cls(COPIES, label=copy.label)


def judge_rows(wanted: Iterable[Wanted], records: Iterable[Record], registry: Registry) -> list[RowState]:
    """The state of each row. Raises InputError for one that cannot be run, such as a method that does not exist."""
    found = {record_path(record): record for record in records}

    @cache
    def data(dataset: str) -> RunData:
        return RunData.of(registry.entry("datasets", dataset))

    @cache
    def rules(name: str) -> tuple[Protocol, tuple[Convention, ...]]:
        protocol = find_protocol(registry.values("protocols"), name)
        return protocol, find_conventions(protocol, registry)

    @cache
    def method(
        name: str, preset: Preset, settings: tuple[str, ...], rerank: str
    ) -> tuple[ChosenMethod, Mapping[str, str]]:
        chosen = choose_method(registry, MethodRequest(name, preset, 0), settings, rerank or None)
        begins = Beginning.choose(chosen, registry, (), False)
        return chosen, {file.part: file.sha256 for file in begins.files}

    rows = []
    for row in wanted:
        with sign(f"row {row}"):
            protocol, conventions = rules(row.protocol)
            chosen, first = method(row.method, row.preset, row.settings, row.rerank)
        now = {name: data(name) for name in (protocol.dataset, protocol.test_dataset)}
        tested, file = now[protocol.test_dataset], _name_record(row, chosen)
        places = [PurePosixPath(row.protocol, source, file) for source in tested.sources]
        others = [PurePosixPath(row.protocol, source, file) for source in tested.others]
        known = next((place for place in (*places, *others) if place in found), None)
        place = places[0] if known is None and len(places) == 1 else known
        record = found[known] if known else None
        not_given = _list_not_given(now, of_copy=known in others)
        outdated: tuple[str, ...] = ()
        if record is not None and not not_given:
            outdated = (
                *_compare_rules(record, protocol, conventions),
                *_compare_method(record, chosen, first),
                *_compare_data(record, protocol, now),
                *find_other_code(record, registry),
            )
        training = (row.method, row.preset, str(row.seed), protocol.dataset, protocol.variant, str(protocol.holdout))
        rows.append(RowState(row, place, training, record, outdated, not_given))
    return rows


def _list_not_given(data: Mapping[str, RunData], *, of_copy: bool) -> tuple[str, ...]:
    """The data sets of which a copy has to be named; of_copy: the record of the row is of a copy that is not named."""
    return tuple(name for name, each in data.items() if not each.is_named and (of_copy or each.twin is None))


def _name_record(row: Wanted, chosen: ChosenMethod) -> str:
    swapped = f"{chosen.swapped} {chosen.name}" if chosen.swapped else None
    changes = list_changes(swapped, chosen.overrides, chosen.reranking)
    return name_file(chosen.name, row.preset, row.seed, changes)


def _compare_rules(record: Record, protocol: Protocol, conventions: Iterable[Convention]) -> Iterator[str]:
    if record.protocol.fingerprint != protocol.fingerprint:
        yield "another protocol"
    now = {convention.name: convention.fingerprint for convention in conventions}
    before = {name: result.fingerprint for name, result in record.conventions.items()}
    for name in sorted({*now, *before} - record.not_computable.keys()):
        if now.get(name) != before.get(name):
            yield f"another convention {name}" if name in before else f"no score under {name}"


def _compare_method(record: Record, chosen: ChosenMethod, first: Mapping[str, str]) -> Iterator[str]:
    if record.method.settings != chosen.settings:
        yield "another recipe"
    if {part: entry.sha256 for part, entry in record.weights.begun} != first:
        yield "other first weights"
    if record.environment.processes is not None:
        yield f"{record.environment.processes} processes"
    if record.environment.arithmetic != ARITHMETIC:
        yield f"arithmetic {record.environment.arithmetic or 'not known'}"


def _compare_data(record: Record, protocol: Protocol, now: Mapping[str, RunData]) -> Iterator[str]:
    tested, taught = protocol.test_dataset, protocol.dataset
    entries: dict[str, DatasetEntry] = {tested: record.dataset}
    if record.taught is not None:
        entries[taught] = record.taught
    for name, entry in entries.items():
        if entry.source == "synthetic" and entry.twin != now[name].twin:
            yield f"another twin of {name}" if entry.twin else f"the twin of {name} is not known"
        if entry.source == "unverified" and now[name].label not in (None, entry.label):
            yield f"another copy of {name}"
