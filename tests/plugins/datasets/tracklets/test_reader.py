"""Reading your own tracklets: order, labels, and the protocol."""

from pathlib import Path

from tracklets_tree import HEADER, ROWS, write

from vreid_bench import DISTRACTOR, JUNK
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_bench.scoring.conventions import vreid_conventions
from vreid_plugins.datasets.tracklets import reader
from vreid_plugins.datasets.tracklets.reader import Tracklets


def test_tracklets_is_a_reader_that_verifies_and_has_no_twin() -> None:
    assert isinstance(Tracklets(), DatasetReader)
    assert isinstance(Tracklets(), CheckingReader)
    assert not isinstance(Tracklets(), TwinReader)
    assert isinstance(reader.vreid_datasets()["tracklets"], Tracklets)


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


def test_the_labels_stay_as_names(root: Path) -> None:
    (split,) = Tracklets().read(root).splits
    assert [t.person_name for t in split.train] == ["anna", "anna", "12"]
    assert [t.person_name for t in split.test] == ["carl", "carl", "9", "distractor", "junk"]
    assert [t.camera_name for t in split.test] == ["north", "south", "north", "south", "south"]


def test_a_glob_takes_what_it_matches_only(root: Path) -> None:
    (split,) = Tracklets().read(root).splits
    assert split.test[2].frames == ("d1/x_1.jpg", "d1/x_2.jpg")


def test_the_order_of_columns_does_not_matter(root: Path) -> None:
    expected = Tracklets().read(root).fingerprint
    turned = [",".join([row.split(",")[3], *row.split(",")[:3]]) for row in ROWS]
    write(root, turned, "frames,split,pid,camid")
    assert Tracklets().read(root).fingerprint == expected


def test_further_columns_are_attributes(root: Path) -> None:
    """An empty cell is not known, and a name of the camera is no attribute."""
    plain = Tracklets().read(root)
    places = ["in", "", *["out"] * (len(ROWS) - 2)]
    write(root, [f"{row},{place},gate" for row, place in zip(ROWS, places, strict=True)], f"{HEADER},place,camera")
    (split,) = (found := Tracklets().read(root)).splits
    assert [t.attributes for t in split.train][:2] == [(("place", "in"),), ()]
    assert split.test[-1].attribute("place") == "out"
    assert found.fingerprint != plain.fingerprint
    assert found.naming == plain.naming


def test_windows_files_blank_lines_and_spaces_do_not_matter(root: Path) -> None:
    expected = Tracklets().read(root).fingerprint
    text = "\r\n".join([HEADER, "", *(row.replace(",", " , ") for row in ROWS), "", ""])
    (root / "tracklets.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert Tracklets().read(root).fingerprint == expected


def test_a_folder_may_have_the_letters_of_a_glob_in_its_name(root: Path) -> None:
    (root / "a1").rename(root / "a[1]")
    write(root, [ROWS[0].replace("a1", "a[1]"), *ROWS[1:]])
    assert Tracklets().read(root).splits[0].train[0].frames == ("a[1]/1.jpg", "a[1]/2.jpg", "a[1]/10.jpg")


def test_other_files_in_a_folder_are_passed_over(root: Path) -> None:
    expected = Tracklets().read(root).fingerprint
    for name in (".DS_Store", "Thumbs.db", "notes.txt", "._1.jpg"):
        (root / "a1" / name).write_bytes(b"x")
    assert Tracklets().read(root).fingerprint == expected


def test_a_list_without_train_rows_is_read_for_a_test(root: Path) -> None:
    write(root, ROWS[3:])
    (split,) = Tracklets().read(root).splits
    assert (split.train, split.query, len(split.test)) == ((), (0,), 5)
    assert Tracklets().verify(root).problems == ()


def test_custom_is_scored_under_conventions_that_exist() -> None:
    (protocol,) = reader.vreid_protocols().values()
    assert (protocol.name, protocol.dataset, protocol.holdout) == ("custom", "tracklets", 0.0)
    assert protocol.headline in protocol.conventions
    assert set(protocol.conventions) <= set(vreid_conventions())
    assert {vreid_conventions()[name].queries_in_gallery for name in protocol.conventions} == {True, False}
    assert not vreid_conventions()[protocol.headline].queries_in_gallery
    # somebody's own queries may have no match: that is no error
    assert all(vreid_conventions()[name].unmatched == "skip" for name in protocol.conventions)


def test_train_rows_of_nobody_are_unlabelled_tracklets_though_the_gallery_has_distractors(root: Path) -> None:
    write(root, [row.replace("train,anna,south", "train,0,south") for row in ROWS])
    (split,) = Tracklets().read(root).splits
    assert [t.pid for t in split.train].count(DISTRACTOR) == 1
    assert [t.pid for t in split.test].count(DISTRACTOR) == 1
    check = Tracklets().verify(root)
    assert check.problems == ()
    counts = {count.what: count.found for count in check.counts}
    assert (counts["unlabelled train tracklets"], counts["distractors"]) == (1, 1)
    assert counts["train identities"] == 2
