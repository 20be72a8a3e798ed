"""Writes files so that a reader sees either the old content or the new content, never a part of one."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vreid_bench.system.processes import processes

UNFINISHED = ".unfinished"


def write_atomic(path: Path, content: bytes) -> None:
    """Write `content` to `path`; if that fails, the old file stays. Raises OSError, which names it, if it cannot.

    The content is on the disk when this returns. Two writers of one file take turns, and what a killed writer left is
    used by the next. Of the processes of one run, the first writes, for all.
    """
    if not processes().first:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}{UNFINISHED}")
    try:
        with _open_alone(temporary) as descriptor:
            try:
                os.ftruncate(descriptor, 0)
                _write(descriptor, content)
                os.fsync(descriptor)
                os.replace(temporary, path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
    except OSError as fault:
        if fault.errno is None:
            raise
        raise type(fault)(fault.errno, fault.strerror, str(path)) from fault  # a write that fails names no file
    _keep_name(path.parent)


@contextmanager
def hold_lock(path: Path, waits: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Hold the lock of a file for the block; it ends with the process, however that ends.

    waits: called before this waits for another holder. Raises OSError if the file cannot be made.
    """
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep(folder: Path) -> None:
    """Remove the temporary files of killed writers from a folder and its subfolders, where no other process writes."""
    for path in folder.rglob(f".*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def is_unfinished(path: Path) -> bool:
    """Is this the temporary file of a writer, which is at work or was killed?"""
    return path.name.startswith(".") and path.name.endswith(UNFINISHED)


@contextmanager
def _open_alone(path: Path) -> Iterator[int]:
    """The file, made if it is not there, for this writer alone: another one waits until it is renamed or removed."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_at(descriptor, path):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    """Is the open file still the one at that path, and not renamed by the writer before?"""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _keep_name(folder: Path) -> None:
    """Bring the entries of a folder to the disk, too; some file systems refuse, and do it themselves."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
