"""`run.log`: the events of a run, one line each with its time, for who looks at it later."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vreid_bench.system.errors import describe_exception
from vreid_bench.system.processes import processes

LEVELS = ("debug", "info", "warning")  # `debug` has a line for every logged step of training

STOPPED = "stopped: "
LOGGER = logging.getLogger("vreid_bench")


def read_fault(path: Path) -> str:
    """The exception that ended the last block that was logged to a file; empty if none did."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    _, found, fault = (lines[-1] if lines else "").partition(f" ERROR {STOPPED}")
    return fault if found else ""


@contextmanager
def log_events(path: Path, level: str) -> Iterator[None]:
    """Append what is logged in the block to a file; an exception that ends the block is its last line.

    level: one of `LEVELS`. The file is made with its first line. If its folder is gone by then, nothing is written.
    Of the processes of one run, the first logs.
    """
    if not processes().first:
        yield
        return
    handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace", delay=True)
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    before = LOGGER.level
    LOGGER.setLevel(level.upper())
    LOGGER.addHandler(handler)
    try:
        yield
    except Exception as fault:
        if path.parent.exists():
            LOGGER.error("%s%s", STOPPED, describe_exception(fault))
        raise
    except BaseException:  # a signal, or the end of the command
        if path.parent.exists():
            LOGGER.error("interrupted")
        raise
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)
        handler.close()
