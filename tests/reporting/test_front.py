"""The README shows the board as its records have it, and says in a sentence when it does not."""

import re
import shutil
from xml.etree import ElementTree

import pytest
from claim_cases import make_record
from golden_records import change_fields

from vreid_bench.records.record import record_path
from vreid_bench.reporting.front_figures import METADATA
from vreid_bench.reporting.leaderboard import check, write_pages
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import sha256

TEXT = "# Mine\n\n<!-- begin board mars/synthetic -->\n{}<!-- end board -->\n\nMore.\n"
FILES = ["conventions-dark.svg", "conventions.svg", "scores-dark.svg", "scores.svg"]


def put(folder, made):
    write_atomic(folder / "records" / record_path(made), made.to_json())


def second(made):
    """The same record with a second convention, whose mAP is lower."""
    fields = made.model_dump(mode="json")
    [(_, result)] = fields["conventions"].items()
    rules = change_fields()["conventions"]["official"]
    other = {name: rules[name] for name in ("version", "fingerprint", "rules")}
    scores = {name: result[name] for name in result if name not in ("version", "fingerprint", "rules")}
    fields["conventions"]["official"] = other | scores
    return type(made).of(fields)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A leaderboard of fourteen methods with three seeds, and of one with a single seed that is better."""
    around = tmp_path_factory.mktemp("front")
    (around / "README.md").write_text(TEXT.format(""))
    folder = around / "rows"
    for place in range(14):
        for seed in range(3):
            put(folder, second(make_record(f"method-{place:02}", seed, score=0.6 - place / 100 + seed / 1000)))
    put(folder, second(make_record("single", score=0.9)))
    write_pages(folder)
    return around


@pytest.fixture
def board(built, tmp_path):
    """A copy of it, to be damaged."""
    return shutil.copytree(built, tmp_path / "copy") / "rows"


def test_the_block_has_the_ten_best_rows_of_three_seeds(board):
    text = (board.parent / "README.md").read_text()
    assert text.startswith("# Mine\n\n<!-- begin board mars/synthetic -->\nThe best of the 14 rows")
    assert text.endswith("<!-- end board -->\n\nMore.\n")
    rows = re.findall(r"^\| +(\d+) \| (\S+) +\| +(\d+) \| +(\S+ ± \S+ \(\S+\)) \|", text, re.MULTILINE)
    assert [row[:3] for row in rows] == [(str(1 + place), f"method-{place:02}", "3") for place in range(10)]
    assert rows[0][3] == "60.1 ± 0.1 (0.0–100.0)"
    assert "single" not in text
    assert "[all 15 rows](rows/mars-synthetic.md)" in text
    assert (board / "mars-synthetic.md").is_file()
    for name in FILES:
        assert f'"rows/figures/{name}"' in text
    assert sorted(path.name for path in (board / "figures").iterdir()) == FILES


def test_what_was_written_is_up_to_date_and_stays(board):
    assert check(board) == []
    assert write_pages(board) == []


def test_figures_are_xml_in_the_colours_of_their_page(board):
    for name in FILES:
        text = (board / "figures" / name).read_text()
        ElementTree.fromstring(text)
        assert ("#1b1c1e" in text, "#e8eaed" in text) == ("dark" not in name, "dark" in name)
        assert "<title>" in text
        assert "Matplotlib" not in text


def test_another_score_is_seen_in_block_and_figures(board):
    put(board, second(make_record("method-03", 2, score=0.7)))
    problems = check(board)
    stale = [problem for problem in problems if "figures" in problem or "its board" in problem]
    assert len(stale) == 5
    assert all("does not follow from the records; run `vreid-bench leaderboard`" in problem for problem in stale)
    write_pages(board)
    assert check(board) == []


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text.replace("method-02", "method-20"), "was edited after it was drawn"),
        (lambda text: METADATA.sub("", text), "does not follow from the records"),
        (lambda _: None, "is missing"),
    ],
)
def test_a_figure_that_is_not_what_it_should_be_is_told_and_mended(board, damage, words):
    path = board / "figures/scores.svg"
    damaged = damage(path.read_text())
    path.unlink() if damaged is None else path.write_text(damaged)
    assert check(board) == [f"{path}: {words}; run `vreid-bench leaderboard`"]
    assert write_pages(board) == [str(path)]
    assert check(board) == []


def test_a_figure_drawn_by_another_version_of_matplotlib_is_accepted_and_kept(board):
    """Its bytes differ, and it shows the same data."""
    path = board / "figures/scores.svg"
    text = path.read_text()
    mark = METADATA.search(text)
    other = text[: mark.start()] + text[mark.end() :].replace(".5 ", ".50 ").replace("</svg>", "\n</svg>")
    body = sha256(other.encode())
    path.write_text(other[: mark.start()] + mark[0].replace(mark[2], body) + other[mark.start() :])
    before = path.read_bytes()
    assert other.encode() not in (text.encode(),)
    assert check(board) == []
    assert write_pages(board) == []
    assert path.read_bytes() == before


def test_an_edited_block_is_told(board):
    path = board.parent / "README.md"
    path.write_text(path.read_text().replace("60.1", "66.1"))
    assert check(board) == [f"{path}: its board does not follow from the records; run `vreid-bench leaderboard`"]
    path.write_text(path.read_text().replace("More.", "And more."))
    write_pages(board)
    assert path.read_text().endswith("And more.\n")
    assert "60.1" in path.read_text()


def test_a_figure_that_the_readme_does_not_show_is_told_and_removed(board):
    other = board / "figures/other.svg"
    other.write_text("<svg/>")
    assert check(board) == [f"{other}: the README has no such figure; run `vreid-bench leaderboard`"]
    assert write_pages(board) == [str(other)]
    assert check(board) == []


def test_the_figures_of_a_leaderboard_without_its_readme_are_left_alone(board, tmp_path_factory):
    copy = shutil.copytree(board, tmp_path_factory.mktemp("copy") / "leaderboard")
    assert check(copy) == []
    assert write_pages(copy) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- begin board mars/synthetic -->\n", "expected one line `<!-- begin board FOLDER -->` and one"),
        (TEXT.format("") * 2, "expected one line `<!-- begin board FOLDER -->` and one"),
        (TEXT.replace("mars/", "duke/").format(""), "shows the board duke/synthetic, of which"),
    ],
)
def test_a_place_that_cannot_be_filled_is_told(board, text, words):
    (board.parent / "README.md").write_text(text)
    with pytest.raises(InputError, match=re.escape(words)):
        write_pages(board)
    assert words in check(board)[0]
    assert (board.parent / "README.md").read_text() == text


def test_without_a_place_in_a_readme_nothing_is_drawn(tmp_path):
    (tmp_path / "README.md").write_text("# Mine\n")
    put(tmp_path / "rows", make_record())
    write_pages(tmp_path / "rows")
    assert check(tmp_path / "rows") == []
    assert (tmp_path / "README.md").read_text() == "# Mine\n"
    assert not (tmp_path / "rows/figures").exists()
