"""The folder of a run: the names of its files, and the lock that lets one process work in it."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from vreid_bench.records import data_roots, planned_run
from vreid_bench.records.checksum import find_damage
from vreid_bench.records.planned_run import PlannedRun
from vreid_bench.records.sums import FILE as SUMS
from vreid_bench.records.sums import find_changed, write_sums
from vreid_bench.system.errors import InputError
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.files import sweep, write_atomic
from vreid_bench.system.processes import processes, wait
from vreid_bench.system.progress import write_line

EVENTS = "run.log"
NOTHING_DONE = {
    ".lock",
    data_roots.FILE,
    planned_run.FILE,
    EVENTS,
}  # the files of a run that stopped before it did anything
NO_SCORES = "this run has a ranking and no scores, because its test cannot be scored here"
CHECKPOINT = "checkpoint.safetensors"
DAMAGED = ".damaged"  # behind the name of a file that changed on disk, which is kept and not used
FOLDS = ("", "split-*/", "pretrained/", "split-*/pretrained/")  # where a run's folder has folders of folds


class FoldDirectory:
    """Where a run keeps the weights and features of one fold."""

    def __init__(self, path: Path, run: Path, alone: bool = False) -> None:
        self.path = path
        self.run = run  # the folder of the whole run
        self.alone = alone  # take nothing from other runs
        self.weights = path / "weights.safetensors"
        self.checkpoint = path / CHECKPOINT
        self.log = path / "log.jsonl"
        self.costs = path / "costs.json"

    def features(self, view: str) -> Path:
        """The feature store of one of the views of the test: `features`, or `spoiled`."""
        return self.path / f"{view}.safetensors"

    def stage(self, number: int) -> Path:
        """The state of the training after that many of its stages."""
        return self.path / f"stage-{number}.safetensors"

    @property
    def pretrained(self) -> FoldDirectory:
        """The folder of the weights that the last training of a fold starts from."""
        return FoldDirectory(self.path / "pretrained", self.run, self.alone)


class RunDirectory:
    """`runs/<id>/`: everything of one run, found again by the same command."""

    def __init__(self, path: Path, alone: bool = False) -> None:
        self.path = path
        self.alone = alone  # take nothing from other runs
        self.record = path / "record.json"  # written last
        self.per_query = path / "per_query.npz"
        self.ranking = path / "ranking.csv"  # instead of a record, of a test that cannot be scored
        self.events = path / EVENTS
        self.breakdown = path / "breakdown.json"
        self.pretraining = path / "pretraining.txt"  # what the parts took from the files that `--weights` names

    @property
    def is_finished(self) -> bool:
        """Is the run complete? Its record is written last, so its presence says so."""
        return self.record.is_file()

    @property
    def is_ranked(self) -> bool:
        """Did the run end with a ranking, because its test cannot be scored? It then has no record."""
        return self.ranking.is_file() and not self.is_finished

    @classmethod
    def list_in(cls, runs: Path) -> list[RunDirectory]:
        """Every folder in the folder of runs, by name; none if that does not exist."""
        paths = sorted(runs.iterdir()) if runs.is_dir() else []
        return [cls(path) for path in paths if path.is_dir() and not path.name.startswith(".")]

    @classmethod
    def choose(cls, runs: Path, name: str, anew: bool) -> RunDirectory:
        """The folder of the run of that name; to run it `anew`, the first of `<name>-2`, `-3`, ... without a record."""
        if not anew:
            return cls(runs / name)
        beside = (cls(runs / f"{name}-{number}", alone=True) for number in count(2))
        return next(folder for folder in beside if not folder.is_finished)

    def fold(self, number: int, total: int) -> FoldDirectory:
        """The folder of one of several folds; a single fold uses the run's own folder."""
        return FoldDirectory(self.path if total == 1 else self.path / f"split-{number}", self.path, self.alone)

    def finish(self, record: bytes, per_query: bytes, breakdown: object, beginning: str) -> None:
        """Write the results of the run, the record last: its presence says that the run is complete.

        beginning: the report of what training began from; if it is empty, no file is written.
        """
        if beginning:
            write_atomic(self.pretraining, beginning.encode())
        results = [(self.per_query, per_query), (self.breakdown, json.dumps(breakdown).encode()), (self.record, record)]
        write_sums(self.path, [(path.name, content) for path, content in results])
        for path, content in results:
            write_atomic(path, content)
        LOGGER.info("finished: %s", self.record.name)

    @contextmanager
    def claim(self, data: Mapping[str, Path], planned: PlannedRun) -> Iterator[None]:
        """Hold the folder for this process, and write what the run is and where its data is.

        data: the folder of each data set, by name. Raises InputError if another process holds the folder, and if the
        name of the folder is not UTF-8, as safetensors then could write no weights. Of the processes of one run, the
        first holds it for all.
        """
        if any("\udc80" <= letter <= "\udcff" for letter in str(self.path)):  # bytes that are not UTF-8
            raise InputError(f"{self.path}: expected a name in UTF-8; name another folder of runs with --runs")
        if not processes().first:
            wait()
            yield
            wait()
            return
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # released when the process ends, however it ends
            except BlockingIOError as taken:
                raise InputError(f"{self.path}: another process is working on this run; wait for it") from taken
            sweep(self.path)
            self._set_aside_damaged()
            self._tidy()  # a run can be killed after its record and before its own tidying
            data_roots.write_data_roots(self.path, data)
            planned_run.write_planned_run(self.path, planned)
            try:
                wait()
                yield
                wait()
            finally:
                self._tidy()
                if {path.name for path in self.path.iterdir()} <= NOTHING_DONE:
                    shutil.rmtree(self.path)

    def check_results(self) -> None:
        """Hold the results against their checksums. Raises InputError for one that has changed since it was written."""
        if changed := find_changed(self.path):
            raise InputError(f"{changed}; repeat the command of the run, which writes its results again")

    def _set_aside_damaged(self) -> None:
        """Rename what has changed since it was written to `*.damaged`, and say so: the run computes it again."""
        if self.is_finished and (changed := find_changed(self.path)):
            for path in (self.record, self.per_query, self.breakdown, self.path / SUMS):
                _set_aside(path)
            _tell(f"{changed}; the results are kept as *{DAMAGED}, and computed again")
        if self.is_finished:
            return  # it shows its record, and nothing else is read
        for path in sorted(file for pattern in FOLDS for file in self.path.glob(f"{pattern}*.safetensors")):
            if damage := find_damage(path):
                _set_aside(path)
                _tell(f"{path}: {damage}; it is kept as {path.name}{DAMAGED}, and computed again")

    def _tidy(self) -> None:
        """Remove the checkpoints of a finished run: only an interrupted one needs them."""
        if self.is_finished or self.is_ranked:
            for checkpoint in self.path.rglob(CHECKPOINT):
                checkpoint.unlink(missing_ok=True)

    @property
    def lock(self) -> Path:
        """The file that is locked while a process works in the folder."""
        return self.path / ".lock"

    def is_claimed(self) -> bool:
        """Does a process hold the folder?"""
        try:
            with self.lock.open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:  # there is no lock
            return False
        return False


def _set_aside(path: Path) -> None:
    if path.exists():
        path.replace(path.with_name(path.name + DAMAGED))


def _tell(sentence: str) -> None:
    LOGGER.warning("%s", sentence)
    write_line(f"warning: {sentence}")
