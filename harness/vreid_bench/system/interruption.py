"""Ctrl-C and SIGTERM end a command soon, with one sentence, and without a child process."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)
GRACE = 1.0  # seconds in which a command may end by itself


class Interruption(KeyboardInterrupt):
    """The process received a signal that asks it to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.code = 128 + number  # the exit code that a shell expects


@contextmanager
def end_on_signals(say: Callable[[], None]) -> Iterator[None]:
    """Raise `Interruption` in the block on Ctrl-C or SIGTERM, after calling `say` once.

    Python runs a handler only between two of its own instructions, and a backward pass can take minutes. So a thread
    waits for the signal as well, and ends the process if it is still there after `GRACE` seconds. Worker processes of
    the renderer end with it. Outside the main thread, where Python allows no handlers, the block runs as it is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    told = threading.Lock()  # taken by whoever says it
    received: list[int] = []

    def say_once() -> None:
        if told.acquire(blocking=False):
            say()

    def stop(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise Interruption(number)

    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    finished = threading.Event()  # the block ended, and not by a signal
    before = [signal.signal(number, stop) for number in SIGNALS]
    wakeup = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_wait, args=(receiver, finished, say_once), daemon=True).start()
    try:
        yield
    except BaseException as fault:
        if not received:
            finished.set()
            raise
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # the process is ending already
        say_once()
        # native code in which the signal arrived can turn the exception into one of its own
        raise Interruption(received[0]) from fault
    else:
        finished.set()
    finally:
        signal.set_wakeup_fd(wakeup)
        sender.close()
        if finished.is_set():
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)


def leave(code: int) -> NoReturn:
    """End the process now. Python's own end waits for threads that still read frames, and frees gigabytes in pieces."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it
            stream.flush()
    os._exit(code)


def _wait(receiver: socket.socket, finished: threading.Event, say_once: Callable[[], None]) -> None:
    """End the process some time after it received one of the signals, unless its work was finished before."""
    numbers = (byte for byte in iter(lambda: receiver.recv(1), b""))
    number = next((byte[0] for byte in numbers if byte[0] in SIGNALS), None)
    if number is None or finished.wait(GRACE):
        return
    say_once()
    os._exit(128 + number)
