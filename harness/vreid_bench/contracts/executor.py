"""Where the rows of a board are made: in processes of this machine, or by the scheduler of a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

Command = tuple[str, ...]
"""The arguments of one `vreid-bench run`, which makes a row; its paths are absolute."""

Job = Sequence[Command]
"""Commands that one machine does in this order: the first trains, and the others take its weights."""


class Outcome(NamedTuple):
    """What became of a command."""

    folder: Path | None  # of the run; None if there is no result
    fault: str = ""  # in a sentence, why there is none
    host: str = ""  # the machine that made it
    # of a folder on a machine that need not share its files with the one that started the board: path in it -> content
    files: Mapping[str, bytes] = {}


class Executor(Protocol):
    """Has the jobs of a board done. Its factory is given how many may run at a time; None leaves that to the executor.

    It schedules nothing itself, and keeps no state: the records of a leaderboard say what there is to do.
    """

    def run(self, jobs: Sequence[Job], folder: Path) -> Iterator[tuple[Command, Outcome]]:
        """Each command with its outcome, as soon as that is known.

        folder: for logs and what else the executor writes; absolute, and it need not exist. Raises InputError where
        nothing can be started.
        """

    def cancel(self) -> str:
        """End what is not done yet, after an interruption; returns in a sentence what that was, or "".

        It takes less than a second, as the command is ending.
        """
