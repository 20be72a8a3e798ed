"""A board of two rows, and what one machine scores in them."""

import json

import pytest
from allotment import Allotment, install

STEPS = 100  # of both methods: some seconds, so that a job can be lost in the middle


@pytest.fixture(scope="session")
def new_board(make_once):
    """Make a folder a board without records, whose package and rendered data all tests share."""

    def write(folder):
        install(folder / "site")
        module = folder / "site/vreid_allotment.py"
        text = (
            module.read_text().replace("\nSTEPS = 2", f"\nSTEPS = {STEPS}").replace("RATE = 1, 1", f"RATE = {STEPS}, 1")
        )
        module.write_text(text)

    shared = make_once("allotment-site", write)
    return lambda folder: Allotment(folder, shared / "site", VREID_CACHE=str(shared / "cache"))


@pytest.fixture(scope="session")
def one_machine(make_once, new_board):
    """What this machine scores in both rows, in a process for each."""

    def fill(folder):
        board = new_board(folder)
        done = board.call("fill", "-j", "2", "--quiet")
        assert done.returncode == 0, done.stderr

    return read_scores(make_once("allotment", fill))


@pytest.fixture
def board(new_board, tmp_path):
    """A board without records."""
    return new_board(tmp_path)


@pytest.fixture
def board_scores(tmp_path):
    """What the records of `board` hold now."""
    return lambda: read_scores(tmp_path)


def read_scores(folder):
    """File of a record -> what its run computed: scores and weights."""
    records = {file.name: json.loads(file.read_bytes()) for file in folder.glob("leaderboard/records/*/*/*.json")}
    return {name: (record["conventions"], record["weights"]) for name, record in records.items()}
