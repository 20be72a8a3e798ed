"""What the data sets of the documentation read from a small tree, what two of them do together, and its protocols."""

from dataclasses import MISSING, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from doc_blocks import BLOCKS
from doc_tables import table
from doc_workplace import write_own_data
from places import ROOT
from short_run import SHORT, record_of

from vreid_bench import DISTRACTOR, JUNK, Cases, Corruption, Reassociation, Selection
from vreid_bench.planning.dataset_lists import check_dataset_lists

LIST = """\
train ann hall coat a
query bob hall coat b
gallery junk door coat c
gallery distractor door hat d
gallery bob door hat e
gallery ann2 door hat f
"""


def find_text(name, page="write-a-plugin.md"):
    """The text of a file that a page has."""
    [block] = [each for each in BLOCKS[ROOT / "docs" / page] if each.file == name]
    return block.text


def load(name):
    """The names that a file of docs/write-a-plugin.md defines."""
    names = {"__name__": name}
    exec(compile(find_text(name), name, "exec"), names)
    return names


def write_frames(folder, numbers):
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / f"im{number}.jpg").touch()


def test_the_yard_numbers_people_and_cameras_and_orders_frames(tmp_path):
    (tmp_path / "tracklets.txt").write_text(LIST)
    for folder in "abcdef":
        write_frames(tmp_path / folder, (10, 9, 2))
    [reader] = load("yard.py")["vreid_datasets"]().values()
    [split] = check_dataset_lists(reader.read(tmp_path), "yard").splits
    assert split.train[0].frames == ("a/im2.jpg", "a/im9.jpg", "a/im10.jpg")
    found = [(each.pid, each.camid, each.person_name, each.camera_name) for each in (*split.train, *split.test)]
    assert found == [
        (1, 1, "ann", "hall"),
        (2, 1, "bob", "hall"),
        (JUNK, 2, "junk", "door"),
        (DISTRACTOR, 2, "distractor", "door"),
        (2, 2, "bob", "door"),
        (3, 2, "ann2", "door"),
    ]
    assert [each.attribute("outfit") for each in split.test] == ["coat", "coat", "hat", "hat", "hat"]
    roles = reader.roles(tmp_path)
    assert (roles.pids, roles.camids) == ([2, JUNK, DISTRACTOR, 2, 3], [1, 2, 2, 2, 2])
    assert (roles.query, roles.gallery) == ((0,), (1, 2, 3, 4))


@pytest.mark.parametrize("line", ["", "test ann hall coat a", "train ann hall a"])
def test_a_line_that_the_yard_cannot_read_is_a_sentence(tmp_path, line):
    (tmp_path / "tracklets.txt").write_text(f"{LIST}{line}\n")
    names = load("yard.py")
    with pytest.raises(names["InputError"], match=r"line 7: .*expected PART PERSON CAMERA OUTFIT FOLDER"):
        names["Yard"]().read(tmp_path)


def test_the_foyer_is_divided_into_five_halves(tmp_path):
    for person in (1, 2, 3, 10, 11, 12):
        for camera in (1, 2, 3):
            write_frames(tmp_path / str(person) / str(camera), (10, 2))
    names = load("foyer.py")
    [protocol] = names["vreid_protocols"]().values()
    reader = names["Foyer"]()
    [one] = check_dataset_lists(reader.read(tmp_path), "foyer").splits
    assert {each.pid for each in one.train} == {1, 2, 3}
    assert one.train[0].frames == ("1/1/im2.jpg", "1/1/im10.jpg")
    assert protocol.variant in reader.variants
    halves = check_dataset_lists(reader.read(tmp_path, protocol.variant), "foyer").splits
    assert halves == reader.read(tmp_path, protocol.variant).splits
    assert len({frozenset(each.pid for each in split.train) for split in halves}) > 1
    assert len(halves) == 5
    for split in halves:
        taught, tested = ({each.pid for each in part} for part in (split.train, split.test))
        assert (len(taught), len(tested), taught & tested) == (3, 3, set())
        assert [split.test[row].camid for row in split.query] == [1, 1, 1]
        assert len(split.gallery) == 6


def test_two_data_sets_of_our_own_are_trained_on_and_tested_by_one_command(cli, cli_json, tmp_path, monkeypatch):
    """The file and the script of docs/own-data.md; the rows lie on one leaderboard."""
    monkeypatch.chdir(tmp_path)
    people = find_text("people.py", "own-data.md")
    for seed, name in enumerate(("campus", "station")):
        drawn = people.replace("people/", f"lab/{name}/").replace("default_rng(0)", f"default_rng({seed})")
        exec(compile(drawn, "people.py", "exec"), {"__name__": "people"})
    (tmp_path / "places.py").write_text(find_text("places.py", "own-data.md"))
    monkeypatch.setenv("VREID_PLUGIN_FILES", "places.py")
    assert cli("data", "verify", "campus", "--data", "lab/campus").exit_code == 0
    words = ("run", "--plugin", "mean-pooling", *SHORT, "--quiet")
    alone = cli_json(*words, "--protocol", "campus", "--data", "lab/campus")
    both = record_of(cli_json(*words, "--protocol", "campus-to-station", "--data", "lab"))
    assert (both.dataset.name, both.protocol.rules["dataset"], both.protocol.rules["target"]) == (
        "station",
        "campus",
        "station",
    )
    tuned = cli_json(*words, "--protocol", "campus-to-station-fine-tuned", "--data", "lab")
    again = record_of(cli_json("run", "--from", alone["run"], "--protocol", "station", "--data", "lab/station", "-q"))
    assert again.conventions["torchreid"].mAP == both.conventions["torchreid"].mAP
    assert record_of(tuned).protocol.rules["fine_tune"] == 0.1
    added = cli("leaderboard", "add", *sorted(Path("runs").iterdir()), "--dir", "mine")
    assert added.exit_code == 0, added.output
    boards = {path.name for path in Path("mine/records").iterdir()}
    assert boards == {"campus", "station", "campus-to-station", "campus-to-station-fine-tuned"}


def test_the_protocol_with_a_corruption_runs_on_the_data_of_the_page(tmp_path, monkeypatch, cli_json):
    write_own_data(tmp_path)
    [block] = [each for each in BLOCKS[ROOT / "docs/write-a-plugin.md"] if each.file == "occluded.py"]
    (tmp_path / "occluded.py").write_text(block.text)
    monkeypatch.setenv("VREID_PLUGIN_FILES", str(tmp_path / "occluded.py"))
    words = ("--plugin", "mean-pooling", "--protocol", "custom-occlusion", "--data", tmp_path / "my-data", *SHORT)
    found = cli_json("run", *words, "--runs", tmp_path / "runs")
    assert [each["name"] for each in found["conditions"]] == [f"{number} of 8 clips" for number in (0, 4, 8)]


def test_the_tables_of_strategies_have_every_field_with_its_default_and_its_words():
    page = (ROOT / "docs/write-a-plugin.md").read_text()
    for strategy in (Cases, Corruption, Reassociation, Selection):
        rows = table(page, f"`{strategy.__name__}`")
        assert list(rows) == [each.name for each in fields(strategy)]
        for name, hint in get_type_hints(strategy).items():
            for word in list_words(hint) if name in rows else ():
                assert f'`"{word}"`' in rows[name][0]
        for each in fields(strategy):
            said = rows[each.name][1].strip("`")
            if each.name == "pairs":
                assert (said, len(each.default)) == ('all four, `("random", "all")` first', 4)
                assert each.default[0] == ("random", "all")
            else:
                assert said == ("none" if each.default is MISSING else str(each.default).replace("case", '"case"'))


def list_words(hint):
    """The words of every `Literal` in an annotation."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    return [word for part in get_args(hint) for word in list_words(part)]
