"""Galleries of tests: parts that worker processes can read (they import this module), and rows to write."""

import os
import pickle
import signal
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vreid_bench.scoring.ranks.by_parts import Block
from vreid_bench.system.errors import InputError


class Array(NamedTuple):
    """A part in memory."""

    vectors: np.ndarray
    pids: np.ndarray
    camids: np.ndarray

    def __len__(self):
        return len(self.vectors)

    def blocks(self, rows):
        for first in range(0, len(self.vectors), rows):
            yield Block(*(column[first : first + rows] for column in self))


class Damaged(Array):
    """One whose file changed."""

    def blocks(self, rows):
        raise InputError("vectors-00001.npy: has changed")


class DeadlyOnce(NamedTuple):
    """One that kills the process that reads it first."""

    part: Array
    mark: Path  # a file that is there after the first time

    def __len__(self):
        return len(self.part)

    def blocks(self, rows):
        die_once(self.mark)
        return self.part.blocks(rows)


def die_once(mark):
    """End this process as a kill does, unless the mark is there."""
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


class Rows(NamedTuple):
    """What a gallery folder is written from: blocks in memory, which are read one by one."""

    given: list
    signature: str = ""
    metric: str | None = None

    def sign(self):
        return self.signature

    def count(self):
        return sum(len(block.pids) for block in self.given)

    def blocks(self, first):
        for block in self.given:
            yield Block(*(column[first:] for column in block))
            first = max(0, first - len(block.pids))


class Elsewhere:
    """An executor that does tasks in this process, the last first, with what another process would have of them."""

    def map_tasks(self, work, shared, tasks):
        for number in reversed(range(len(tasks))):
            yield number, pickle.loads(pickle.dumps(work))(*pickle.loads(pickle.dumps((shared, tasks[number]))), 1)
