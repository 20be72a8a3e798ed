"""The small files of a run, from the machine that made it to one that does not see its folder.

Weights and features stay where they are: they can have gigabytes, and no leaderboard needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from vreid_bench.records import data_roots
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.system.files import write_atomic

LEFT = (".safetensors", ".lock", ".unfinished")  # ends of names


def read_small_files(folder: Path) -> dict[str, bytes]:
    """Path in a finished run's folder -> content, without weights, features and what holds for that machine alone."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in files
        if not path.name.endswith(LEFT) and path.name != data_roots.FILE
    }


def write_small_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write what `read_small_files` has read; the record is last, as its presence says that the run is complete."""
    record = RunDirectory(folder).record.name
    for name in sorted(files, key=lambda name: (name == record, name)):
        write_atomic(folder / name, files[name])
