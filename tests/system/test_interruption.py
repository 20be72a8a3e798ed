"""Signals that ask a process to end, in processes of their own."""

import signal
import subprocess
import sys

import pytest
from places import ROOT

from vreid_bench.system.interruption import GRACE

BEGIN = """\
import os, signal, sys, threading, time
from vreid_bench.system.interruption import Interruption, end_on_signals
def say(): print("said", flush=True)
"""


def run(code):
    return subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_block_with_the_code_of_shells(number):
    done = run(f"""
try:
    with end_on_signals(say):
        os.kill(os.getpid(), {number:d})
        time.sleep(60)
except Interruption as stop:
    sys.exit(stop.code)
""")
    assert (done.returncode, done.stdout, done.stderr) == (128 + number, "said\n", "")


@pytest.mark.slow
def test_an_exception_that_native_code_turned_into_another_still_ends_the_command_as_interrupted():
    done = run("""
try:
    with end_on_signals(say):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(60)
        except KeyboardInterrupt as stop:
            raise ValueError("no shape") from stop
except Interruption as stop:
    sys.exit(stop.code)
""")
    assert (done.returncode, done.stdout, done.stderr) == (130, "said\n", "")


@pytest.mark.slow
@pytest.mark.parametrize("busy", ["work()", "threading.Thread(target=time.sleep, args=(100,)).start()"])
def test_a_process_that_cannot_stop_is_ended(busy):
    """By work that swallows the exception, as `__del__` does; by a thread that Python waits for at its end."""
    done = run(f"""
def work():
    ends = time.monotonic() + 100
    while time.monotonic() < ends:
        try:
            time.sleep(100)
        except BaseException:
            pass
with end_on_signals(say):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
    {busy}
    time.sleep(100)
""")
    assert done.returncode == 143
    assert done.stdout == "said\n"


def test_the_docs_promise_more_time_than_a_command_has_to_end_by_itself():
    assert GRACE <= 1.5
    assert "within about two seconds" in (ROOT / "docs/running.md").read_text()


@pytest.mark.slow
def test_a_block_that_ends_leaves_signals_as_they_were():
    done = run("""
before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
for error in (None, ValueError):
    try:
        with end_on_signals(say):
            if error: raise error
    except ValueError:
        pass
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before
assert signal.set_wakeup_fd(-1) == -1
def elsewhere():
    with end_on_signals(say): print("done")  # a thread can set no handlers
thread = threading.Thread(target=elsewhere); thread.start(); thread.join()
time.sleep(2)
print("alive")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\nalive\n", "")
