"""Tasks in processes of this machine, some of which are lost."""

import multiprocessing
import operator

import pytest
from gallery_parts import die_once

from vreid_bench.system import worker_processes
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.worker_processes import WorkerProcesses

pytestmark = pytest.mark.slow  # each starts processes


def add(shared, task, threads):
    return shared + task


def die_at_one(mark, task, threads):
    if task == 1:
        die_once(mark / str(len([*mark.iterdir()])))  # each time, as the mark is another one
    return task


def refuse(shared, task, threads):
    raise InputError(f"task {task} does not fit")


def test_each_task_has_its_result():
    assert dict(WorkerProcesses(2).map_tasks(add, 10, range(5))) == {number: 10 + number for number in range(5)}
    assert not list(WorkerProcesses(2).map_tasks(operator.add, 10, []))


def test_a_task_that_ends_every_process_is_told(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(worker_processes, "AGAIN", 1)
    done = WorkerProcesses(2).map_tasks(die_at_one, tmp_path, range(3))
    with pytest.raises(RunError, match=r"ended before their work did 2 times, .* with fewer --workers"):
        list(done)
    assert "a worker process was lost" in capsys.readouterr().err
    assert len([*tmp_path.iterdir()]) == 2
    assert not multiprocessing.active_children()


def test_a_fault_of_the_input_is_told_and_ends_all():
    with pytest.raises(InputError, match=r"task \d does not fit"):
        list(WorkerProcesses(2).map_tasks(refuse, None, range(5)))
    assert not multiprocessing.active_children()


def test_a_reader_who_stops_ends_all():
    results = WorkerProcesses(2).map_tasks(add, 10, range(50))
    next(results)
    results.close()
    assert not multiprocessing.active_children()
