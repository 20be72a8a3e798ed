"""Files are whole or as before, whoever else writes and whatever happens to the writer."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from vreid_bench.system import files
from vreid_bench.system.files import UNFINISHED, hold_lock, is_unfinished, sweep, write_atomic


def test_a_file_is_written_with_its_folder_and_replaced(tmp_path):
    path = tmp_path / "new" / "x"
    for content in (b"first", b"", b"third, which is longer"):
        write_atomic(path, content)
        assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_writers_take_turns(tmp_path):
    """Every content that is ever read is one that was written, and nothing is left."""
    path, contents = tmp_path / "x", {bytes([65 + n]) * (n * 9_000 + 1) for n in range(8)}
    write_atomic(path, b"A")
    done = threading.Event()

    def read():
        found = set()
        while not done.is_set():
            found.add(path.read_bytes())
        return found

    with ThreadPoolExecutor(9) as pool:
        reader = pool.submit(read)
        writers = [pool.submit(write_atomic, path, content) for _ in range(20) for content in contents]
        for writer in writers:
            writer.result()
        done.set()
        assert reader.result() <= contents
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["write", "fsync", "replace", "ftruncate"])
def test_a_full_disk_is_told_with_the_file_and_changes_nothing(tmp_path, monkeypatch, name):
    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "x"
    write_atomic(path, b"before")
    monkeypatch.setattr(files.os, name, fail)
    with pytest.raises(OSError, match="No space left on device") as fault:
        write_atomic(path, b"after")
    assert fault.value.filename == str(path)
    monkeypatch.undo()
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"before"]


def test_a_folder_that_cannot_be_written_is_told_with_the_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_atomic(tmp_path / "file" / "x", b"")


def die_at(name, path):
    """Write a file and be killed at a call."""
    setattr(files.os, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    write_atomic(path, b"after")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["write", "fsync", "replace"])
def test_what_a_killed_writer_left_is_used_by_the_next(tmp_path, name):
    path = tmp_path / "x"
    write_atomic(path, b"before")
    process = multiprocessing.get_context("fork").Process(target=die_at, args=(name, path))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert path.read_bytes() == b"before"
    (left,) = set(tmp_path.iterdir()) - {path}
    assert is_unfinished(left)
    write_atomic(path, b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"new"]


def test_the_folder_is_swept_below_too(tmp_path):
    for name in (f".x{UNFINISHED}", f"x{UNFINISHED}", f"below/.y{UNFINISHED}", "below/y"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    sweep(tmp_path)
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {f"x{UNFINISHED}", "y"}


def test_a_lock_is_waited_for_and_that_is_told(tmp_path):
    order, waiting = [], threading.Event()

    def work():
        with hold_lock(tmp_path / "lock", waiting.set):
            order.append("second")

    with hold_lock(tmp_path / "lock", lambda: order.append("never")):
        thread = threading.Thread(target=work)
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
