"""Does commands of a board on this machine, each in a process that does not outlive the one that started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path

from vreid_bench.boards import bound_process
from vreid_bench.boards.carried_files import read_small_files
from vreid_bench.contracts.executor import Command, Outcome
from vreid_bench.system.plain_json import load_json

BOUND = (sys.executable, "-I", "-S", bound_process.__file__)
ASKED = (-signal.SIGTERM, 128 + signal.SIGTERM)  # how a process ends that was asked to
# Portable arithmetic is that of a CPU; `--device cpu` would be part of the name of the run's folder.
WITHOUT_GPU = {"CUDA_VISIBLE_DEVICES": ""}
OTHERS = (signal.SIGUSR2,)  # signals that a scheduler sends to all processes of a job, and only the parent knows


class Processes:
    """The processes of runs; leaving the block ends those that still run, which keep what they have trained."""

    def __init__(self) -> None:
        self.ended = False
        self._running: set[subprocess.Popen[str]] = set()
        self._changing = threading.Lock()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *fault: object) -> None:
        self.end()

    def end(self) -> int:
        """Ask the processes that run to end, and start no other; returns how many there were."""
        with self._changing:
            self.ended = True
            for process in self._running:
                process.terminate()
            return len(self._running)

    def run(self, command: Command, *, again: int = 0) -> Outcome:
        """Do a command; its fault is the last line of what it says.

        again: how often to begin again if somebody asks the process to end. A scheduler that ends a job asks all
        processes of it, and ends this one as well when it means it.
        """
        for _ in range(again + 1):
            code, printed, told = self._run(command)
            if code not in ASKED or self.ended:
                break
        host = socket.gethostname()
        if code:
            lines = told.strip().splitlines()
            return Outcome(None, lines[-1] if lines else f"the run ended with {code}", host)
        return _read_outcome(printed, host)

    def _run(self, command: Command) -> tuple[int, str, str]:
        """Exit code, stdout and stderr."""
        words = [*BOUND, str(os.getpid()), sys.executable, "-m", "vreid_bench.cli.main", *command]
        words += ["--yes", "--quiet", "--json"]
        with self._changing:
            if self.ended:
                return ASKED[0], "", "interrupted"
            before = signal.pthread_sigmask(signal.SIG_BLOCK, OTHERS)  # which the new process inherits
            try:
                process = subprocess.Popen(
                    words,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    env=os.environ | WITHOUT_GPU,
                )
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._running.add(process)
        try:
            printed, told = process.communicate()
        finally:
            with self._changing:
                self._running.discard(process)
        return process.returncode, printed, told


def _read_outcome(printed: str, host: str) -> Outcome:
    """The folder of a run that ended well, from the JSON that it printed."""
    try:
        return Outcome(Path(load_json(printed)["run"]), host=host)
    except (ValueError, LookupError, TypeError):
        found = ascii(printed[:60])
        fault = f"the run printed {found}, expected one JSON object alone; a plugin of it may print, which it must not"
        return Outcome(None, fault, host)


def run_commands(commands: Iterable[Command], *, again: int = 0, carry: bool = False) -> list[Outcome]:
    """The outcomes of the commands of a job, done one after the other on this machine; for the worker of an executor.

    again: as in `Processes.run`. carry: with the small files of each run, for a machine that does not see its folder.
    """
    with Processes() as processes:
        outcomes = [processes.run(command, again=again) for command in commands]
    return [
        outcome._replace(files=read_small_files(outcome.folder)) if carry and outcome.folder else outcome
        for outcome in outcomes
    ]
