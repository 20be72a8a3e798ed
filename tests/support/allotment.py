"""A leaderboard with a board of two rows, in the package of a stranger, and how to run `leaderboard` on it."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from places import TESTS

STRANGER = TESTS / "support/vreid_allotment.py"
BOARD = """\
says = "two methods on ten people"

[[rows]]
protocols = ["allotment"]
methods = ["beans", "peas"]
"""


class Allotment:
    """A folder with the board, for which the package of the stranger is installed."""

    def __init__(self, folder, site, **variables):
        """site: where the package is installed, if it is not there yet; variables: of the environment, besides."""
        self.folder = folder
        self.module = site / "vreid_allotment.py"
        if not site.exists():
            install(site)
        (folder / "leaderboard/boards").mkdir(parents=True, exist_ok=True)
        (folder / "leaderboard/boards/small.toml").write_text(BOARD)
        path = [str(site), os.environ.get("PYTHONPATH", "")]
        self.variables = variables | {"PYTHONPATH": os.pathsep.join(filter(None, path))}

    @property
    def env(self):
        """The environment of a process."""
        return os.environ | self.variables

    def change(self, before, after):
        """Replace a text of the module."""
        text = self.module.read_text()
        assert before in text
        self.module.write_text(text.replace(before, after))

    def start(self, *words):
        """Begin `leaderboard WORDS`."""
        command = [sys.executable, "-m", "vreid_bench.cli.main", "leaderboard", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=self.folder, env=self.env, text=True, **pipes)

    def call(self, *words):
        """Do `leaderboard WORDS`."""
        with self.start(*words) as process:
            out, err = process.communicate()
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def list_processes(self):
        """The numbers of the processes that work in the folder."""
        found = []
        for each in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                found += [int(each.name)] if (each / "cwd").resolve() == self.folder else []
        return [number for number in found if number != os.getpid()]


def install(site):
    """Write the package, as pip leaves it."""
    info = site / "vreid_allotment-0.1.dist-info"
    info.mkdir(parents=True)
    shutil.copy(STRANGER, site)
    (info / "METADATA").write_text("Name: vreid-allotment\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[vreid_bench]\nallotment = vreid_allotment\n")


def wait_for(what):
    """Until it is so; the time limit is that of a machine that hangs. Returns it."""
    deadline = time.monotonic() + 120
    while not (found := what()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found
