"""The processes of one run, as `torchrun` starts them: which of them this is, and what they say to each other.

All of them do the same work in the same order; the first alone writes files and talks to the user. Without torchrun
there is one process, and torch.distributed is not imported.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from vreid_bench.system.errors import InputError
from vreid_bench.system.terminal import echo

GIVEN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")  # what torchrun sets
PATIENCE = timedelta(days=7)  # the others wait for the first while it scores; torchrun ends all if one fails
GRACE = 3.0  # seconds in which torchrun ends a process after another failed


class Processes(NamedTuple):
    """Which process of how many this is."""

    rank: int = 0
    total: int = 1
    local: int = 0  # rank among those of this machine: the number of its GPU

    @property
    def first(self) -> bool:
        """Is this the one that writes?"""
        return self.rank == 0


ALONE = Processes()
_joined = ALONE  # in the block of `joined`


def processes() -> Processes:
    """The processes that are connected; this one alone outside of `joined`."""
    return _joined


def find_processes() -> Processes:
    """The processes that torchrun started; one without it. Raises InputError for what no torchrun sets."""
    if any(name not in os.environ for name in GIVEN):
        return ALONE
    try:
        return Processes(*(int(os.environ[name]) for name in GIVEN[:3]))
    except ValueError as fault:
        found = ", ".join(f"{name}={os.environ[name]}" for name in GIVEN[:3])
        raise InputError(
            f"{found}: expected whole numbers, as torchrun sets them; unset them, or use torchrun"
        ) from fault


@contextmanager
def joined() -> Iterator[None]:
    """Connect the processes for the block, and keep all but the first quiet.

    A failure of the first is its own sentence. Another one that fails first waits: if all fail alike, it is ended with
    the first and says nothing.
    """
    global _joined
    found = find_processes()
    if found.total == 1:
        yield
        return
    import torch
    from torch import distributed

    distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo", timeout=PATIENCE)
    _joined = found
    try:
        if found.first:
            yield
        else:
            with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
                yield
    except BaseException:
        if not found.first:
            time.sleep(GRACE)
            echo(f"process {found.rank} of {found.total}, counted from 0:", err=True)
        raise
    finally:
        _joined = ALONE
    distributed.destroy_process_group()


T = TypeVar("T")


def decide(choose: Callable[[], T]) -> T:
    """What the first process chooses, for all: they must not look at files that it is writing."""
    if processes().total == 1:
        return choose()
    from torch import distributed

    found: list[T | None] = [choose() if processes().first else None]
    distributed.broadcast_object_list(found, 0)
    return found[0]  # type: ignore[return-value]  # the first has put it there


def wait() -> None:
    """Wait until all processes are here: what the first has written before, the others can read behind it."""
    if processes().total > 1:
        from torch import distributed

        distributed.barrier()


@contextmanager
def first_before_others() -> Iterator[None]:
    """The block in the first process, then in the others, which find what it has left (a twin, a cache)."""
    if not processes().first:
        wait()
    yield
    if processes().first:
        wait()
