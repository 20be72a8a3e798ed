"""`vreid-bench report`: the files it writes of boards and of runs, and what it refuses."""

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
        (
            ("nowhere",),
            "nowhere: no such folder, and no run in runs; expected a leaderboard, with records/, or a finished run",
        ),
        (("board", "--protocol", "mars"), "--protocol mars: has no row in board; it has prid2011"),
        *(
            (("board", *words), f"{option} is of the page of a run, and board is none; leave it out")
            for words, option in (
                (("--no-images",), "--images/--no-images"),
                (("--no-figures",), "--figures/--no-figures"),
                (("--data", "empty"), "--data"),
                (("--accept-withdrawn", "duke-video"), "--accept-withdrawn"),
            )
        ),
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


@pytest.mark.slow
def test_a_run_is_named_by_its_folder_or_its_id(cli, finished_run, tmp_path):
    for number, words in enumerate([(finished_run,), (finished_run.name, "--runs", tmp_path)]):
        out = tmp_path / f"out-{number}"
        result = cli("report", *words, "--out", out, "--device", "cpu", "-q")
        assert result.stdout == f"{out / finished_run.name}.html\n"
        assert [path.name for path in out.iterdir()] == [f"{finished_run.name}.html"]
    one, other = (tmp_path / f"out-{n}" / f"{finished_run.name}.html" for n in (0, 1))
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_what_has_no_page_is_one_sentence_and_writes_nothing(cli, finished_run, tmp_path):
    def refusal(*words):
        result = cli("report", *words, "--out", tmp_path / "out", "-q")
        assert result.exit_code == 2
        assert not (tmp_path / "out").exists()
        return result.stderr

    assert "chooses boards" in refusal(finished_run, "--protocol", "mars")
    (finished_run / "data.json").write_text('{"mars": "/nowhere"}')
    assert "/nowhere: the run used this copy of mars, which is gone" in refusal(finished_run)
    (finished_run / "record.json").unlink()
    assert "is not finished, it was interrupted" in refusal(finished_run)  # its plan says that it is a run
    (finished_run / "ranking.csv").write_text("")
    assert "has a ranking and no scores" in refusal(finished_run)
