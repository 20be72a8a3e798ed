"""Kills work at random moments, repeats it, and holds that nothing is lost and nothing is wrong.

    python tests/support/kills.py --kills 500 [--seed 0] [--only fill]

A kill is SIGKILL before a write, in the middle of one, before a file is renamed or removed, before a folder is made, or
after a random time. The same command is then repeated, and may be killed again. In the end, all files must be those of
work that nobody disturbed, with no file more.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch

from allotment import BOARD, STRANGER
from golden_records import change_fields, let_agree
from short_run import SHORT

from vreid_bench.contracts.executor import Command, Job, Outcome

EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate")
UNLIKE = ("leaderboard/",)  # pages have the time that runs took, and are held against the records by `--check`
DIFFER = {"run.log", "costs.json", ".lock", "record.json", "per_query.npz", "SHA256SUMS"}  # in equal runs


@dataclass(frozen=True)
class Work:
    """A kind of work: `do(place)` does it in a folder, `state(place)` is what it must have left."""

    name: str
    do: Callable[[Path], None]
    state: Callable[[Path], dict[str, object]]


def make_works(data: Path) -> list[Work]:
    """A training with its test, one of two splits, a leaderboard, a rendering, and a board. data: an empty folder."""
    from vreid_bench.records.record import Record
    from vreid_plugins.datasets.ilids_vid.reader import IlidsVid
    from vreid_plugins.datasets.mars.reader import Mars

    Mars().synthesize(data / "mars", ids=4, cameras=2, size=(32, 16), workers=1, progress=False)
    IlidsVid().synthesize(data / "ilids", ids=3, size=(32, 16), workers=1, progress=False)
    for seed in range(3):
        (data / f"{seed}.json").write_bytes(Record.of(let_agree(change_fields(seed=seed))).to_json())
    train = ("run", "--plugin", "mean-pooling", *SHORT, "--checkpoint-every", "0", "-q")

    def render(place: Path) -> None:
        Mars().synthesize(place / "mars", ids=2, cameras=2, size=(32, 16), workers=1, progress=False)

    def command(*arguments: object) -> Callable[[Path], None]:
        return lambda place: run_command([str(word).replace("PLACE", str(place)) for word in arguments])

    ilids = ("--protocol", "ilids-vid", "--data", data / "ilids")
    records = [data / f"{seed}.json" for seed in range(3)]
    return [
        Work("run", command(*train, "--data", data / "mars", "--runs", "PLACE/runs"), read_runs),
        Work(
            "splits",
            command(*train, *ilids, "--splits", "0-1", "--runs", "PLACE/runs"),
            read_runs,
        ),
        Work("add", command("leaderboard", "add", *records, "--dir", "PLACE/board"), read_files),
        Work("render", render, read_files),
        Work("fill", fill_board, read_board),
    ]


def import_everything() -> None:
    """What a process would import for seconds before it writes anything, so that forked ones need not."""
    import torch._dynamo  # noqa: F401 - a part of the first step

    import vreid_bench.boards.fill
    import vreid_bench.run  # noqa: F401
    from vreid_bench.registry.registry import Registry

    for kind in ("methods", "encoders", "aggregators", "matchers", "losses", "augmentations"):
        Registry.installed().values(kind)


def run_command(arguments: Sequence[str]) -> str:
    """Run the command line in this process, in silence; what it prints."""
    from vreid_bench.cli.main import main

    with io.StringIO() as printed, open(os.devnull, "w") as nowhere:
        with redirect_stdout(printed), redirect_stderr(nowhere):
            code = main.main(list(arguments), standalone_mode=False)
        assert not code, f"{' '.join(arguments)} ended with {code}: {printed.getvalue()}"
        return printed.getvalue()


class Here:
    """An executor of boards that makes the runs in this process, so that each of their writes can be counted."""

    def run(self, jobs: Sequence[Job], folder: Path) -> Iterator[tuple[Command, Outcome]]:
        """As `vreid_bench.Executor.run`."""
        for command in (command for job in jobs for command in job):
            printed = run_command([*command, "--yes", "--quiet", "--json"])
            yield command, Outcome(Path(json.loads(printed)["run"]))

    def cancel(self) -> str:
        """As `vreid_bench.Executor.cancel`."""
        return ""


def fill_board(place: Path) -> None:
    """Fill a board of two methods of a stranger; the twin of its data set stays in the cache."""
    from vreid_bench.system.arithmetic import PINS

    board = place / "leaderboard/boards/small.toml"
    if not board.exists():
        board.parent.mkdir(parents=True, exist_ok=True)
        board.write_text(BOARD)
    # rows count as current if they are portable; libraries that are loaded already compute as before
    os.environ |= {**PINS, "VREID_PLUGIN_FILES": str(STRANGER)}
    with patch("vreid_bench.boards.fill.choose_executor", lambda *_: Here()):
        folder = ("--dir", str(place / "leaderboard"))
        run_command(["leaderboard", "fill", "--runs", str(place / "runs"), *folder])
        run_command(["leaderboard", "--check", *folder])


def read_board(place: Path) -> dict[str, object]:
    """The records of a leaderboard without what differs between equal runs, the runs, and the names of all files."""
    found = read_runs(place)
    for path in (place / "leaderboard/records").rglob("*.json"):
        found[path.name] = read_record(path)
    return {name: value for name, value in found.items() if not name.startswith(UNLIKE)}


def read_record(path: Path) -> dict[str, object]:
    """A record without what differs between equal runs."""
    return {**json.loads(path.read_bytes()), "created": "", "costs": {}}


def read_files(place: Path) -> dict[str, object]:
    """Every file below a folder, but locks."""
    files = (path for path in place.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(place)): path.read_bytes() for path in files}


def read_runs(place: Path) -> dict[str, object]:
    """The same of runs, of whose records and arrays what differs between equal runs is left out."""
    from vreid_bench.records.npz import read_npz
    from vreid_bench.records.sums import find_changed

    found = {name: content for name, content in read_files(place).items() if Path(name).name not in DIFFER}
    found = {name: strip_cost(content) if "stage-" in name else content for name, content in found.items()}
    for path in place.glob("runs/*/record.json"):
        run = path.parent.name
        found[f"{run}: record"] = read_record(path)
        arrays = read_npz(path.parent / "per_query.npz")
        found[f"{run}: queries"] = {name: array.tobytes() for name, array in arrays.items()}
        found[f"{run}: damage"] = find_changed(path.parent)
    found["names"] = sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.name != ".lock")
    return found


def strip_cost(content: bytes) -> bytes:
    """The state after a stage, without what the training had cost and without the header, which has that."""
    return content[8 + int.from_bytes(content[:8], "little") :]


def start(work: Work, place: Path, begin: Callable[[], Callable[[], object]] = lambda: lambda: None) -> int:
    """Do the work in a process of its own; its number. begin: called in it before, and what it returns afterwards."""
    child = os.fork()
    if not child:
        code = 1
        try:
            end = begin()
            work.do(place)
            end()
            code = 0
        except BaseException:
            (place.parent / f"{place.name}.trace").write_text(traceback.format_exc())
        finally:
            os._exit(code)
    return child


def disturb(work: Work, place: Path, at: int | None) -> tuple[int, int]:
    """Do the work in a process of its own, which dies at its write number `at`; its exit code, and its writes."""
    receive, send = os.pipe()

    def begin() -> Callable[[], object]:
        os.close(receive)
        told = watch(place, at)
        return lambda: os.write(send, str(told()).encode())

    child = start(work, place, begin)
    os.close(send)
    with os.fdopen(receive) as pipe:
        count_text = pipe.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), int(count_text or 0)


def watch(place: Path, at: int | None) -> Callable[[], int]:
    """Count what this process writes below a folder, and die at write number `at`."""
    seen, folder, write = 0, str(place), os.write

    def tick(half: Callable[[], object] = lambda: None) -> None:
        nonlocal seen
        seen += 1
        if seen == at:
            half()
            os.kill(os.getpid(), signal.SIGKILL)

    def hear(event: str, arguments: tuple[object, ...]) -> None:
        if event in EVENTS and str(arguments[0]).startswith(folder):
            flags = arguments[2] if event == "open" else os.O_WRONLY
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR):
                tick()

    def write_or_die(descriptor: int, data: bytes) -> int:
        if os.path.realpath(f"/proc/self/fd/{descriptor}").startswith(folder):
            tick(lambda: write(descriptor, bytes(data)[: len(data) // 2]))
        return write(descriptor, data)

    sys.addaudithook(hear)
    os.write = write_or_die
    return lambda: seen


def kill_after(work: Work, place: Path, seconds: float) -> int:
    """Do the work in a process of its own, which is killed after a time; its exit code."""
    child = start(work, place)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def kill_often(
    kills: int, seed: int, folder: Path, say: Callable[[str], None] = lambda line: None, only: str = ""
) -> Counter[str]:
    """So many kills over all kinds of work, in turns; how many each had. Raises AssertionError for what is wrong.

    only: the kind of work, if it is to be one.
    """
    import_everything()
    works, draw, done = make_works(folder / "data"), random.Random(seed), Counter[str]()
    whole, writes, times = {}, {}, {}
    run, splits, add, render, fill = works
    turns = [run, add, render, fill, splits, add, render, add]  # what takes seconds comes less often
    turns = [work for work in turns if only in ("", work.name)]
    for work in [work for work in works if work in turns]:
        begin = time.monotonic()
        code, writes[work.name] = disturb(work, folder / f"whole-{work.name}", None)
        times[work.name] = time.monotonic() - begin
        assert code == 0, (folder / f"whole-{work.name}.trace").read_text()
        whole[work.name] = work.state(folder / f"whole-{work.name}")
        say(f"{work.name}: {writes[work.name]} writes, {times[work.name]:.1f} s")
    for number in count():
        if done.total() >= kills:
            break
        work = turns[number % len(turns)]
        place = folder / f"killed-{number}-{work.name}"
        moments = []
        for _ in range(draw.choice([1, 1, 2, 3])):
            if draw.random() < 0.75:
                moments.append(draw.randint(1, writes[work.name]))
                code, _ = disturb(work, place, moments[-1])
            else:
                moments.append(draw.uniform(0, times[work.name]))
                code = kill_after(work, place, moments[-1])
            done[work.name] += code == -signal.SIGKILL
            trace = folder / f"{place.name}.trace"
            assert code in (0, -signal.SIGKILL), f"{work.name} after {moments}: {trace.read_text()}"
            if code == 0:
                break
        code, _ = disturb(work, place, None)
        assert code == 0, f"{work.name} after {moments}: {(folder / f'{place.name}.trace').read_text()}"
        found = work.state(place)
        expected = whole[work.name]
        wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        assert not wrong, f"{work.name} after {moments}: {', '.join(map(str, wrong))} differ in {place}"
        say(f"{done.total()} kills: {work.name} after {moments}")
    return done


def say_line(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", choices=["run", "splits", "add", "render", "fill"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ |= {"VREID_CACHE": f"{temporary}/cache", "VREID_ARITHMETIC": "native", "OMP_NUM_THREADS": "1"}
        say_line(str(dict(kill_often(options.kills, options.seed, Path(temporary), say_line, options.only))))
