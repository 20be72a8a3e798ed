"""`vreid-bench report`: the files it writes, and what it refuses."""

import shutil

import pytest
from places import LEADERBOARD


@pytest.fixture
def board(tmp_path):
    """A leaderboard of one protocol."""
    folder = tmp_path / "board"
    shutil.copytree(LEADERBOARD / "records" / "prid2011", folder / "records" / "prid2011")
    return folder


def test_a_page_for_each_board_and_an_index(cli, board, tmp_path):
    out = tmp_path / "pages"
    result = cli("report", board, "--out", out)
    assert result.output.splitlines()[-1] == str(out / "index.html")
    assert sorted(path.name for path in out.iterdir()) == ["index.html", "prid2011-synthetic.html"]


def test_boards_of_other_protocols_can_be_left_out(cli, tmp_path):
    out = tmp_path / "pages"
    cli("report", LEADERBOARD, "--protocol", "prid2011", "--protocol", "mevid", "--out", out)
    assert sorted(path.name for path in out.iterdir()) == [
        "index.html",
        "mevid-synthetic.html",
        "prid2011-synthetic.html",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "nowhere: no such folder; expected a leaderboard, with records/"),
        (("board", "--protocol", "mars"), "--protocol mars: has no row in board; it has prid2011"),
        (("empty",), "empty: holds no record; `vreid-bench leaderboard add` adds those of runs"),
    ],
)
def test_what_cannot_be_shown_is_one_sentence_and_writes_nothing(cli, board, monkeypatch, arguments, message):
    monkeypatch.chdir(board.parent)
    (board.parent / "empty").mkdir()
    result = cli("report", *arguments)
    assert result.exit_code == 2
    assert result.stderr == f"error: {message}\n"
    assert not (board.parent / "pages").exists()
