"""Jobs in processes of this machine; the processes themselves are replaced here."""

import threading
from pathlib import Path

import pytest

from vreid_bench import Outcome
from vreid_plugins.executors import local

JOBS = [[("a",), ("b",)], [("c",)]]


class Quick:
    """Does each command at once."""

    def __init__(self):
        self.threads = set()

    def run(self, command):
        self.threads.add(threading.get_ident())
        if command == ("broken",):
            raise MemoryError
        return Outcome(Path(*command))

    def end(self):
        return 0


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(local, "Processes", Quick)


def test_every_command_has_its_outcome_and_a_job_keeps_its_order(quick, tmp_path):
    executor = local.Local(None)
    done = list(executor.run(JOBS, tmp_path))
    assert done == [((name,), Outcome(Path(name))) for name in "abc"]
    assert len(executor._processes.threads) == 1
    assert executor.cancel() == ""


def test_a_process_that_cannot_be_started_ends_the_command(quick, tmp_path):
    with pytest.raises(MemoryError):
        list(local.Local(2).run([[("broken",)]], tmp_path))
