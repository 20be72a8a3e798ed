"""What many test files need: small rendered data sets, a finished run and the command line."""

import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from hypothesis import settings
from run_kinds import make_kinds
from short_run import SHORT
from zygote import Zygote

from vreid_bench.cli.main import main

settings.register_profile("tests", deadline=None)  # how long an example takes, the machine and its other work decide
settings.load_profile("tests")

collect_ignore = ["gpu"]  # unless it is named: `make gpu` does

# Fixtures that render a data set, train, compile, install a package or start processes: who uses one is slow.
COSTLY = {
    "tiny_mars",
    "tiny_ilids",
    "tiny_shelf",
    "twin",
    "twins",
    "motion",
    "finished_runs",
    "runs_of_kinds",
    "emulation",
    "checked_emulation",
    "site",
    "spawn",
    "fork",
}


def pytest_collection_modifyitems(items):
    for item in items:
        if COSTLY & set(item.fixturenames):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def make_once(tmp_path_factory):
    """Make something costly once for all workers of pytest-xdist.

    `make_once(name, make)` returns a path which `make(path)` has filled, in this worker or in another. Tests share it:
    none may write to it.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def once(name, make):
        with open(folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (folder / name).exists():
                unfinished = folder / f"{name}.unfinished"
                make(unfinished)
                unfinished.rename(folder / name)
        return folder / name

    return once


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """No test writes to the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VREID_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def programs_are_not_measured():
    """A pytest that a test starts does not write its coverage over this worker's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SLIPCOVER_ENABLED", raising=False)
        yield


@pytest.fixture(scope="session", autouse=True)
def files_need_not_outlast_a_power_cut():
    """`os.fsync` does not wait for the disk: it is called ten thousand times, and no test cuts the power.

    A process that a test starts waits as ever.
    """

    def check(file):
        os.fstat(file if isinstance(file, int) else file.fileno())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", check)
        yield


@pytest.fixture(scope="session", autouse=True)
def arithmetic():
    """Commands within the tests' process compute as it does: torch is loaded already."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VREID_ARITHMETIC", "native")
        yield


@pytest.fixture(scope="session")
def tiny_mars(make_once):
    """Ten identities to train on and ten to test on, as the renderer writes them."""
    from vreid_plugins.datasets.mars.reader import Mars

    return make_once(
        "mars", lambda root: Mars().synthesize(root, ids=10, cameras=3, size=(32, 16), workers=1, progress=False)
    )


@pytest.fixture(scope="session")
def tiny_ilids(make_once):
    """Five identities in each half, two cameras and ten splits, as the renderer writes them."""
    from vreid_plugins.datasets.ilids_vid.reader import IlidsVid

    return make_once(
        "ilids-vid", lambda root: IlidsVid().synthesize(root, ids=5, size=(32, 16), workers=1, progress=False)
    )


@pytest.fixture(scope="session")
def tiny_shelf(make_once):
    """A folder with the smallest data set of each name that the protocols of the papers accept."""
    from vreid_plugins.datasets.duke_video.reader import DukeVideo
    from vreid_plugins.datasets.ilids_vid.reader import IlidsVid
    from vreid_plugins.datasets.mars.reader import Mars
    from vreid_plugins.datasets.prid2011.reader import Prid2011

    worlds = {
        "mars": (Mars(), 4),
        "ilids-vid": (IlidsVid(), 2),
        "prid2011": (Prid2011(), 2),
        "duke-video": (DukeVideo(), 2),
    }

    def render(folder):
        for name, (reader, people) in worlds.items():
            reader.synthesize(folder / name, ids=people, size=(32, 16), workers=1, progress=False)

    return make_once("shelf", render)


@pytest.fixture(scope="session")
def finished_runs(make_once, tiny_mars):
    """A folder of runs that holds one: `run --plugin mean-pooling` with the options SHORT on `tiny_mars`."""

    def train(runs):
        command = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", runs, *SHORT)
        result = CliRunner().invoke(main, [str(argument) for argument in command])
        assert result.exit_code == 0, result.output

    return make_once("runs", train)


@pytest.fixture(scope="session")
def runs_of_kinds(make_once, finished_runs, tiny_mars, tiny_ilids):
    """A folder of runs: `plain`, which is the finished run, `conditions`, `selected`, `reranked`, `pairs`, `splits`."""
    [plain] = finished_runs.iterdir()
    return make_once("runs-of-kinds", lambda folder: make_kinds(folder, plain, tiny_mars, tiny_ilids))


@pytest.fixture
def finished_run(finished_runs, tmp_path):
    """The folder of that run, copied to tmp_path, where a test may change it.

    The same command with `--runs tmp_path` finds it and does not train again.
    """
    [folder] = finished_runs.iterdir()
    return shutil.copytree(folder, tmp_path / folder.name)


@pytest.fixture(scope="session")
def checked_emulation(make_once):
    """The program that runs the CUDA kernels on the CPU, with sanitizers: several times slower."""
    from cuda_emulator import SANITIZERS, build

    return make_once("checked-emulation", lambda program: build(program, "-Og", "-g1", *SANITIZERS))


@pytest.fixture(scope="session")
def emulation(make_once):
    """The program that runs the CUDA kernels on the CPU."""
    from cuda_emulator import build

    return make_once("emulation", build)


@pytest.fixture
def cli():
    """Run the command line in this process; returns click's result."""

    def call(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments])

    return call


@pytest.fixture
def cli_json(cli):
    """Run the command line and parse what it prints on stdout; the command has to succeed."""

    def call(*arguments):
        result = cli(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return call


@pytest.fixture
def spawn():
    """Start `python -m vreid_bench.cli.main` as a process of its own."""

    def start(*arguments, cwd, **environment):
        command = [sys.executable, "-m", "vreid_bench.cli.main", *map(str, arguments)]
        variables = {**os.environ, **environment}
        return subprocess.Popen(
            command, cwd=cwd, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return start


@pytest.fixture(scope="session")
def zygote():
    """The process of this worker that `fork` forks others from."""
    one = Zygote()
    yield one
    one.close()


@pytest.fixture
def fork(zygote, tmp_path_factory):
    """Start the command line as a process of its own, without the seconds that imports take; at the end it is killed.

    It leads a session, as a program leads one that a terminal starts.
    """
    running = []

    def start(*arguments, cwd, **environment):
        running.append(zygote.start(arguments, tmp_path_factory.mktemp("output"), cwd, environment))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()
