"""Finding the run that a user names, by its path or its id."""

from __future__ import annotations

from pathlib import Path

from vreid_bench.records.run_directory import NO_SCORES, RunDirectory
from vreid_bench.records.run_state import describe_unfinished
from vreid_bench.system.errors import InputError, suggestion


def find_run(run: Path, runs: Path) -> RunDirectory:
    """The folder of a finished run, named by its path or its id. Raises InputError if there is none.

    Its results are held against their checksums: InputError, too, if one has changed since it was written.
    """
    folder = RunDirectory(locate_run(run, runs))
    if folder.is_finished:
        folder.check_results()
        return folder
    if folder.is_ranked:
        raise InputError(f"{folder.path}: {NO_SCORES}")
    raise InputError(f"{folder.path}: {describe_unfinished(folder)}")


def locate_run(run: Path, runs: Path) -> Path:
    """Where a run is that is named by its path or its id, or a record by its file; one with results comes first.

    Raises InputError if there is none.
    """
    there = [each for each in (run, runs / run) if each.exists()]
    ended = [each for each in there if each.is_file() or RunDirectory(each).is_finished or RunDirectory(each).is_ranked]
    for each in (*ended, *there):
        return each
    known = [each.path.name for each in RunDirectory.list_in(runs) if each.is_finished]
    advice = f"`vreid-bench runs --runs {runs}` shows the runs"
    raise InputError(f"{run}: not a finished run, expected a record.json in it{suggestion(run.name, known, advice)}")
