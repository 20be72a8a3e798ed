"""One's own tracklets from a CSV file: order, labels, and every fault with its file and line."""

from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from vreid_bench.contracts.dataset import DISTRACTOR, JUNK, DatasetReader, Synthesizable, Verifiable
from vreid_bench.scoring.conventions import vreid_conventions
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets import tracklets
from vreid_plugins.datasets.tracklets import Tracklets, in_time

HEADER = "split,pid,camid,frames"
ROWS = [
    "train,anna,north,a1",
    "train,anna,south,a2/*.jpg",
    "train,12,north,b1",
    "query,carl,north,c1",
    "gallery,carl,south,c2",
    "gallery,9,north,d1/x_*.jpg",
    "gallery,0,south,e1",
    "gallery,-1,south,f1",
]
FRAMES = {
    "a1": ["1.jpg", "2.jpg", "10.jpg"],
    "a2": ["f001.jpg"],
    "b1": ["cam3_frame_9_t2.jpg", "cam3_frame_7_t10.jpg"],
    "c1": ["1.jpg", "2.png"],
    "c2": ["1.jpg"],
    "d1": ["x_1.jpg", "x_2.jpg", "y_3.jpg"],
    "e1": ["1.jpg"],
    "f1": ["1.jpg"],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with frames and a list without fault."""
    jpeg = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
    for folder, names in FRAMES.items():
        (tmp_path / folder).mkdir()
        for name in names:
            (tmp_path / folder / name).write_bytes(jpeg)
    write(tmp_path, ROWS)
    return tmp_path


def write(root: Path, rows: list[str], header: str = HEADER) -> None:
    """Write the list anew."""
    (root / "tracklets.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def test_tracklets_is_a_reader_that_verifies_and_has_no_twin() -> None:
    assert isinstance(Tracklets(), DatasetReader)
    assert isinstance(Tracklets(), Verifiable)
    assert not isinstance(Tracklets(), Synthesizable)
    assert isinstance(tracklets.vreid_datasets()["tracklets"], Tracklets)


def test_rows_become_tracklets_in_file_order(root: Path) -> None:
    dataset = Tracklets().read(root)
    (split,) = dataset.splits
    assert (dataset.name, dataset.source) == ("tracklets", "unverified")
    assert [t.frames for t in split.train] == [
        ("a1/1.jpg", "a1/2.jpg", "a1/10.jpg"),
        ("a2/f001.jpg",),
        ("b1/cam3_frame_9_t2.jpg", "b1/cam3_frame_7_t10.jpg"),
    ]
    assert [t.frames[0] for t in split.test] == ["c1/1.jpg", "c2/1.jpg", "d1/x_1.jpg", "e1/1.jpg", "f1/1.jpg"]
    assert split.query == (0,)
    assert split.gallery == (0, 1, 2, 3, 4)


def test_labels_become_numbers_by_sorted_label_in_one_map(root: Path) -> None:
    (split,) = Tracklets().read(root).splits
    # 9 < 12 < anna < carl, and -1 and 0 keep their meaning
    assert [t.pid for t in split.train] == [3, 3, 2]
    assert [t.pid for t in split.test] == [4, 4, 1, DISTRACTOR, JUNK]
    assert [t.camid for t in split.train] == [1, 2, 1]
    assert [t.camid for t in split.test] == [1, 2, 1, 2, 2]


def test_a_glob_takes_what_it_matches_only(root: Path) -> None:
    (split,) = Tracklets().read(root).splits
    assert split.test[2].frames == ("d1/x_1.jpg", "d1/x_2.jpg")


def test_the_order_of_columns_and_further_columns_do_not_matter(root: Path) -> None:
    wanted = Tracklets().read(root).fingerprint
    turned = [",".join([row.split(",")[3], "note", *row.split(",")[:3]]) for row in ROWS]
    write(root, turned, "frames,comment,split,pid,camid")
    assert Tracklets().read(root).fingerprint == wanted


def test_windows_files_blank_lines_and_spaces_do_not_matter(root: Path) -> None:
    wanted = Tracklets().read(root).fingerprint
    text = "\r\n".join([HEADER, "", *(row.replace(",", " , ") for row in ROWS), "", ""])
    (root / "tracklets.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert Tracklets().read(root).fingerprint == wanted


def test_a_folder_may_have_the_letters_of_a_glob_in_its_name(root: Path) -> None:
    (root / "a1").rename(root / "a[1]")
    write(root, [ROWS[0].replace("a1", "a[1]"), *ROWS[1:]])
    assert Tracklets().read(root).splits[0].train[0].frames == ("a[1]/1.jpg", "a[1]/2.jpg", "a[1]/10.jpg")


def test_other_files_in_a_folder_are_passed_over(root: Path) -> None:
    wanted = Tracklets().read(root).fingerprint
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "._1.jpg"):
        (root / "a1" / name).write_bytes(b"x")
    assert Tracklets().read(root).fingerprint == wanted


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (["f10.jpg", "f9.jpg"], ["f9.jpg", "f10.jpg"]),
        (["c2_f1.jpg", "c1_f2.jpg"], ["c2_f1.jpg", "c1_f2.jpg"]),  # the last number is the frame
        (["7/f2.jpg", "8/f1.jpg"], ["8/f1.jpg", "7/f2.jpg"]),  # a folder's number is none
        (["f2.mp4.jpg", "f1.mp4.jpg"], ["f1.mp4.jpg", "f2.mp4.jpg"]),
        (["b.jpg", "a10.jpg", "a9.jpg"], ["a9.jpg", "a10.jpg", "b.jpg"]),  # one has no number: natural order of all
        (["f01.jpg", "f1.jpg"], ["f01.jpg", "f1.jpg"]),
        (["f2_v1.jpg", "f1_v1.jpg"], ["f1_v1.jpg", "f2_v1.jpg"]),
    ],
)
def test_frames_are_in_order_of_time(given: list[str], wanted: list[str]) -> None:
    assert list(in_time(given)) == wanted
    assert list(in_time(reversed(given))) == wanted


def replaced(line: int, row: str) -> list[str]:
    """The rows with another one in `line` of the file."""
    rows = list(ROWS)
    rows[line - 2] = row
    return rows


FAULTS = {
    "missing column": ([HEADER.replace("pid", "id"), *ROWS], r"line 1: no column pid, found split, id, camid, frames"),
    "two missing columns": (["split,frames", *ROWS], r"line 1: no column pid and camid, found split, frames"),
    "empty file": ([], r"line 1: no column split and pid and camid and frames, found nothing"),
    "unknown split": (
        [HEADER, *replaced(5, "test,carl,north,c1")],
        r"line 5: unknown split 'test', wanted train",
    ),
    "empty pid": ([HEADER, *replaced(3, "train, ,south,a2")], r"line 3: pid is empty"),
    "too few cells": ([HEADER, *replaced(3, "train,anna,a2")], r"line 3: 3 cells, wanted 4 as in the header"),
    "unquoted comma": ([HEADER, *replaced(3, "train,anna,south,a,2")], r"line 3: 5 cells, wanted 4 .* quote cells"),
    "empty glob": ([HEADER, *replaced(3, "train,anna,south,a2/*.gif")], r"line 3: no image matches 'a2/\*\.gif' in "),
    "no folder": ([HEADER, *replaced(3, "train,anna,south,zz")], r"line 3: no image matches 'zz' in "),
    "backslash": ([HEADER, *replaced(3, "train,anna,south,a2\\*.jpg")], r"line 3: .*correct the path \(with / between"),
    "absolute path": ([HEADER, *replaced(3, "train,anna,south,/a2")], r"line 3: '/a2' leaves the folder"),
    "path above": ([HEADER, *replaced(3, "train,anna,south,../a2")], r"line 3: '\.\./a2' leaves the folder"),
    "train junk": ([HEADER, *replaced(3, "train,-1,south,a2")], r"line 3: pid -1 is junk, which only gallery rows"),
    "query distractor": ([HEADER, *replaced(5, "query,0,north,c1")], r"line 5: pid 0 is a distractor, which only"),
    "frames twice": (
        [HEADER, *ROWS, "gallery,9,east,d1"],
        r"line 10: d1/x_1\.jpg was used in line 7 \(1 more frames alike\); give each tracklet one row",
    ),
    "query again in the gallery": (
        [HEADER, *ROWS, "gallery,carl,north,./c1"],
        r"line 10: c1/1\.jpg was used in line 5 .*; a query is a test tracklet already",
    ),
    "no train rows": ([HEADER, *ROWS[3:]], r"tracklets\.csv has no usable train row"),
    "no query rows": ([HEADER, *ROWS[:3], *ROWS[4:]], r"tracklets\.csv has no usable query row"),
    "no gallery rows": ([HEADER, *ROWS[:4]], r"tracklets\.csv has no usable gallery row"),
    "header only": ([HEADER], r"tracklets\.csv has no usable train row"),
    "trained and tested": (
        [HEADER, *replaced(6, "gallery,anna,south,c2")],
        r"line 2: person 'anna' is trained on",
    ),
    "open quote": ([HEADER, *replaced(3, 'train,"anna,south,a2')], r"line \d+: unexpected end of data; quote cells"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_with_file_and_line(root: Path, name: str) -> None:
    lines, message = FAULTS[name]
    (root / "tracklets.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match=message) as caught:
        Tracklets().read(root)
    assert str(caught.value).startswith(str(root / "tracklets.csv"))
    assert "\n" not in str(caught.value)
    assert str(caught.value) in Tracklets().verify(root).problems


def test_a_missing_list_is_told_with_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"tracklets\.csv is missing; write one with the header split,pid,camid"):
        Tracklets().read(tmp_path)


def test_a_folder_for_the_list_is_told(tmp_path: Path) -> None:
    (tmp_path / "tracklets.csv").mkdir()
    with pytest.raises(InputError, match=r"tracklets\.csv is a folder, wanted a file"):
        Tracklets().read(tmp_path)


def test_a_list_in_another_encoding_is_told(root: Path) -> None:
    (root / "tracklets.csv").write_bytes(f"{HEADER}\ntrain,J\xf6rg,north,a1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"cannot be read as UTF-8 text .*save it as UTF-8"):
        Tracklets().read(root)


def test_a_query_without_any_match_is_allowed_and_counted(root: Path) -> None:
    write(root, replaced(6, "gallery,dora,south,c2"))
    assert Tracklets().read(root).splits[0].query == (0,)
    counts = {c.what: c.found for c in Tracklets().verify(root).counts}
    assert counts["queries without a match among the gallery rows"] == 1


def test_verify_counts_and_finds_nothing_wrong(root: Path) -> None:
    verification = Tracklets().verify(root, decode=True)
    assert verification.problems == ()
    assert verification.source == "unverified"
    assert all(c.published is None for c in verification.counts)
    assert {c.what: c.found for c in verification.counts} == {
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 6,
        "query tracklets": 1,
        "query identities": 1,
        "query frames": 2,
        "gallery tracklets": 4,
        "gallery identities": 2,
        "gallery frames": 5,
        "junk": 1,
        "distractors": 1,
        "cameras": 2,
        "shortest tracklet": 1,
        "longest tracklet": 3,
        "queries without a match among the gallery rows": 0,
        "frames on disk": 13,
    }


def test_verify_tells_all_faults_at_once(root: Path) -> None:
    write(root, ["oops,anna,north,a1", *ROWS[1:-1], "gallery,-1,south,nowhere"])
    problems = Tracklets().verify(root).problems
    assert any("line 2: unknown split 'oops'" in problem for problem in problems)
    assert any("line 9: no image matches 'nowhere'" in problem for problem in problems)


def test_verify_finds_an_empty_frame_and_when_decoding_a_corrupt_one(root: Path) -> None:
    (root / "a1/2.jpg").write_bytes(b"")
    path = root / "c1/1.jpg"
    path.write_bytes(path.read_bytes()[:-20])
    (problem,) = Tracklets().verify(root).problems
    assert "a1/2.jpg is empty" in problem
    assert any("c1/1.jpg cannot be decoded" in problem for problem in Tracklets().verify(root, decode=True).problems)


def test_frames_of_different_sizes_are_no_fault(root: Path) -> None:
    (root / "c1/1.jpg").write_bytes(simplejpeg.encode_jpeg(np.zeros((8, 8, 3), np.uint8)))
    assert Tracklets().verify(root, decode=True).problems == ()


def test_custom_is_scored_under_conventions_that_exist() -> None:
    (protocol,) = tracklets.vreid_protocols().values()
    assert (protocol.name, protocol.dataset, protocol.holdout) == ("custom", "tracklets", 0.0)
    assert protocol.headline in protocol.conventions
    assert set(protocol.conventions) <= set(vreid_conventions())
    assert {vreid_conventions()[name].queries_in_gallery for name in protocol.conventions} == {True, False}
    assert not vreid_conventions()[protocol.headline].queries_in_gallery
    # somebody's own queries may have no match: that is no error
    assert all(vreid_conventions()[name].unmatched == "skip" for name in protocol.conventions)
