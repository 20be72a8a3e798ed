"""Fuzzes a parser: `python tests/fuzz/fuzz.py --parser NAME --executions N`; prints every find, and exits 1 on one.

A find is anything but a result or an InputError: another exception, more than ten seconds, or the end of the process.
The changed file of a find is kept below `--keep`, to be committed into `tests/fuzz/corpus/NAME/` with its mend.
"""

import argparse
import faulthandler
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
SECONDS = 10  # of one execution
MEMORY = 12 << 30  # bytes of address space


class Slow(BaseException):
    """An execution that takes too long."""


def stop(*_):
    """The handler of the alarm."""
    raise Slow


def run_one(parser, folder, parts, seconds=SECONDS):
    """One execution: the traceback of a find, or nothing."""
    from vreid_bench.system.errors import InputError

    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        parser.read(folder, parts)
    except InputError as fault:
        return "" if str(fault).strip() else "a sentence without words"
    except (Exception, Slow) as fault:
        frames = reversed(traceback.extract_tb(fault.__traceback__))
        place = next((f"{Path(each.filename).name}:{each.lineno}" for each in frames if "/vreid_" in each.filename), "")
        return f"{type(fault).__name__} at {place}: {str(fault)[:120]!a}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return ""


def fuzz(name, parser, executions, seed=0, first=0, keep=None):
    """The finds of some executions: what happened -> how often."""
    from mutation import draw

    from vreid_bench.system.progress import silence

    signal.signal(signal.SIGALRM, stop)
    finds = Counter()
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as made,
        warnings.catch_warnings(),
        silence(),
    ):
        warnings.simplefilter("ignore")
        folder = Path(made)
        (folder / "seeds").mkdir()
        seeds = parser.seeds(folder / "seeds" if parser.apart else folder)
        for parts in seeds:  # what they import takes seconds, once
            run_one(parser, folder, parts, seconds=0)
        # a file that is opened once: each truncation would wait for the disk
        last = os.open(keep / "last", os.O_WRONLY | os.O_CREAT) if keep else None
        for number in range(first, first + executions):
            parts = draw(seeds, seed, number)
            if keep:
                os.pwrite(last, f"{name} --seed {seed} --first {number}\n".ljust(80).encode(), 0)
            if found := run_one(parser, folder, parts):
                kind = found.partition(": ")[0]
                finds[kind] += 1
                if finds[kind] == 1:
                    print(f"{name} {seed}:{number}: {found}", flush=True)
                    if keep:
                        write_parts(keep / name / f"{seed}-{number}", parts)
        if last is not None:
            os.close(last)
    return finds


def write_parts(folder, parts):
    """Keep a find: one file a part; the only part of a file is `whole`."""
    for path, content in parts.items():
        target = folder / (path or "whole")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def main():
    sys.path[1:1] = [str(HERE.parent / "support"), str(HERE.parent / "files")]
    from parsers import PARSERS

    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--parser", action="append", choices=sorted(PARSERS))
    options.add_argument("--executions", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--keep", type=Path)
    given = options.parse_args()
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    total = 0
    for name in given.parser or PARSERS:
        begun = time.monotonic()
        if given.keep:
            given.keep.mkdir(parents=True, exist_ok=True)
        finds = fuzz(name, PARSERS[name], given.executions, given.seed, given.first, given.keep)
        total += sum(finds.values())
        print(
            f"{name}: {given.executions} executions, {len(finds)} kinds of finds, {time.monotonic() - begun:.0f} s",
            flush=True,
        )
    sys.exit(bool(total))


if __name__ == "__main__":
    main()
