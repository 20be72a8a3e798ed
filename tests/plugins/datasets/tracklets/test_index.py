"""The list of your own tracklets: every fault with its file and line, and the order of frames."""

from pathlib import Path

import pytest
from tracklets_tree import HEADER, ROWS, replaced

from vreid_bench import InputError
from vreid_plugins.datasets.tracklets.index import find_frames, sort_by_time
from vreid_plugins.datasets.tracklets.reader import Tracklets


@pytest.mark.parametrize(
    ("given", "expected"),
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
def test_frames_are_in_order_of_time(given: list[str], expected: list[str]) -> None:
    assert list(sort_by_time(given)) == expected
    assert list(sort_by_time(reversed(given))) == expected


FAULTS = {
    "missing column": ([HEADER.replace("pid", "id"), *ROWS], r"line 1: no column pid, found split, id, camid, frames"),
    "a column twice": (
        [f"{HEADER},pid", *(f"{row},x" for row in ROWS)],
        r"line 1: column 'pid' stands at 2 and 5, expected each name once; rename or remove one",
    ),
    "two missing columns": (["split,frames", *ROWS], r"line 1: no column pid and camid, found split, frames"),
    "semicolons": (
        [line.replace(",", ";") for line in (HEADER, *ROWS)],
        r"line 1: no column .*; the cells have semicolons between them: separate them with commas",
    ),
    "empty file": ([], r"line 1: no column split and pid and camid and frames, found nothing"),
    "unknown split": (
        [HEADER, *replaced(5, "test,carl,north,c1")],
        r"line 5: unknown split 'test', expected train",
    ),
    "empty pid": ([HEADER, *replaced(3, "train, ,south,a2")], r"line 3: pid is empty"),
    "too few cells": ([HEADER, *replaced(3, "train,anna,a2")], r"line 3: 3 cells, expected 4 as in the header"),
    "unquoted comma": ([HEADER, *replaced(3, "train,anna,south,a,2")], r"line 3: 5 cells, expected 4 .* quote cells"),
    "empty glob": ([HEADER, *replaced(3, "train,anna,south,a2/*.gif")], r"line 3: no image matches 'a2/\*\.gif' in "),
    "no folder": ([HEADER, *replaced(3, "train,anna,south,zz")], r"line 3: no image matches 'zz' in "),
    "backslash": ([HEADER, *replaced(3, "train,anna,south,a2\\*.jpg")], r"line 3: .*correct the path \(with / between"),
    "absolute path": ([HEADER, *replaced(3, "train,anna,south,/a2")], r"line 3: '/a2' leads out of the folder"),
    "path above": ([HEADER, *replaced(3, "train,anna,south,../a2")], r"line 3: '\.\./a2' leads out of the folder"),
    "train junk": ([HEADER, *replaced(3, "train,-1,south,a2")], r"line 3: pid -1 is junk, which only gallery rows"),
    "query distractor": ([HEADER, *replaced(5, "query,0,north,c1")], r"line 5: pid 0 is a distractor, which only"),
    "frames twice": (
        [HEADER, *ROWS, "gallery,9,east,d1"],
        r"line 10: d1/x_1\.jpg is already used in line 7 \(one of 2 such frames\); give each tracklet one row",
    ),
    "query again in the gallery": (
        [HEADER, *ROWS, "gallery,carl,north,./c1"],
        r"line 10: c1/1\.jpg is already used in line 5 .*; a query is already a test tracklet",
    ),
    "no query rows": ([HEADER, *ROWS[:3], *ROWS[4:]], r"tracklets\.csv has no usable query row"),
    "no gallery rows": ([HEADER, *ROWS[:4]], r"tracklets\.csv has no usable gallery row"),
    "header only": ([HEADER], r"tracklets\.csv has no usable query row"),
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


def test_a_list_near_the_named_folder_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=r"tracklets\.csv is a file, expected the folder of .*; name its folder, '"
    ) as no:
        Tracklets().read(root / "tracklets.csv")
    assert str(no.value).endswith(f"{str(root)!r}.")
    monkeypatch.chdir(root / "a1")
    for given, above in ((root / "a1", str(root)), (Path(), ".."), (Path("../a2"), "..")):
        with pytest.raises(
            InputError, match="is missing, but there is one in the folder above; name that, "
        ) as missing:
            Tracklets().read(given)
        assert str(missing.value).endswith(f"{above!r}.")


def test_columns_without_a_name_say_nothing(root: Path) -> None:
    """Spreadsheets leave commas behind the last column."""
    expected = Tracklets().read(root).fingerprint
    (root / "tracklets.csv").write_text("\n".join(f"{line},," for line in (HEADER, *ROWS)))
    assert Tracklets().read(root).fingerprint == expected


def test_a_folder_for_the_list_is_told(tmp_path: Path) -> None:
    (tmp_path / "tracklets.csv").mkdir()
    with pytest.raises(InputError, match=r"tracklets\.csv is a folder, expected a file"):
        Tracklets().read(tmp_path)


def test_a_list_in_another_encoding_is_told(root: Path) -> None:
    (root / "tracklets.csv").write_bytes(f"{HEADER}\ntrain,J\xf6rg,north,a1\n".encode("latin-1"))
    with pytest.raises(InputError, match=r"cannot be read as UTF-8 text .*save it as UTF-8"):
        Tracklets().read(root)


def test_a_pattern_of_all_folders_follows_no_link(tmp_path):
    """Two links to the folder above have no end; one would count every frame many times."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("a/2.jpg", "a/b/1.jpg", "a/.hidden.jpg"):
        (tmp_path / name).touch()
    (tmp_path / "a" / "up").symlink_to("..")
    (tmp_path / "a" / "b" / "top").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    assert find_frames(tmp_path, "a/**/*.jpg") == ("a/b/1.jpg", "a/2.jpg")
    assert find_frames(tmp_path, "**/2.jpg") == ("a/2.jpg",)
