"""Processes that run the command line and are there at once: forked from one that has imported torch and the plugins.

As a script, it is that one: it reads requests, and forks a process for each that is to start.
"""

import json
import os
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path


class Zygote:
    """The process that the others are forked from."""

    def __init__(self):
        command = [sys.executable, __file__]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, arguments, folder, cwd, environment):
        """Run the command line as the leader of a session; its output goes to files in `folder`."""
        files = [str(Path(folder) / name) for name in ("out", "err")]
        return Process(self, self.ask("start", list(map(str, arguments)), files, str(cwd), environment), files)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


class Process:
    """What `subprocess.Popen` would return, as far as tests use it."""

    def __init__(self, zygote, pid, files):
        self.zygote, self.pid, self.files, self.returncode = zygote, pid, files, None

    def poll(self):
        if self.returncode is None:
            self.returncode = self.zygote.ask("poll", self.pid)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:  # else its number may be another's by now
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout=60):
        ends = time.monotonic() + timeout
        while self.poll() is None:
            assert time.monotonic() < ends, self.output()
            time.sleep(0.01)
        return self.output()

    def output(self):
        return tuple(Path(file).read_text() for file in self.files)


def start(arguments, files, cwd, environment):
    """The number of the new process."""
    child = os.fork()
    if child:
        return child
    os.setsid()
    os.chdir(cwd)
    os.environ.update(environment)
    sys.path[:0] = filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))  # as a new process would
    for descriptor, file in zip((0, 1, 2), (os.devnull, *files), strict=True):
        os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), descriptor)
    sys.argv[:] = ["vreid-bench", *arguments]
    from vreid_bench.cli.main import main

    main(arguments)
    raise AssertionError("the command line ends its process")


def poll(child):
    """What the process ended with, or None."""
    ended, status = os.waitpid(child, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def serve():
    for module in ("vreid_bench.run", "vreid_bench.cli.run", "torch._dynamo"):  # the last is a part of the first step
        import_module(module)
    from vreid_bench.registry.registry import Registry

    Registry.installed()
    for line in sys.stdin:
        name, *request = json.loads(line)
        answer = {"start": start, "poll": poll}[name](*request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
