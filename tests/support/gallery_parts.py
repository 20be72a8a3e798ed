"""Parts of a gallery that worker processes can read: they import this module."""

import os
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


class Deadly(Array):
    """One that ends the process that reads it, as a kill does."""

    def blocks(self, rows):
        os._exit(9)


class Damaged(Array):
    """One whose file changed."""

    def blocks(self, rows):
        raise InputError("vectors-00001.npy: has changed")
