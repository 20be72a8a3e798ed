"""The MARS reader on small trees made by hand, each damaged in one way, and on the published index files."""

import json
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from faults import Faults
from scipy.io import loadmat, savemat

from vreid_bench.contracts.dataset import DISTRACTOR, JUNK, DatasetReader, Synthesizable, Verifiable
from vreid_bench.scoring.conventions import MARS
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets import mars
from vreid_plugins.datasets.mars import Mars

INFO = os.environ.get("VREID_MARS_INFO")
official = pytest.mark.skipif(not INFO, reason="VREID_MARS_INFO does not name the folder of the published .mat files")

# pid, camera, frames of every tracklet; person 6 has no tracklet beside its two queries
TRAIN = [(1, 1, 3), (1, 2, 2), (3, 1, 4)]
TEST = [(-1, 1, 2), (-1, 3, 1), (0, 1, 2), (0, 2, 5), (2, 1, 3), (2, 1, 2), (2, 2, 1), (4, 1, 2), (4, 3, 3), (6, 1, 2)]
TEST += [(6, 2, 3)]
QUERY = [5, 7, 8, 9, 10, 11]  # 1-based rows of TEST


@dataclass
class Tree:
    """A MARS tree in memory, to be damaged, and where it is written."""

    root: Path
    names: dict[str, list[str]]
    rows: dict[str, np.ndarray]
    query: np.ndarray

    def write(self, ending: str = "\n") -> "Tree":
        """Write the index files anew; the frames stay as they are."""
        for part in ("train", "test"):
            text = "".join(name + ending for name in self.names[part])
            (self.root / f"info/{part}_name.txt").write_bytes(text.encode())
            savemat(self.root / f"info/tracks_{part}_info.mat", {f"track_{part}_info": self.rows[part]})
        savemat(self.root / "info/query_IDX.mat", {"query_IDX": self.query})
        return self


def index_of(tracklets: list[tuple[int, int, int]]) -> tuple[np.ndarray, list[str]]:
    """Index rows [N, 4] and frame names of tracklets (pid, camera, frames)."""
    taken: Counter[tuple[int, int]] = Counter()
    rows, names = [], []
    for pid, camera, frames in tracklets:
        taken[pid, camera] += 1
        rows.append((len(names) + 1, len(names) + frames, pid, camera))
        stem = f"{'00-1' if pid == -1 else f'{pid:04d}'}C{camera}T{taken[pid, camera]:04d}F"
        names += [f"{stem}{frame:03d}.jpg" for frame in range(1, frames + 1)]
    return np.array(rows, np.int32), names


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """A small tree without any fault."""
    train, train_names = index_of(TRAIN)
    test, test_names = index_of(TEST)
    jpeg = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
    root = tmp_path / "mars"
    (root / "info").mkdir(parents=True)
    for part, names in (("train", train_names), ("test", test_names)):
        for name in names:
            path = root / f"bbox_{part}" / name[:4] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg)
    names = {"train": train_names, "test": test_names}
    return Tree(root, names, {"train": train, "test": test}, np.array([QUERY], np.uint16)).write()


def test_mars_is_a_reader_that_verifies_and_synthesizes() -> None:
    assert isinstance(Mars(), DatasetReader)
    assert isinstance(Mars(), Verifiable)
    assert isinstance(Mars(), Synthesizable)
    assert isinstance(mars.vreid_datasets()["mars"], Mars)


def test_reading_gives_every_test_row_in_file_order(tree: Tree) -> None:
    dataset = Mars().read(tree.root)
    (split,) = dataset.splits
    assert dataset.name == "mars"
    assert dataset.source == "unverified"
    assert dataset.notes == ()
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == TRAIN
    assert [(t.pid, t.camid, len(t.frames)) for t in split.test] == TEST
    assert split.query == (4, 6, 7, 8, 9, 10)
    assert split.gallery == tuple(range(11))
    assert split.train[1].frames == ("bbox_train/0001/0001C2T0001F001.jpg", "bbox_train/0001/0001C2T0001F002.jpg")
    assert split.test[0].frames[0] == "bbox_test/00-1/00-1C1T0001F001.jpg"
    assert split.test[0].pid == JUNK
    assert split.test[2].frames[0] == "bbox_test/0000/0000C1T0001F001.jpg"
    assert split.test[2].pid == DISTRACTOR
    assert all((tree.root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_pids_and_cameras_are_plain_integers_so_that_the_fingerprint_is_stable(tree: Tree) -> None:
    split = Mars().read(tree.root).splits[0]
    assert {type(x) for t in split.test for x in (t.pid, t.camid)} == {int}
    assert {type(x) for x in split.query} == {int}


def test_reading_touches_no_frame(tree: Tree) -> None:
    before = Mars().read(tree.root).fingerprint
    for folder in ("bbox_train", "bbox_test"):
        shutil.rmtree(tree.root / folder)
        (tree.root / folder).mkdir()
    assert Mars().read(tree.root).fingerprint == before


def test_two_copies_have_one_fingerprint(tree: Tree, tmp_path: Path) -> None:
    shutil.copytree(tree.root, tmp_path / "copy")
    assert Mars().read(tree.root).fingerprint == Mars().read(tmp_path / "copy").fingerprint


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_line_endings_and_blank_lines_at_the_end_do_not_matter(tree: Tree, ending: str) -> None:
    wanted = Mars().read(tree.root).fingerprint
    tree.write(ending)
    path = tree.root / "info/test_name.txt"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + ending.encode() * 3)
    assert Mars().read(tree.root).fingerprint == wanted


def test_whole_numbers_saved_as_double_are_read(tree: Tree) -> None:
    wanted = Mars().read(tree.root).fingerprint
    tree.rows["test"] = tree.rows["test"].astype(np.float64)
    tree.query = tree.query.astype(np.float64)
    assert Mars().read(tree.write().root).fingerprint == wanted


def test_frames_are_sorted_by_frame_number_and_the_reader_says_so(tree: Tree) -> None:
    names = tree.names["train"]
    names[5:9] = ["0003C1T0001F1000.jpg", "0003C1T0001F101.jpg", "0003C1T0001F002.jpg", "0003C1T0001F999.jpg"]
    dataset = Mars().read(tree.write().root)
    frames = [Path(frame).name for frame in dataset.splits[0].train[2].frames]
    assert frames == [f"0003C1T0001F{n}.jpg" for n in ("002", "101", "999", "1000")]
    assert dataset.notes == (
        "1 tracklets of info/train_name.txt are not listed in order of frame number; they were sorted by it.",
    )
    assert any("lines 6 to 9: frames are not in order" in p for p in Mars().verify(tree.root).problems)


fault = Faults()


@fault(r"mars/info/query_IDX\.mat is missing, wanted a file; copy it again from where MARS is published")
def missing_file(tree: Tree) -> None:
    (tree.root / "info/query_IDX.mat").unlink()


@fault(r"bbox_test is missing, wanted a folder")
def missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_test")


@fault(r"bbox_train is a file, wanted a folder")
def file_for_a_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_train")
    (tree.root / "bbox_train").touch()


@fault(r"train_name\.txt is a folder, wanted a file")
def folder_for_a_file(tree: Tree) -> None:
    (tree.root / "info/train_name.txt").unlink()
    (tree.root / "info/train_name.txt").mkdir()


@fault(r"mars is a file, wanted the folder that holds bbox_train")
def root_is_a_file(tree: Tree) -> None:
    shutil.rmtree(tree.root)
    tree.root.touch()


@fault(r"mars does not exist; name the folder")
def no_root(tree: Tree) -> None:
    shutil.rmtree(tree.root)


@fault(r"bbox_train is missing, wanted a folder; did you mean .*mars/MARS\?")
def root_one_level_too_high(tree: Tree) -> None:
    tree.root.rename(tree.root.with_name("inner"))
    tree.root.mkdir()
    tree.root.with_name("inner").rename(tree.root / "MARS")


@fault(r"tracks_train_info\.mat cannot be read as a MATLAB 5 file")
def no_matlab_file(tree: Tree) -> None:
    (tree.root / "info/tracks_train_info.mat").write_text("<html>404</html>")


@fault(r"tracks_test_info\.mat holds trackS_test_info, wanted the matrix track_test_info")
def wrong_key(tree: Tree) -> None:
    savemat(tree.root / "info/tracks_test_info.mat", {"trackS_test_info": tree.rows["test"]})


@fault(r"track_test_info is 11 x 3, wanted N x 4")
def wrong_shape(tree: Tree) -> None:
    tree.rows["test"] = tree.rows["test"][:, :3]
    tree.write()


@fault(r"query_IDX is 6 x 1, wanted 1 x N")
def query_as_a_column(tree: Tree) -> None:
    tree.query = tree.query.T
    tree.write()


@fault(r"track_train_info is 0 x 4, wanted N x 4")
def empty_index(tree: Tree) -> None:
    tree.rows["train"] = np.zeros((0, 4), np.int32)
    tree.write()


@fault(r"track_train_info holds float64 values, wanted whole numbers")
def fractions(tree: Tree) -> None:
    tree.rows["train"] = tree.rows["train"] + 0.5
    tree.write()


@fault(r"track_test_info holds float64 values, wanted whole numbers")
def infinite_numbers(tree: Tree) -> None:
    tree.rows["test"] = np.where(tree.rows["test"] == 0, np.inf, tree.rows["test"])
    tree.write()


@fault(r"query_IDX holds <U1 values, wanted whole numbers")
def text_for_numbers(tree: Tree) -> None:
    tree.query = np.array([["5"]])
    tree.write()


@fault(r"train_name\.txt is empty, wanted one frame name per line")
def empty_names(tree: Tree) -> None:
    (tree.root / "info/train_name.txt").write_text("\n\n")


@fault(r"test_name\.txt has 25 names, wanted 26 as .*tracks_test_info\.mat says")
def names_one_line_short(tree: Tree) -> None:
    tree.names["test"].pop()
    tree.write()


@fault(r"test_name\.txt has 27 names, wanted 26")
def names_one_line_long(tree: Tree) -> None:
    tree.names["test"].append("0006C2T0001F004.jpg")
    tree.write()


@fault(r"tracks_test_info\.mat, row 1: starts at line 0, the index seems to count from 0, MARS counts from 1")
def index_from_zero(tree: Tree) -> None:
    tree.rows["test"][:, :2] -= 1
    tree.write()


@fault(r"tracks_test_info\.mat, row 1: starts at line 2, wanted line 1")
def index_from_two(tree: Tree) -> None:
    tree.rows["test"][0, 0] = 2
    tree.write()


@fault(r"tracks_test_info\.mat, row 4: starts at line 10 and ends at line 9, wanted start <= end")
def start_after_end(tree: Tree) -> None:
    tree.rows["test"][3, :2] = 10, 9
    tree.write()


@fault(r"row 3: starts at line 3 and so overlaps row 2, which ends at line 3")
def overlap(tree: Tree) -> None:
    tree.rows["test"][2, 0] -= 1
    tree.write()


@fault(r"row 3: starts at line 5 and so leaves a gap after row 2, which ends at line 3")
def gap(tree: Tree) -> None:
    tree.rows["test"][2, 0] += 1
    tree.write()


@fault(r"tracks_train_info\.mat, row 3: says person 5, but lines 6 to 9 of info/train_name\.txt show person 3;")
def pid_of_the_index(tree: Tree) -> None:
    tree.rows["train"][2, 2] = 5
    tree.write()


@fault(r"tracks_train_info\.mat, row 2: says camera 4, but lines 4 to 5 .* show camera 2;")
def camera_of_the_index(tree: Tree) -> None:
    tree.rows["train"][1, 3] = 4
    tree.write()


@fault(r"row 3: says person 3, but lines 6 to 9 .* mix person 1 and 3;")
def tracklet_of_two_persons(tree: Tree) -> None:
    tree.names["train"][6] = "0001C1T0009F002.jpg"
    tree.write()


@fault(r"row 3: says camera 1, but lines 6 to 9 .* mix camera 1 and 5;")
def tracklet_of_two_cameras(tree: Tree) -> None:
    tree.names["train"][6] = "0003C5T0001F002.jpg"
    tree.write()


@fault(r"train_name\.txt, line 5: 0001C2T0001F001\.jpg is listed before")
def frame_listed_twice(tree: Tree) -> None:
    tree.names["train"][4] = tree.names["train"][3]
    tree.write()


@fault(r"train_name\.txt, line 2: found 'frame2\.jpg', wanted frame names such as 0001C1T0001F001\.jpg")
def foreign_name(tree: Tree) -> None:
    tree.names["train"][1] = "frame2.jpg"
    tree.write()


@fault(r"train_name\.txt, line 1: found '0001C7T0001F001\.jpg' \(1 more lines alike\), wanted .* camera 1 to 6")
def seventh_camera(tree: Tree) -> None:
    tree.names["train"][:2] = ["0001C7T0001F001.jpg", "0001C7T0001F002.jpg"]
    tree.write()


@fault(r"test_name\.txt, line 27: found '\.DS_Store', which a file manager left behind")
def leftover_in_the_list(tree: Tree) -> None:
    tree.names["test"].append(".DS_Store")
    tree.write()


@fault(r"test_name\.txt, line 3: found '', wanted frame names")
def blank_line_inside(tree: Tree) -> None:
    tree.names["test"].insert(2, "")
    tree.write()


@fault(r"test_name\.txt, line 1: found '00-1C1T0001F00Ã©\.jpg'")
def foreign_letter(tree: Tree) -> None:
    tree.names["test"][0] = "00-1C1T0001F00é.jpg"
    tree.write()


@fault(r"query_IDX\.mat: query 1 is row 0, the file seems to count from 0, MARS counts from 1")
def query_from_zero(tree: Tree) -> None:
    tree.query = np.array([[0, 6]], np.uint16)
    tree.write()


@fault(r"query_IDX\.mat: query 6 is row 12, wanted 1 to 11")
def query_out_of_range(tree: Tree) -> None:
    tree.query[0, 5] = 12
    tree.write()


@fault(r"query_IDX\.mat: query 2 \(row 5\) comes before the query listed before it")
def query_unsorted(tree: Tree) -> None:
    tree.query[0, :2] = 7, 5
    tree.write()


@fault(r"query_IDX\.mat: query 2 \(row 5\) repeats the query listed before it")
def query_twice(tree: Tree) -> None:
    tree.query[0, :2] = 5, 5
    tree.write()


@fault(r"query_IDX\.mat: person 2 has 2 queries in camera 1, wanted at most one per person and camera")
def two_queries_of_one_camera(tree: Tree) -> None:
    tree.query[0, :3] = 5, 6, 7
    tree.write()


@fault(r"query_IDX\.mat: row 1 is junk, wanted persons only")
def query_is_junk(tree: Tree) -> None:
    tree.query[0, 0] = 1
    tree.write()


@fault(r"query_IDX\.mat: row 3 is a distractor, wanted persons only")
def query_is_a_distractor(tree: Tree) -> None:
    tree.query[0, 0] = 3
    tree.write()


@fault(r"tracks_train_info\.mat: person 2 is in info/tracks_test_info\.mat too, wanted nobody in both")
def person_in_train_and_test(tree: Tree) -> None:
    tree.rows["train"], tree.names["train"] = index_of([*TRAIN[:2], (2, 5, 4)])
    tree.write()


@fault(r"tracks_train_info\.mat, row 3: pid is 0, wanted persons for training")
def distractor_in_train(tree: Tree) -> None:
    tree.rows["train"], tree.names["train"] = index_of([*TRAIN[:2], (0, 6, 4)])
    tree.write()


@pytest.mark.parametrize("name", fault)
def test_a_damaged_index_is_told_in_a_sentence(tree: Tree, name: str) -> None:
    damage, message = fault[name]
    damage(tree)
    with pytest.raises(InputError, match=message) as caught:
        Mars().read(tree.root)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert str(caught.value) in Mars().verify(tree.root).problems


def test_verify_tells_all_faults_of_the_index_at_once(tree: Tree) -> None:
    tree.query[0, 0] = 1  # junk
    tree.names["train"][0] = "no-frame.jpg"
    tree.write()
    problems = "\n".join(Mars().verify(tree.root).problems)
    assert "row 1 is junk" in problems
    assert "'no-frame.jpg'" in problems


def counts_of(tree: Tree) -> dict[str, int]:
    """What verification counts in a tree."""
    return {count.what: count.found for count in Mars().verify(tree.root).counts}


def test_verify_counts_what_was_put_in(tree: Tree) -> None:
    assert counts_of(tree) == {
        "cameras": 3,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 9,
        "train frames on disk": 9,
        "shortest train tracklet": 2,
        "longest train tracklet": 4,
        "test tracklets": 11,
        "test identities": 3,
        "test frames": 26,
        "test frames on disk": 26,
        "shortest test tracklet": 1,
        "longest test tracklet": 5,
        "junk": 2,
        "distractors": 2,
        "queries": 6,
        "query identities": 3,
        "queries of camera 1": 3,
        "queries of camera 2": 2,
        "queries of camera 3": 1,
        "queries of camera 4": 0,
        "queries of camera 5": 0,
        "queries of camera 6": 0,
        "gallery with queries, without junk": 9,
        "gallery without queries, without junk": 3,
        "queries without a match, queries in the gallery": 0,
        # out of the gallery, one tracklet of a person is left: person 2 in camera 1, a match for camera 2 only
        "queries without a match, queries out of the gallery": 5,
    }


def test_verify_compares_a_tree_that_is_not_synthetic_with_the_published_numbers(tree: Tree) -> None:
    verification = Mars().verify(tree.root)
    assert {c.what: c.published for c in verification.counts}["train tracklets"] == 8298
    assert any("has 3 train tracklets, wanted 8,298" in problem for problem in verification.problems)


EXPECTED = {"train_tracklets": 3, "test_tracklets": 11, "queries": 6, "junk": 2, "distractors": 2, "test_frames": 26}


def synthetic(tree: Tree, **changes: int) -> Tree:
    """The tree with a renderer's description, so that a whole tree verifies without any problem."""
    (tree.root / "synthetic.json").write_text(json.dumps({"expected": EXPECTED | changes}))
    return tree


def test_a_whole_synthetic_tree_has_no_problem(tree: Tree) -> None:
    verification = Mars().verify(synthetic(tree).root, decode=True)
    assert verification.source == "synthetic"
    assert verification.problems == ()
    assert {c.what: c.published for c in verification.counts}["queries"] == 6
    assert {c.what: c.published for c in verification.counts}["cameras"] is None
    assert Mars().read(tree.root).source == "synthetic"


def test_verify_compares_a_synthetic_tree_with_its_own_description(tree: Tree) -> None:
    (problem,) = Mars().verify(synthetic(tree, junk=3).root).problems
    assert "has 2 junk, wanted 3" in problem


def test_verify_tells_a_broken_description(tree: Tree) -> None:
    (tree.root / "synthetic.json").write_text("{")
    (problem,) = Mars().verify(tree.root).problems
    assert "synthetic.json cannot be read" in problem


@pytest.mark.parametrize("step", [-1, 1])
def test_verify_finds_a_row_that_begins_within_a_track_of_the_same_person_and_camera(tree: Tree, step: int) -> None:
    tree.rows["test"][4, 1] += step  # rows 5 and 6 are two tracks of person 2 in camera 1
    tree.rows["test"][5, 0] += step
    (problem,) = Mars().verify(synthetic(tree.write()).root).problems
    assert f"row 6: starts at line {14 + step}, within a track of info/test_name.txt" in problem


def test_a_track_may_be_cut_into_rows(tree: Tree) -> None:
    rows = tree.rows["train"]
    tree.rows["train"] = np.insert(rows, 2, [6, 7, 3, 1], axis=0)
    tree.rows["train"][3, 0] = 8
    assert Mars().verify(synthetic(tree.write(), train_tracklets=4).root).problems == ()


def frame_fault(tree: Tree, decode: bool = False) -> str:
    """The one problem of a synthetic tree; its frame counts are not compared."""
    (problem,) = Mars().verify(synthetic(tree).root, decode).problems
    return problem


def test_verify_finds_a_missing_frame(tree: Tree) -> None:
    (tree.root / "bbox_test/0004/0004C3T0001F002.jpg").unlink()
    assert "bbox_test/0004/0004C3T0001F002.jpg is listed but missing" in frame_fault(tree)
    assert counts_of(tree)["test frames on disk"] == 25


def test_verify_finds_a_missing_folder(tree: Tree) -> None:
    shutil.rmtree(tree.root / "bbox_test/0004")
    assert "bbox_test/0004 cannot be listed" in frame_fault(tree)
    assert counts_of(tree)["test frames on disk"] == 21


def test_verify_finds_an_empty_frame(tree: Tree) -> None:
    (tree.root / "bbox_train/0001/0001C1T0001F002.jpg").write_bytes(b"")
    assert "0001C1T0001F002.jpg is empty (0 bytes)" in frame_fault(tree)


def test_verify_finds_a_link_that_leads_nowhere(tree: Tree) -> None:
    path = tree.root / "bbox_train/0001/0001C1T0001F002.jpg"
    path.unlink()
    path.symlink_to("nowhere.jpg")
    assert "0001C1T0001F002.jpg is listed but missing" in frame_fault(tree)


def test_verify_finds_a_frame_that_is_a_folder(tree: Tree) -> None:
    path = tree.root / "bbox_train/0001/0001C1T0001F002.jpg"
    path.unlink()
    path.mkdir()
    assert "0001C1T0001F002.jpg is not a file" in frame_fault(tree)


def test_verify_finds_a_file_that_no_list_names(tree: Tree) -> None:
    (tree.root / "bbox_train/0001/0001C1T0001F004.jpg").write_bytes(b"x")
    assert "0001C1T0001F004.jpg is a file that no list names" in frame_fault(tree)


def test_verify_finds_a_folder_that_no_list_names(tree: Tree) -> None:
    (tree.root / "bbox_test/0008").mkdir()
    assert "bbox_test/0008 is a folder that no list names" in frame_fault(tree)


@pytest.mark.parametrize("place", ["bbox_train/.DS_Store", "bbox_test/0002/Thumbs.db", "bbox_test/0002/._0002.jpg"])
def test_verify_finds_leftovers_of_file_managers(tree: Tree, place: str) -> None:
    (tree.root / place).write_bytes(b"x")
    assert f"{place} was left by a file manager; delete it." in frame_fault(tree)


def test_only_decoding_finds_a_truncated_frame(tree: Tree) -> None:
    path = tree.root / "bbox_test/0002/0002C1T0001F003.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    assert Mars().verify(synthetic(tree).root).problems == ()
    assert "0002C1T0001F003.jpg cannot be decoded" in frame_fault(tree, decode=True)


def test_only_decoding_finds_a_frame_of_another_size(tree: Tree) -> None:
    path = tree.root / "bbox_test/0002/0002C1T0001F003.jpg"
    path.write_bytes(simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    assert Mars().verify(synthetic(tree).root).problems == ()
    assert "is 8 x 8 pixels (height x width), wanted 16 x 8 as most are" in frame_fault(tree, decode=True)


def test_a_lost_disk_gives_a_short_list(tmp_path: Path, tree: Tree) -> None:
    tree.rows["train"], tree.names["train"] = index_of([(1, 1, 500)])
    problems = Mars().verify(synthetic(tree.write(), train_tracklets=1).root).problems
    assert sum("is listed but missing" in problem for problem in problems) == 20
    assert "477 more: missing frames." in problems


def test_synthesize_refuses_cameras_that_mars_cannot_have(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="MARS has 6 cameras; cameras=7"):
        Mars().synthesize(tmp_path / "new", cameras=7)
    assert not (tmp_path / "new").exists()


def test_a_twin_is_read_back_and_verifies_without_any_problem(tmp_path: Path) -> None:
    root = tmp_path / "twin"
    Mars().synthesize(root, ids=2, cameras=2, size=(32, 16), progress=False)
    dataset = Mars().read(root)
    assert dataset.source == "synthetic"
    assert dataset.notes == ()
    assert Mars().verify(root, decode=True).problems == ()


def test_protocols_share_conventions_and_differ_in_the_holdout() -> None:
    protocols = mars.vreid_protocols()
    assert {name: p.holdout for name, p in protocols.items()} == {"mars": 0.0, "mars-dev": 0.2}
    for protocol in protocols.values():
        assert protocol.dataset == "mars"
        assert protocol.headline == "queries-in-gallery"
        assert set(protocol.conventions) == set(MARS)
    assert protocols["mars"].fingerprint != protocols["mars-dev"].fingerprint


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The published index files with frame names that fit them; no frames."""
    root = tmp_path_factory.mktemp("published")
    for folder in ("bbox_train", "bbox_test", "info"):
        (root / folder).mkdir()
    for file in ("tracks_train_info.mat", "tracks_test_info.mat", "query_IDX.mat"):
        shutil.copy(Path(str(INFO)) / file, root / "info" / file)
    for part in ("train", "test"):
        rows = loadmat(root / f"info/tracks_{part}_info.mat")[f"track_{part}_info"].tolist()
        names = index_of([(pid, camera, last - first + 1) for first, last, pid, camera in rows])[1]
        (root / f"info/{part}_name.txt").write_text("\n".join(names) + "\n")
    return root


@official
def test_the_published_index_files_are_known_by_their_hash(published: Path, tmp_path: Path) -> None:
    assert Mars().read(published).source == "official"
    shutil.copytree(published, tmp_path / "copy")
    path = tmp_path / "copy/info/query_IDX.mat"
    savemat(path, {"query_IDX": loadmat(path)["query_IDX"][:, :-1]})
    assert Mars().read(tmp_path / "copy").source == "unverified"


@official
def test_the_published_split_has_8298_and_12180_tracklets_and_1980_queries(published: Path) -> None:
    (split,) = Mars().read(published).splits
    assert (len(split.train), len(split.test), len(split.query)) == (8298, 12180, 1980)
    assert sum(len(t.frames) for t in split.train) == 509914
    assert sum(len(t.frames) for t in split.test) == 681089
    assert split.gallery == tuple(range(12180))
    assert (split.query[0], split.query[-1]) == (4129, 12179)


@official
def test_the_published_identities_are_those_of_the_field(published: Path) -> None:
    (split,) = Mars().read(published).splits
    query = {split.test[row].pid for row in split.query}
    others = [t for row, t in enumerate(split.test) if row not in set(split.query) and t.pid > DISTRACTOR]
    gallery = {t.pid for t in others}
    assert len({t.pid for t in split.train}) == 625
    assert len(query) == 626
    assert len(gallery) == 620
    assert len(query | gallery) == 634
    # queries whose person has no other tracklet at all, and persons never asked for
    assert query - gallery == {6, 152, 436, 454, 640, 782, 944, 1062, 1138, 1140, 1146, 1172, 1252, 1444}
    assert gallery - query == {12, 14, 154, 166, 982, 1034, 1104, 1354}


@official
def test_the_published_counts_agree_with_the_table(published: Path) -> None:
    counts = Mars().verify(published).counts
    found = {c.what: c.found for c in counts}
    assert (found["junk"], found["distractors"]) == (870, 3248)
    assert found["gallery without queries, without junk"] == 9330
    assert found["gallery with queries, without junk"] == 11310
    assert found["queries without a match, queries in the gallery"] == 0
    assert found["queries without a match, queries out of the gallery"] == 140
    assert [found[f"queries of camera {c}"] for c in range(1, 7)] == [524, 456, 319, 191, 384, 106]
    for c in counts:
        if "on disk" not in c.what:
            assert c.found == c.published, c.what


@official
def test_the_published_tracklets_have_the_lengths_of_the_field(published: Path) -> None:
    (split,) = Mars().read(published).splits
    for part, longest, mean, short in ((split.train, (5, 900), 61.5, (0, 86)), (split.test, (2, 920), 55.9, (3, 209))):
        lengths = [len(t.frames) for t in part]
        assert (min(lengths), max(lengths)) == longest
        assert round(sum(lengths) / len(lengths), 1) == mean
        assert tuple(sum(length < frames for length in lengths) for frames in (4, 8)) == short


@official
def test_published_persons_to_train_on_may_have_one_camera_or_one_tracklet(published: Path) -> None:
    """So that samplers draw with replacement, and pairs across cameras need something to fall back on."""
    train = Mars().read(published).splits[0].train
    tracklets = Counter(t.pid for t in train)
    cameras = Counter(pid for pid, _ in {(t.pid, t.camid) for t in train})
    assert (min(tracklets), max(tracklets)) == (1, 1499)
    assert sum(count == 1 for count in cameras.values()) == 6
    assert [sum(count < n for count in tracklets.values()) for n in (2, 4)] == [1, 45]
    assert max(tracklets.values()) == 271
    assert round(len(train) / len(tracklets), 1) == 13.3


@official
def test_140_published_queries_have_a_match_only_with_the_queries_in_the_gallery(published: Path) -> None:
    (split,) = Mars().read(published).splits
    rows = set(split.query)
    asked = [split.test[row] for row in split.query]
    assert len({(t.pid, t.camid) for t in asked}) == len(asked) == 1980
    matches = {}
    for apart in (False, True):
        left = [t for row, t in enumerate(split.test) if not (apart and row in rows)]
        people, sightings = Counter(t.pid for t in left), Counter((t.pid, t.camid) for t in left)
        matches[apart] = [people[t.pid] - sightings[t.pid, t.camid] for t in asked]
        if apart:
            assert sum(people[t.pid] == 0 for t in asked) == 28
    assert min(matches[False]) > 0
    assert len({t.pid for t, count in zip(asked, matches[True], strict=True) if not count}) == 126
    valid = [count for count in matches[True] if count]
    assert (len(matches[True]) - len(valid), len(valid)) == (140, 1840)
    assert (round(sum(matches[False]) / 1980, 1), round(sum(valid) / 1840, 1)) == (11.0, 9.1)
