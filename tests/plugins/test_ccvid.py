"""The CCVID reader on small trees made by hand, each damaged in one way, and what clothes do to a score."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from faults import Faults
from vreid_plugins.datasets.ccvid_lists import WALKS

from vreid_bench.contracts.dataset import DatasetReader, Synthesizable, Verifiable
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets import ccvid, ccvid_verify
from vreid_plugins.datasets.ccvid import Ccvid
from vreid_plugins.synthetic import plan_ccvid

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
OLD, NEW = "u0_l0_s0_c0_a0", "u1_l0_s0_c0_a0"
# folder, person, clothes, frames
TRAIN = [("session1/001_01", 1, OLD, 2), ("session1/001_12", 1, NEW, 1), ("session2/150_03", 150, OLD, 3)]
QUERY = [("session1/002_01", 2, OLD, 2), ("session2/148_02", 148, OLD, 1)]
GALLERY = [
    ("session1/002_02", 2, OLD, 2),
    ("session3/002_01", 2, NEW, 3),
    ("session2/148_05", 148, OLD, 1),
    ("session2/148_04", 148, NEW, 1),
]


class Tree:
    """A CCVID tree, its lists in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        rows = {"train": TRAIN, "query": QUERY, "gallery": GALLERY}
        self.lists = {
            part: [f"{folder}\t{pid:03d}\t{clothes}" for folder, pid, clothes, _ in walks]
            for part, walks in rows.items()
        }
        for walks in rows.values():
            for folder, _, _, frames in walks:
                for number in range(1, frames + 1):
                    self.frame(f"{folder}/{number:05d}.jpg")

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def write(self) -> "Tree":
        """Write the lists anew; the frames stay as they are."""
        for part, lines in self.lists.items():
            (self.root / f"{part}.txt").write_text("".join(f"{line}\n" for line in lines))
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    return Tree(tmp_path / "CCVID").write()


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, Verifiable, Synthesizable):
        assert isinstance(Ccvid(), contract)
    assert isinstance(ccvid.vreid_datasets()["ccvid"], Ccvid)


def test_reading_gives_the_queries_then_the_gallery_in_file_order(tree: Tree) -> None:
    dataset = Ccvid().read(tree.root)
    (split,) = dataset.splits
    assert [(t.pid, t.camid, t.clothes, len(t.frames)) for t in split.train] == [
        (1, 1, OLD, 2),
        (1, 12, NEW, 1),
        (150, 3, OLD, 3),
    ]
    assert [(t.pid, t.camid) for t in split.test] == [(2, 1), (148, 2), (2, 2), (2, 13), (148, 5), (148, 4)]
    assert split.query == (0, 1)
    assert split.gallery == (2, 3, 4, 5)
    assert (dataset.source, dataset.notes) == ("unverified", ())
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_the_third_session_has_cameras_of_its_own(tree: Tree) -> None:
    test = Ccvid().read(tree.root).splits[0].test
    assert test[0].frames[0].startswith("session1/002_01/")
    assert test[3].frames[0].startswith("session3/002_01/")
    assert (test[0].camid, test[3].camid) == (1, 13)  # of one camera they would be junk for each other


def test_frames_are_in_order_of_their_number_whatever_the_disk_says(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (100_000, 99_999):
        tree.frame(f"session2/150_03/{number}.jpg")
    wanted = Ccvid().read(tree.root)
    names = [frame.rpartition("/")[2] for frame in wanted.splits[0].train[2].frames]
    assert names == ["00001.jpg", "00002.jpg", "00003.jpg", "99999.jpg", "100000.jpg"]
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert Ccvid().read(tree.root).splits == wanted.splits


def test_reading_writes_nothing_and_two_copies_have_one_fingerprint(tree: Tree, tmp_path: Path) -> None:
    before = sorted(tree.root.rglob("*"))
    dataset = Ccvid().read(tree.root)
    assert sorted(tree.root.rglob("*")) == before
    assert not any(str(tmp_path) in frame for t in dataset.splits[0].test for frame in t.frames)
    shutil.copytree(tree.root, tmp_path / "copy")
    assert Ccvid().read(tmp_path / "copy").fingerprint == dataset.fingerprint


def test_leftovers_in_a_folder_are_no_frames(tree: Tree) -> None:
    wanted = Ccvid().read(tree.root).fingerprint
    tree.frame("session1/001_01/.DS_Store")
    tree.frame("session1/001_01/._00001.jpg")
    assert Ccvid().read(tree.root).fingerprint == wanted
    assert sum("left by a file manager" in p for p in Ccvid().verify(tree.synthetic()).problems) == 2


fault = Faults()


@fault(r"gallery\.txt is missing, wanted a file")
def missing_list(tree: Tree) -> None:
    (tree.root / "gallery.txt").unlink()


@fault(r"session3 is missing, wanted a folder")
def missing_session(tree: Tree) -> None:
    shutil.rmtree(tree.root / "session3")


@fault(r"query\.txt is a folder, wanted a file")
def folder_for_a_list(tree: Tree) -> None:
    (tree.root / "query.txt").unlink()
    (tree.root / "query.txt").mkdir()


@fault(r"train\.txt, line 1: found 'session1/001_01 001', wanted 3 cells as in 'session1/001_01 001 u0_l0_s0_c0_a0'")
def line_without_clothes(tree: Tree) -> None:
    tree.lists["train"][0] = "session1/001_01 001"
    tree.write()


@fault(r"line 1: 'session4/001_01' names no walk, wanted such as session1/001_01, sessions 1 to 3 and walks 01 to 12")
def fourth_session(tree: Tree) -> None:
    tree.lists["train"][0] = f"session4/001_01\t001\t{OLD}"
    tree.write()


@fault(r"line 1: 'session1/001_13' names no walk")
def thirteenth_walk(tree: Tree) -> None:
    tree.lists["train"][0] = f"session1/001_13\t001\t{OLD}"
    tree.write()


@fault(r"line 1: person 0, wanted 001 or more")
def person_zero(tree: Tree) -> None:
    tree.lists["train"][0] = f"session1/001_01\t000\t{OLD}"
    tree.write()


@fault(r"line 1: '/session1/001_01' leaves the dataset")
def absolute_path(tree: Tree) -> None:
    tree.lists["train"][0] = f"/session1/001_01\t001\t{OLD}"
    tree.write()


@fault(r"train\.txt, line 2: .*session1/001_12 cannot be listed")
def missing_walk(tree: Tree) -> None:
    shutil.rmtree(tree.root / "session1/001_12")


@fault(r"train\.txt, line 2: .*session1/001_12 holds no frame")
def empty_walk(tree: Tree) -> None:
    (tree.root / "session1/001_12/00001.jpg").unlink()


@fault(r"session1/001_12 holds first\.jpg, wanted frame names such as 00001\.jpg")
def foreign_frame(tree: Tree) -> None:
    tree.frame("session1/001_12/first.jpg")


@fault(r"session1/001_12 holds 1\.jpg, whose number another file has")
def frame_number_twice(tree: Tree) -> None:
    tree.frame("session1/001_12/1.jpg")


@fault(r"gallery\.txt, line 5: session1/002_01 was listed in .*query\.txt, line 1")
def query_in_the_gallery(tree: Tree) -> None:
    tree.lists["gallery"].append(tree.lists["query"][0])
    tree.write()


@fault(r"person 2 is trained on and tested too, wanted nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.lists["train"].append(tree.lists["gallery"].pop(0))
    tree.write()


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_told_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    with pytest.raises(InputError, match=message) as caught:
        Ccvid().read(tree.root)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert str(caught.value) in Ccvid().verify(tree.root).problems


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in Ccvid().verify(tree.root).counts} == {
        "cameras": 7,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 6,
        "shortest train tracklet": 1,
        "longest train tracklet": 3,
        "query tracklets": 2,
        "query identities": 2,
        "query frames": 3,
        "shortest query tracklet": 1,
        "longest query tracklet": 2,
        "gallery tracklets": 4,
        "gallery identities": 2,
        "gallery frames": 7,
        "shortest gallery tracklet": 1,
        "longest gallery tracklet": 3,
        "train outfits": 3,
        "test outfits": 4,  # the same label is another outfit on another person
        "queries without a match": 0,
        "queries without a match in the same clothes": 0,
        "queries without a match in other clothes": 0,
        "tracklets of session1": 4,
        "tracklets of session2": 4,
        "tracklets of session3": 1,
        "frames on disk": 16,
    }


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the paper and of others' counting; no file of the original is at hand to count them on."""
    wanted = ccvid_verify.PUBLISHED
    tracklets = [wanted[f"{part} tracklets"] for part in ("train", "query", "gallery")]
    assert tracklets == [948, 834, 1074]
    assert sum(wanted[f"tracklets of session{n}"] for n in (1, 2, 3)) == sum(tracklets) == 2856
    assert sum(wanted[f"{part} frames"] for part in ("train", "query", "gallery")) == wanted["frames on disk"]
    assert wanted["train identities"] + wanted["query identities"] == 75 + 151 == 226
    assert wanted["gallery identities"] == wanted["query identities"]
    assert wanted["train outfits"] + wanted["test outfits"] == 480
    assert wanted["cameras"] == 2 * WALKS


def test_verify_compares_with_the_published_numbers_or_the_description(tree: Tree) -> None:
    problems = Ccvid().verify(tree.root).problems
    assert any("has 4 gallery tracklets, wanted 1,074" in problem for problem in problems)
    assert Ccvid().verify(tree.synthetic(test_outfits=4), decode=True).problems == ()
    (tree.root / "session2/150_03/00002.jpg").unlink()
    suspect, problem = Ccvid().verify(tree.synthetic(train_frames=6)).problems
    assert "session2/150_03/00003.jpg is frame 3, and frame 2 may be one of the frames that are too few" in suspect
    assert "has 5 train frames, wanted 6" in problem
    assert Ccvid().verify(tree.synthetic(train_frames=5)).problems == ()  # gaps of a whole original are its own


def test_verify_finds_a_walk_that_no_list_names_and_one_listed_as_somebody_else(tree: Tree) -> None:
    tree.frame("session1/009_01/00001.jpg")
    (problem,) = Ccvid().verify(tree.synthetic()).problems
    assert "session1/009_01 is a folder that no list names" in problem
    tree.lists["train"][0] = f"session1/001_01\t009\t{OLD}"
    problems = Ccvid().verify(tree.write().root).problems
    assert any("session1/001_01 is listed as person 9, wanted the person in its name" in p for p in problems)


def test_verify_finds_a_label_of_clothes_that_was_cut(tree: Tree) -> None:
    tree.lists["gallery"][3] = tree.lists["gallery"][3][:-3]
    (problem,) = Ccvid().verify(tree.write().synthetic()).problems
    assert "session2/148_04 is listed in clothes 'u1_l0_s0_c0', wanted a label built as 'u0_l0_s0_c0_a0'" in problem


def test_only_decoding_finds_a_truncated_frame(tree: Tree) -> None:
    (tree.root / "session3/002_01/00002.jpg").write_bytes(JPEG[:-20])
    assert Ccvid().verify(tree.synthetic()).problems == ()
    (problem,) = Ccvid().verify(tree.root, decode=True).problems
    assert "session3/002_01/00002.jpg cannot be decoded" in problem


def test_a_twin_is_read_back_and_verifies_without_any_problem(tmp_path: Path) -> None:
    root = tmp_path / "twin"
    Ccvid().synthesize(root, ids=3, size=(32, 16), workers=1, progress=False)
    assert Ccvid().read(root).source == "synthetic"
    found = Ccvid().verify(root, decode=True)
    assert found.problems == ()
    assert all(count.published is not None for count in found.counts)


def test_a_twin_of_fewer_people_would_leave_a_session_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 to 99 identities and 9 views, not 2 and 9"):
        Ccvid().synthesize(tmp_path / "twin", ids=2)


def test_everybody_in_the_default_twin_changes_clothes() -> None:
    plan = plan_ccvid()
    files = [plan.files[f"{part}.txt"].decode() for part in ("train", "query", "gallery")]
    lines = [line.split("\t") for file in files for line in file.splitlines()]
    worn: dict[str, set[str]] = {}
    for _, person, clothes in lines:
        worn.setdefault(person, set()).add(clothes)
    assert {len(outfits) for outfits in worn.values()} == {2, 3, 4}
    assert plan.expected["cameras"] == 24
    assert plan.expected["queries_without_a_match_in_the_same_clothes"] > 0
    assert plan.expected["queries_without_a_match"] == 0


# protocols and conventions


def test_the_three_modes_differ_in_the_clothes_of_a_match_alone() -> None:
    conventions = ccvid.vreid_conventions()
    assert {name: c.clothes for name, c in conventions.items()} == {
        "general": "any",
        "same-clothes": "same",
        "clothes-changing": "other",
    }
    assert conventions["general"].rules["clothes"] == "any"
    assert conventions["same-clothes"].rules["clothes"] == "same"
    assert len({c.fingerprint for c in conventions.values()}) == 3
    alike = [replace(c, name="c", clothes="any").fingerprint for c in conventions.values()]
    assert len(set(alike)) == 1


def test_every_protocol_scores_all_modes_and_ranks_by_its_own() -> None:
    protocols = ccvid.vreid_protocols()
    assert {name: p.headline for name, p in protocols.items()} == {
        "ccvid": "general",
        "ccvid-same-clothes": "same-clothes",
        "ccvid-clothes-changing": "clothes-changing",
    }
    assert all(p.conventions == tuple(ccvid.vreid_conventions()) for p in protocols.values())
    assert len({p.fingerprint for p in protocols.values()}) == 3


def test_a_run_scores_all_modes_at_once(cli_json, tmp_path: Path) -> None:
    root = tmp_path / "twin"
    Ccvid().synthesize(root, ids=6, size=(32, 16), workers=1, progress=False)
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", root, "--preset", "small", "--runs", tmp_path / "runs")
    report = cli_json(*command, "--protocol", "ccvid-clothes-changing", *short)
    modes = report["conventions"]
    counts = {count.what: count.found for count in Ccvid().verify(root).counts}
    assert modes["general"]["queries"] == counts["query tracklets"]
    lost = counts["queries without a match in the same clothes"]
    assert modes["same-clothes"]["queries"] == counts["query tracklets"] - lost
    assert modes["clothes-changing"]["mAP"] != modes["same-clothes"]["mAP"]
