"""The LS-VID reader on small trees made by hand, each damaged in one way."""

import json
import os
import re
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
import simplejpeg
from faults import Faults
from scipy.io import loadmat, savemat

from vreid_bench.contracts.dataset import JUNK, DatasetReader, Synthesizable, Verifiable
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets import ls_vid, ls_vid_verify
from vreid_plugins.datasets.ls_vid import LsVid
from vreid_plugins.synthetic import plan_ls_vid

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
# beginning of names, person, frames; `0002_1_1` begins the names of `0002_1_12`, as a glob understands it
TRAIN = [("0001/0001_1_3", 1, 2), ("0001/0001_1_15", 1, 1), ("0003/0003_1_2", 3, 3)]
VAL = [("0005/0005_1_1", 5, 2)]
TEST = [("0002/0002_1_1", 2, 2), ("0002/0002_1_12", 2, 3), ("0004/0004_1_4", 4, 1), ("0004/0004_2_5", 4, 2)]
QUERY = [1, 3]


class Tree:
    """An LS-VID tree, its lists in memory to be damaged."""

    def __init__(self, root: Path) -> None:
        self.root = root
        rows = {"train": TRAIN, "val": VAL, "test": TEST}
        self.lists = {
            part: [f"tracklet_{part}/{stem} {pid}" for stem, pid, _ in tracklets] for part, tracklets in rows.items()
        }
        self.query: np.ndarray = np.array([QUERY], np.float64)
        for part, tracklets in rows.items():
            for stem, _, frames in tracklets:
                for number in range(1, frames + 1):
                    self.frame(f"tracklet_{part}/{stem}_{number:04d}.jpg")

    def frame(self, path: str) -> None:
        """Put a frame there."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(JPEG)

    def write(self, ending: str = "\n") -> "Tree":
        """Write lists and query file anew; the frames stay as they are."""
        (self.root / "list_sequence").mkdir(exist_ok=True)
        (self.root / "test/data").mkdir(parents=True, exist_ok=True)
        for part, lines in self.lists.items():
            text = "".join(line + ending for line in lines)
            (self.root / f"list_sequence/list_seq_{part}.txt").write_bytes(text.encode())
        with h5py.File(self.root / "test/data/info_test.mat", "w") as file:
            file["query"] = self.query
        return self

    def synthetic(self, **expected: int) -> Path:
        """With a renderer's description, so that a whole tree verifies without any problem."""
        (self.root / "synthetic.json").write_text(json.dumps({"expected": expected}))
        return self.root


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    root = tmp_path / "LS-VID"
    root.mkdir()
    return Tree(root).write()


def test_it_is_a_reader_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, Verifiable, Synthesizable):
        assert isinstance(LsVid(), contract)
    assert isinstance(ls_vid.vreid_datasets()["ls-vid"], LsVid)


def test_reading_gives_every_line_in_file_order(tree: Tree) -> None:
    dataset = LsVid().read(tree.root)
    (split,) = dataset.splits
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == [(1, 3, 2), (1, 15, 1), (3, 2, 3)]
    assert [(t.pid, t.camid, len(t.frames)) for t in split.test] == [(2, 1, 2), (2, 12, 3), (4, 4, 1), (4, 5, 2)]
    assert split.query == (0, 2)  # counted from 1 in the file
    assert split.gallery == (0, 1, 2, 3)
    assert (dataset.source, dataset.notes) == ("unverified", ())
    assert {type(x) for t in split.test for x in (t.pid, t.camid)} == {int}
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_one_beginning_of_names_takes_no_frames_of_another(tree: Tree) -> None:
    shorter, longer = LsVid().read(tree.root).splits[0].test[:2]
    assert shorter.frames == ("tracklet_test/0002/0002_1_1_0001.jpg", "tracklet_test/0002/0002_1_1_0002.jpg")
    assert [Path(f).name for f in longer.frames] == [f"0002_1_12_{n:04d}.jpg" for n in (1, 2, 3)]
    del tree.lists["test"][1]  # not even if the longer one is not listed
    tree.query = np.array([[1, 2]])
    assert LsVid().read(tree.write().root).splits[0].test[0] == shorter


def test_a_frame_goes_to_the_longest_beginning_that_fits(tree: Tree) -> None:
    tree.frame("tracklet_test/0004/0004_4_0001.jpg")
    tree.lists["test"].append("tracklet_test/0004/0004 4")  # fits every name in the folder
    tree.write()
    with pytest.raises(InputError, match=r"line 5: .*0004_4_0001\.jpg is no name such as"):
        LsVid().read(tree.root)
    assert [len(t.frames) for t in LsVid().read(Tree(tree.root).write().root).splits[0].test] == [2, 3, 1, 2]


def test_beginnings_may_end_with_the_underscore_or_be_a_folder(tree: Tree) -> None:
    wanted = LsVid().read(tree.root).fingerprint
    tree.lists["train"][0] = "tracklet_train/0001/0001_1_3_ 1"
    assert LsVid().read(tree.write().root).fingerprint == wanted
    tree.lists["train"][2] = "tracklet_train/0003/ 3"
    assert LsVid().read(tree.write().root).fingerprint == wanted


def test_short_training_tracklets_stay(tree: Tree) -> None:
    tree.frame("tracklet_train/0007/0007_1_1_0001.jpg")
    tree.lists["train"].append("tracklet_train/0007/0007_1_1 7")
    split = LsVid().read(tree.write().root).splits[0]
    assert (split.train[-1].pid, len(split.train[-1].frames)) == (7, 1)
    assert all(len(t.frames) < 48 for t in split.train)
    counts = {count.what: count.found for count in LsVid().verify(tree.root).counts}
    assert counts["train tracklets under 48 frames"] == counts["train tracklets"] == 4


def test_a_listed_person_0_is_not_lost(tree: Tree) -> None:
    tree.lists["train"][2] = tree.lists["train"][2].replace(" 3", " 0")
    dataset = LsVid().read(tree.write().root)
    assert [t.pid for t in dataset.splits[0].train] == [2, 2, 1]
    assert [t.pid for t in dataset.splits[0].test] == [3, 3, 5, 5]
    assert dataset.notes == ("Persons are listed from 0, which stands for nobody here: every number is raised by one.",)


def test_frames_are_in_order_of_their_number_whatever_the_disk_says(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in ("10000", "9999"):
        tree.frame(f"tracklet_train/0003/0003_1_2_{number}.jpg")
    wanted = LsVid().read(tree.root)
    numbers = [frame.rpartition("_")[2] for frame in wanted.splits[0].train[2].frames]
    assert numbers == ["0001.jpg", "0002.jpg", "0003.jpg", "9999.jpg", "10000.jpg"]
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert LsVid().read(tree.root).splits == wanted.splits


def test_reading_writes_nothing_and_two_copies_have_one_fingerprint(tree: Tree, tmp_path: Path) -> None:
    before = sorted(tree.root.rglob("*"))
    dataset = LsVid().read(tree.root)
    assert sorted(tree.root.rglob("*")) == before
    assert not any(str(tmp_path) in frame for t in dataset.splits[0].test for frame in t.frames)
    shutil.copytree(tree.root, tmp_path / "copy")
    assert LsVid().read(tmp_path / "copy").fingerprint == dataset.fingerprint


def test_line_endings_a_mark_and_blank_lines_at_the_end_do_not_matter(tree: Tree) -> None:
    wanted = LsVid().read(tree.root).fingerprint
    path = tree.write("\r\n").root / "list_sequence/list_seq_test.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b"\r\n\r\n")
    assert LsVid().read(tree.root).fingerprint == wanted


def test_the_validation_part_is_read_by_verify_alone(tree: Tree) -> None:
    shutil.rmtree(tree.root / "tracklet_val")
    (tree.root / "list_sequence/list_seq_val.txt").unlink()
    assert LsVid().read(tree.root).splits[0].query == (0, 2)
    problems = "\n".join(LsVid().verify(tree.root).problems)
    assert "tracklet_val is missing" in problems
    assert "list_seq_val.txt is missing" in problems


def test_junk_is_junk(tree: Tree) -> None:
    tree.lists["test"][3] = tree.lists["test"][3].replace(" 4", " -1")
    assert LsVid().read(tree.write().root).splits[0].test[3].pid == JUNK
    assert {c.what: c.found for c in LsVid().verify(tree.root).counts}["junk"] == 1


fault = Faults()


@fault(r"test/data/info_test\.mat is missing, wanted a file")
def missing_file(tree: Tree) -> None:
    (tree.root / "test/data/info_test.mat").unlink()


@fault(r"tracklet_train is missing, wanted a folder")
def missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "tracklet_train")


@fault(r"list_seq_train\.txt is empty, wanted a line such as 'tracklet_test/0007/0007_0002_03 7'")
def empty_list(tree: Tree) -> None:
    (tree.root / "list_sequence/list_seq_train.txt").write_text("\n")


@fault(r"list_seq_train\.txt, line 2: found 'tracklet_train/0001/0001_1_15', wanted 2 cells")
def line_without_person(tree: Tree) -> None:
    tree.lists["train"][1] = "tracklet_train/0001/0001_1_15"
    tree.write()


@fault(r"list_seq_train\.txt, line 2: found '', wanted 2 cells")
def blank_line_inside(tree: Tree) -> None:
    tree.lists["train"].insert(1, "")
    tree.write()


@fault(r"list_seq_train\.txt cannot be read as UTF-8 text")
def binary_list(tree: Tree) -> None:
    (tree.root / "list_sequence/list_seq_train.txt").write_bytes(b"\xff\xfe\x00\x01")


@fault(r"line 1: 'one' is not a person's number")
def person_in_words(tree: Tree) -> None:
    tree.lists["train"][0] = "tracklet_train/0001/0001_1_3 one"
    tree.write()


@fault(r"list_seq_train\.txt, line 1: person -1, wanted 0 or more")
def junk_in_training(tree: Tree) -> None:
    tree.lists["train"][0] = "tracklet_train/0001/0001_1_3 -1"
    tree.write()


@fault(r"list_seq_test\.txt, line 4: person -2, wanted -1 or more")
def below_junk(tree: Tree) -> None:
    tree.lists["test"][3] = "tracklet_test/0004/0004_2_5 -2"
    tree.write()


@fault(r"line 1: '/data/0001_1_3' leaves the dataset")
def absolute_path(tree: Tree) -> None:
    tree.lists["train"][0] = "/data/0001_1_3 1"
    tree.write()


@fault(r"line 1: '\.\./0001_1_3' leaves the dataset")
def path_upwards(tree: Tree) -> None:
    tree.lists["train"][0] = "../0001_1_3 1"
    tree.write()


@fault(r"line 4: 'tracklet_train/\.DS_Store' is what a file manager left behind")
def leftover_in_the_list(tree: Tree) -> None:
    tree.lists["train"].append("tracklet_train/.DS_Store 9")
    tree.write()


@fault(r"list_seq_test\.txt, line 5: tracklet_train/0003/0003_1_2 was listed in .*list_seq_train\.txt, line 3")
def tracklet_listed_twice(tree: Tree) -> None:
    tree.lists["test"].append("tracklet_train/0003/0003_1_2 4")
    tree.write()


@fault(r"list_seq_test\.txt, line 1: no frame begins with tracklet_test/0002/0002_1_1, wanted files such as")
def no_frames(tree: Tree) -> None:
    for path in (tree.root / "tracklet_test/0002").glob("0002_1_1_*"):
        path.unlink()


@fault(r"line 3: no frame begins with tracklet_train/0003/0003_1_2_00, wanted files such as")
def beginning_within_a_field(tree: Tree) -> None:
    tree.lists["train"][2] = "tracklet_train/0003/0003_1_2_00 3"
    tree.write()


@fault(r"line 3: .*0003_1_2_first\.jpg is no name such as 0007_0002_03_0001\.jpg")
def foreign_frame(tree: Tree) -> None:
    tree.frame("tracklet_train/0003/0003_1_2_first.jpg")


@fault(r"line 3: tracklet_train/0003/0003_1_16 begins frames of camera 16, wanted one camera of 1 to 15")
def sixteenth_camera(tree: Tree) -> None:
    for path in (tree.root / "tracklet_train/0003").iterdir():
        path.rename(path.with_name(path.name.replace("0003_1_2_", "0003_1_16_")))
    tree.lists["train"][2] = "tracklet_train/0003/0003_1_16 3"
    tree.write()


@fault(r"line 3: tracklet_train/0003/0003_1 begins frames of camera 2 and 7, wanted one camera")
def two_cameras(tree: Tree) -> None:
    tree.frame("tracklet_train/0003/0003_1_7_0001.jpg")
    tree.lists["train"][2] = "tracklet_train/0003/0003_1 3"
    tree.write()


@fault(r"line 3: tracklet_train/0003/0003_1_2_01\.jpg has the number of another frame")
def frame_number_twice(tree: Tree) -> None:
    tree.frame("tracklet_train/0003/0003_1_2_01.jpg")


@fault(r"person 2 is trained on and tested too, wanted nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.lists["train"][2] = "tracklet_train/0003/0003_1_2 2"
    tree.write()


@fault(r"info_test\.mat cannot be read as a MATLAB 7\.3 \(HDF5\) file")
def older_matlab_file(tree: Tree) -> None:
    savemat(tree.root / "test/data/info_test.mat", {"query": np.array([QUERY])})


@fault(r"info_test\.mat holds gallery, wanted the matrix query")
def wrong_key(tree: Tree) -> None:
    with h5py.File(tree.root / "test/data/info_test.mat", "w") as file:
        file["gallery"] = tree.query


@fault(r"query is 2 x 1, wanted 1 x N")
def query_as_a_column(tree: Tree) -> None:
    tree.query = tree.query.T
    tree.write()


@fault(r"query holds float64 values, wanted whole numbers")
def fractions(tree: Tree) -> None:
    tree.query = tree.query + 0.5
    tree.write()


@fault(r"a query is row 0, the file seems to count from 0, LS-VID counts from 1")
def query_from_zero(tree: Tree) -> None:
    tree.query = tree.query - 1
    tree.write()


@fault(r"a query is row 5, wanted 1 to 4")
def query_out_of_range(tree: Tree) -> None:
    tree.query = tree.query + 2
    tree.write()


@fault(r"row 3 is a query twice")
def query_twice(tree: Tree) -> None:
    tree.query = np.array([[3, 3]])
    tree.write()


@fault(r"row 4 is junk, wanted persons only")
def query_is_junk(tree: Tree) -> None:
    tree.lists["test"][3] = "tracklet_test/0004/0004_2_5 -1"
    tree.query = np.array([[1, 4]])
    tree.write()


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_told_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    with pytest.raises(InputError, match=message) as caught:
        LsVid().read(tree.root)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert str(caught.value) in LsVid().verify(tree.root).problems


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert {count.what: count.found for count in LsVid().verify(tree.root).counts} == {
        "cameras": 7,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 6,
        "shortest train tracklet": 1,
        "longest train tracklet": 3,
        "val tracklets": 1,
        "val identities": 1,
        "val frames": 2,
        "shortest val tracklet": 2,
        "longest val tracklet": 2,
        "test tracklets": 4,
        "test identities": 2,
        "test frames": 8,
        "shortest test tracklet": 1,
        "longest test tracklet": 3,
        "train tracklets under 48 frames": 3,
        "junk": 0,
        "queries": 2,
        "query identities": 2,
        "queries without a match, queries in the gallery": 0,
        "queries without a match, queries out of the gallery": 0,
        "frames on disk": 16,
    }


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the paper; no file of the original is at hand to count them on."""
    wanted = ls_vid_verify.PUBLISHED
    parts = ("train", "val", "test")
    assert sum(wanted[f"{part} identities"] for part in parts) == 842 + 200 + 2730 == 3772
    assert sum(wanted[f"{part} tracklets"] for part in parts) == 14_943
    assert sum(wanted[f"{part} frames"] for part in parts) == wanted["frames on disk"]
    assert (wanted["train tracklets"], wanted["cameras"]) == (2831, 15)
    assert wanted["test tracklets"] == wanted["queries"] + 7829 == 3504 + 7829


def test_verify_compares_with_the_published_numbers_or_the_description(tree: Tree) -> None:
    problems = LsVid().verify(tree.root).problems
    assert any("has 2 queries, wanted 3,504" in problem for problem in problems)
    assert LsVid().verify(tree.synthetic(queries=2), decode=True).problems == ()
    (problem,) = LsVid().verify(tree.synthetic(test_frames=9)).problems
    assert "has 8 test frames, wanted 9" in problem


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("tracklet_test/0002/0002_1_13_0001.jpg", "is a file that no list names"),
        ("tracklet_train/0009/0009_1_1_0001.jpg", "is a folder that no list names"),
        ("tracklet_val/.DS_Store", "was left by a file manager"),
    ],
)
def test_verify_finds_what_no_list_names(tree: Tree, place: str, message: str) -> None:
    tree.frame(place)
    (problem,) = LsVid().verify(tree.synthetic()).problems
    assert message in problem


def test_verify_finds_a_tracklet_listed_as_somebody_else(tree: Tree) -> None:
    tree.lists["train"][0] = tree.lists["train"][0].replace(" 1", " 3")
    (problem,) = LsVid().verify(tree.write().synthetic()).problems
    assert "0001/0001_1_3_0001.jpg is listed as person 3, wanted 1 as its name says" in problem


def test_lists_may_number_persons_anew(tree: Tree) -> None:
    for part, lines in tree.lists.items():
        tree.lists[part] = [re.sub(r" (\d+)$", lambda match: f" {int(match[1]) + 50}", line) for line in lines]
    assert LsVid().verify(tree.write().synthetic()).problems == ()


def test_a_query_file_that_is_damaged_inside_is_told(tree: Tree) -> None:
    path = tree.root / "test/data/info_test.mat"
    whole = path.read_bytes()
    for start in range(0, len(whole), 8):  # what h5py raises differs from place to place
        path.write_bytes(whole[:start] + b"\xa5" * 8 + whole[start + 8 :])
        assert all("info_test.mat" in problem for problem in LsVid().verify(tree.synthetic()).problems)


def test_only_decoding_finds_a_truncated_frame(tree: Tree) -> None:
    (tree.root / "tracklet_val/0005/0005_1_1_0002.jpg").write_bytes(JPEG[:-20])
    assert LsVid().verify(tree.synthetic()).problems == ()
    (problem,) = LsVid().verify(tree.root, decode=True).problems
    assert "0005_1_1_0002.jpg cannot be decoded" in problem


def test_a_twin_is_read_back_and_verifies_without_any_problem(tmp_path: Path) -> None:
    root = tmp_path / "twin"
    LsVid().synthesize(root, ids=4, size=(32, 16), workers=1, progress=False)
    assert LsVid().read(root).source == "synthetic"
    found = LsVid().verify(root, decode=True)
    assert found.problems == ()
    assert all(count.published is not None for count in found.counts)
    with pytest.raises(NotImplementedError):  # as MATLAB's own: scipy knows the version by its header
        loadmat(root / "test/data/info_test.mat")


def test_the_default_twin_has_the_quirks_of_the_original() -> None:
    plan = plan_ls_vid()
    assert plan.expected["cameras"] == 15
    assert 0 < plan.expected["train_tracklets_under_48_frames"] < plan.expected["train_tracklets"]
    assert plan.expected["queries_without_a_match,_queries_out_of_the_gallery"] > 0
    assert plan.expected["query_identities"] < plan.expected["test_identities"]
    assert min(len(job.paths) for job in plan.jobs) == 1
    stems = [job.paths[0].rpartition("_")[0] for job in plan.jobs]
    assert any(a != b and b.startswith(a) for a in stems for b in stems)  # a careless glob takes too many


def test_queries_in_the_gallery_or_not_are_two_conventions() -> None:
    protocol = ls_vid.vreid_protocols()["ls-vid"]
    assert protocol.headline == "queries-in-gallery"
    assert protocol.conventions == ("queries-in-gallery", "torchreid")
