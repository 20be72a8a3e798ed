"""A record held against itself, and against what its run keeps of every query."""

from __future__ import annotations

from pathlib import Path

from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.rule_fields import read_fields
from vreid_bench.system.errors import InputError

UNKNOWN = "correct the plugin that provides it and run again, or use the version that made the run"
EDITED = "it was edited or damaged: take the record.json of the run again"


def read_checked(path: Path) -> Record:
    """Read a record.

    Raises InputError for one that is not valid, whose conventions have rules that this version does not know, or whose
    scores do not follow from each other.
    """
    record = Record.from_file(path)
    for name, result in record.conventions.items():
        try:
            read_fields({**result.rules, "summary": "", "source": ""})
        except (ValueError, InputError) as wrong:
            raise InputError(f"{path}: the rules of its convention {name!r}: {wrong}; {UNKNOWN}") from wrong
    for fault in record.disagreements():
        raise InputError(f"{path}: {fault}; {EDITED}")
    return record


def read_record(source: Path) -> Record:
    """The record in a file or in the folder of a run. Raises InputError as `read_checked` does."""
    return read_checked(RunDirectory(source).record if source.is_dir() else source)


def check_record(source: Path) -> str:
    """What was compared of a record, given as a file or as the folder of its run. Raises InputError for a fault."""
    file = RunDirectory(source).record if source.is_dir() else source
    record = read_checked(file)
    parts = ["splits"]
    if any(result.cmc for result in record.conventions.values()):
        parts.append("CMC curves")
    if record.people:
        parts.append(f"sums over {len(record.people[0].queries)} people")
    if record.camera_pairs:
        parts.append("camera pairs")
    beside = RunDirectory(file.parent).per_query
    if source.is_dir() and beside.exists():
        from vreid_bench.records.per_query import PerQuery  # NumPy, which the tables do without
        from vreid_bench.records.query_agreement import find_pair_disagreements, find_query_disagreements

        queries = PerQuery.from_file(beside, record.conventions)
        for fault in (*find_query_disagreements(record, queries), *find_pair_disagreements(record, queries)):
            raise InputError(f"{file}: {fault} in {beside.name}; {EDITED}")
        parts.append(f"scores of {len(queries.query)} queries")
    return f"agrees with its {', '.join(parts[:-1])}{' and ' if len(parts) > 1 else ''}{parts[-1]}"
