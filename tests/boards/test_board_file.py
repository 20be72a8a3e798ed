"""Boards as files: which rows they ask for, and what is wrong with a file."""

import pytest

from vreid_bench.boards.board_file import list_boards, read_boards
from vreid_bench.boards.wanted import Wanted
from vreid_bench.system.errors import InputError

ONE = 'says = "one"\n[[rows]]\nprotocols = ["mars", "ls-vid"]\nmethods = ["a", "b"]\nseeds = [0, 2]\n'
TWO = 'says = "two"\n[[rows]]\nprotocols = ["mars"]\nmethods = ["b", "c"]\nsettings = ["test.T=8"]\nrerank = "zhong"\n'


@pytest.fixture
def leaderboard(tmp_path):
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards/one.toml").write_text(ONE)
    (tmp_path / "boards/two.toml").write_text(TWO + ONE.partition("\n")[2])
    return tmp_path


def test_rows_are_products_each_once_in_the_order_of_the_files(leaderboard):
    assert list_boards(leaderboard) == ["one", "two"]
    first = [Wanted(p, m, "small", s) for p in ("mars", "ls-vid") for m in ("a", "b") for s in (0, 2)]
    assert read_boards(leaderboard, ["one"]) == first
    again = [Wanted("mars", m, "small", 0, ("test.T=8",), "zhong") for m in ("b", "c")]
    assert read_boards(leaderboard, []) == [*first, *again]
    assert read_boards(leaderboard, ["two"]) == [*again, *first]


def test_a_path_names_a_board_that_lies_elsewhere(leaderboard, tmp_path_factory):
    path = tmp_path_factory.mktemp("mine") / "mine.toml"
    path.write_text(ONE)
    assert read_boards(leaderboard, [str(path)]) == read_boards(leaderboard, ["one"])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (
            ["ones"],
            r"has no board 'ones'; did you mean one\? Its boards: one, two; the path of a file elsewhere ends in",
        ),
        (["xyz"], "has no board 'xyz'; its boards: one, two; the path"),
        (["no/such.toml"], "^no/such.toml: no such file; name a board file$"),
        (["one.toml"], "^one.toml: no such file; .* has a board of that name, write `leaderboard fill one --dir .*`$"),
    ],
)
def test_a_board_that_is_not_there_is_told_with_those_that_are(leaderboard, names, words):
    with pytest.raises(InputError, match=words):
        read_boards(leaderboard, names)


def test_a_leaderboard_without_boards_is_told(tmp_path):
    with pytest.raises(InputError, match=r"has no boards; expected \.toml files"):
        read_boards(tmp_path, [])


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('says = "one"', "", "says: is missing"),
        ("seeds", "seed", "not valid boards: rows.0.seed: is not a field here; did you mean seeds? "),
        ("[0, 2]", "[-1]", "rows.0.seeds.0: found -1, expected greater than or equal to 0"),
        ("[0, 2]", '["0"]', "rows.0.seeds.0: found '0', expected a whole number"),
        ("[0, 2]", "[]", "rows.0.seeds: found an empty list, expected a list of at least 1 item;"),
        ('["a", "b"]', '["../a"]', "rows.0.methods.0: found '../a'"),
        ('["mars", "ls-vid"]', '"mars"', "rows.0.protocols: found 'mars', expected a list;"),
        ('says = "one"', 'says = ""', "says: found '', expected a text that is not empty;"),
        (
            "seeds = [0, 2]",
            'colour = "red"',
            "rows.0.colour: is not a field here; expected one of protocols, methods, ",
        ),
        ("[[rows]]", "[rows]", "rows: found an object with fields, expected a list;"),
        ("seeds = [0, 2]", 'preset = "large"', "rows.0.preset: found 'large', expected 'paper' or 'small'"),
        ("seeds = [0, 2]", "seeds = [0, 2", "not valid boards"),
    ],
)
def test_a_fault_is_told_with_file_field_and_what_is_expected(leaderboard, old, new, words):
    path = leaderboard / "boards/one.toml"
    assert old in ONE
    path.write_text(ONE.replace(old, new))
    with pytest.raises(InputError) as fault:
        read_boards(leaderboard, ["one"])
    assert str(path) in str(fault.value)
    assert words in str(fault.value)


def test_a_message_about_a_board_ends_with_a_smallest_one(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(ONE.partition("\n")[2])
    with pytest.raises(InputError) as fault:
        read_boards(tmp_path, [str(path)])
    says, _, example = str(fault.value).partition("; a smallest board is\n")
    assert says == f"{path}: not valid boards: says: is missing"
    path.write_text(example)
    assert read_boards(tmp_path, [str(path)]) == [Wanted("mars", "mean-pooling", "small", 0)]
    with pytest.raises(InputError, match="has no boards") as fault:
        read_boards(tmp_path, [])
    assert str(fault.value).endswith(example)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x = 1\n" * 200_000])
def test_what_is_no_text_or_far_too_long_is_refused(leaderboard, content):
    (leaderboard / "boards/one.toml").write_bytes(content)
    with pytest.raises(InputError, match=r"one\.toml: "):
        read_boards(leaderboard, ["one"])
