"""Whether the features that a run stored may be ranked again as one test."""

from __future__ import annotations

from pathlib import Path

from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import NO_SCORES, RunDirectory
from vreid_bench.system.errors import InputError

CASES = "cases"  # the strategy of `evaluation.strategies.cases`


def check_stored_test(path: Path) -> None:
    """Raise InputError for the folder or the feature store of a run whose queries do not search its whole gallery.

    That is so of a test by cases, and of a test that cannot be scored, which may have cases, too.
    """
    folder = RunDirectory(path if path.is_dir() else path.parent)
    if folder.is_ranked:
        raise InputError(f"{path}: {NO_SCORES}; {folder.ranking} is its ranking")
    if not folder.is_finished:
        return
    protocol = Record.from_file(folder.record).protocol
    test = protocol.rules.get("test")
    if isinstance(test, dict) and test.get("strategy") == CASES:
        raise InputError(
            f"{path}: {protocol.name} ranks each of its cases apart, which the stored features do not tell; run a "
            "protocol of one case with --from this run"
        )
