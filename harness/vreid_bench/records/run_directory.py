"""One run, one folder: what is in it, whose turn it is, and the log that grows with the training."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from vreid_bench.system.errors import InputError
from vreid_bench.system.files import sweep, write_atomic
from vreid_bench.training.checkpoint import Position


class RunDirectory:
    """`runs/<id>/`: everything of one run, found again by the same command."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "record.json"  # written last: its presence says that the run is complete
        self.per_query = path / "per_query.npz"
        self.breakdown = path / "breakdown.json"
        self.features = path / "features.safetensors"
        self.spoiled = path / "spoiled.safetensors"  # features of the same clips, corrupted
        self.weights = path / "weights.safetensors"
        self.checkpoint = path / "checkpoint.safetensors"
        self.pretraining = path / "pretraining.txt"  # what the encoder took of the file that `--weights` names
        self.log = path / "log.jsonl"
        self.costs = path / "costs.json"

    def split(self, number: int, splits: int) -> RunDirectory:
        """Where one of several splits keeps its weights and features; a single split keeps them here."""
        return self if splits == 1 else RunDirectory(self.path / f"split-{number}")

    @property
    def pretrained(self) -> RunDirectory:
        """Where a fold keeps the weights that its last lesson goes on from."""
        return RunDirectory(self.path / "pretrained")

    def adopt(self, twins: Iterable[RunDirectory]) -> None:
        """Take over what another folder has of this very training, if it is finished there and not begun here."""
        if self.weights.exists() or self.checkpoint.exists():
            return
        for twin in twins:
            if twin.weights.exists():
                for name in (
                    "features",
                    "spoiled",
                    "log",
                    "costs",
                    "weights",
                ):  # the weights last: they say that all is here
                    source: Path = getattr(twin, name)
                    if source.exists():
                        write_atomic(getattr(self, name), source.read_bytes())
                return

    def forget_checkpoints(self) -> None:
        """Remove what only an interrupted run needs."""
        for checkpoint in self.path.rglob(self.checkpoint.name):
            checkpoint.unlink(missing_ok=True)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder for this process. Raises InputError while another process works in it."""
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # goes with the process, however it ends
            except BlockingIOError as taken:
                raise InputError(f"{self.path}: another process is working on this run; wait for it") from taken
            sweep(self.path)
            try:
                yield
            finally:
                if [path.name for path in self.path.iterdir()] == [".lock"]:  # nothing came of it
                    shutil.rmtree(self.path)


def find_run(run: Path, runs: Path) -> RunDirectory:
    """The folder of a finished run, named by its path or its id. Raises InputError if there is none."""
    for folder in (run, runs / run):
        if RunDirectory(folder).record.is_file():
            return RunDirectory(folder)
    raise InputError(f"{run}: no finished run is there (expected a record.json); `ls {runs}` shows the runs")


class Log:
    """`log.jsonl`: a line of JSON every few steps. Steps that a resumed run repeats are written once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rewind(self, start: Position) -> None:
        """Forget what was logged at or after `start`, and a line that a crash cut short."""
        if self.path.exists():
            lines = self.path.read_text(errors="replace").splitlines()
            kept = [line for line in lines if _before(line, start)]
            write_atomic(self.path, "".join(f"{line}\n" for line in kept).encode())

    def write(self, position: Position, values: Mapping[str, float]) -> None:
        """Append the values of one step."""
        line = {"stage": position.stage, "step": position.step, **values}
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def _before(line: str, start: Position) -> bool:
    try:
        entry = json.loads(line)
        return (entry["stage"], entry["step"]) < start
    except (ValueError, TypeError, KeyError):  # not a line of ours: cut short, or written by something else
        return False
