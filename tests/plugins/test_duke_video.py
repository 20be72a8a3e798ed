"""The reader of DukeMTMC-VideoReID on small trees made by hand, each damaged in one way, and the gate before it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from faults import Faults

from vreid_bench.contracts.dataset import DatasetReader, Split, Synthesizable, Tracklet, Verifiable, Withdrawn, people
from vreid_bench.records.record import Record
from vreid_bench.scoring.metrics import Scores, judge
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.score import score as scoring
from vreid_bench.system.errors import InputError
from vreid_plugins.datasets import duke_verify, duke_video
from vreid_plugins.datasets.duke_video import WITHDRAWN, DukeVideo

JPEG = simplejpeg.encode_jpeg(np.full((16, 8, 3), 90, np.uint8))
# person, tracklet, camera, first frame, frames; person 9 is seen by one camera, which makes a distractor of them
TRAIN = [(1, 3, 1, 1, 3), (1, 4, 2, 2, 2), (3, 1, 8, 1, 2)]
GALLERY = [(2, 1, 1, 1, 3), (2, 2, 2, 2, 3), (4, 3, 5, 1, 1), (4, 10, 6, 1, 2), (9, 5, 1, 1, 2)]
QUERY = [(2, 2, 2, 2, 3), (4, 3, 5, 1, 1)]


def names(person: int, camera: int, first: int, frames: int) -> list[str]:
    return [f"{person:04d}_C{camera}_F{n:04d}_X{1000 * camera + 12 * n}.jpg" for n in range(first, first + frames)]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small tree without any fault."""
    root = tmp_path / "DukeMTMC-VideoReID"
    for part, rows in (("train", TRAIN), ("query", QUERY), ("gallery", GALLERY)):
        for person, tracklet, camera, first, frames in rows:
            folder = root / part / f"{person:04d}" / f"{tracklet:04d}"
            folder.mkdir(parents=True)
            for name in names(person, camera, first, frames):
                (folder / name).write_bytes(JPEG)
    return root


def test_it_is_a_reader_that_verifies_synthesizes_and_was_withdrawn() -> None:
    for contract in (DatasetReader, Verifiable, Synthesizable, Withdrawn):
        assert isinstance(DukeVideo(), contract)
    assert isinstance(duke_video.vreid_datasets()["duke-video"], DukeVideo)


def test_reading_gives_the_queries_then_the_gallery_as_its_folder_holds_it(root: Path) -> None:
    (split,) = DukeVideo().read(root).splits
    assert [(t.pid, t.camid, len(t.frames)) for t in split.train] == [(1, 1, 3), (1, 2, 2), (3, 8, 2)]
    assert [(t.pid, t.camid) for t in split.test] == [(2, 2), (4, 5), (2, 1), (2, 2), (4, 5), (4, 6), (9, 1)]
    assert split.query == (0, 1)
    assert split.gallery == (2, 3, 4, 5, 6)  # five tracklets as published: no query is added to it
    assert all(split.test[row].frames[0].startswith("gallery/") for row in split.gallery)
    assert all((root / frame).is_file() for t in split.train + split.test for frame in t.frames)


def test_the_query_takes_no_rank_for_itself_and_its_copy_neither() -> None:
    test = [Tracklet(("q.jpg",), 2, 2), Tracklet(("g.jpg",), 2, 2), Tracklet(("h.jpg",), 2, 1), Tracklet(("i",), 4, 1)]
    labels = Labels.of(Split((), tuple(test), (0,), (1, 2, 3)))
    (rule,) = scoring.named(duke_video.vreid_protocols()["duke-video"].conventions)
    counts = count_from_distances([(slice(0, 1), np.array([[0.0, 0.2, 0.1]]))], labels)
    scored = judge(counts, [rule])[rule.name]
    assert isinstance(scored, Scores)
    assert scored.first_rank.tolist() == [1]  # behind person 4, and not behind the copy of the query


def test_a_tracklet_that_begins_with_frame_2_keeps_its_last_frame(root: Path) -> None:
    frames = DukeVideo().read(root).splits[0].train[1].frames
    assert [frame.rpartition("/")[2] for frame in frames] == names(1, 2, 2, 2)
    assert DukeVideo().verify(synthetic(root)).problems == ()


def test_frames_are_in_order_of_their_number_and_persons_and_tracklets_of_theirs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = root / "train/0003/0001"
    for number in (10_000, 9_999):
        (folder / f"0003_C8_F{number}_X{number}.jpg").write_bytes(JPEG)
    (root / "train/0001/0003").rename(root / "train/0001/11")
    (root / "train/0001/0004").rename(root / "train/0001/9")
    wanted = DukeVideo().read(root)
    first, second, third = wanted.splits[0].train
    assert [Path(f).name for f in third.frames[-2:]] == ["0003_C8_F9999_X9999.jpg", "0003_C8_F10000_X10000.jpg"]
    assert (first.camid, second.camid) == (2, 1)  # tracklets 9 and 11
    ordered = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: reversed(list(ordered(path))))
    assert DukeVideo().read(root).splits == wanted.splits


def test_the_classes_of_training_are_the_persons_in_order(root: Path) -> None:
    (root / "train/0001").rename(root / "train/0008")
    for path in (root / "train/0008").rglob("*.jpg"):
        path.rename(path.with_name(path.name.replace("0001_", "0008_")))
    train = DukeVideo().read(root).splits[0].train
    assert list(people(train)) == list(people(train[::-1])) == [3, 8]  # one per person, and no order of a set


def test_names_without_underscores_are_the_same_frames(root: Path) -> None:
    wanted = [(t.pid, t.camid, len(t.frames)) for t in DukeVideo().read(root).splits[0].test]
    for path in root.rglob("*.jpg"):
        path.rename(path.with_name(path.name.replace("_", "")))
    assert [(t.pid, t.camid, len(t.frames)) for t in DukeVideo().read(root).splits[0].test] == wanted


def test_reading_writes_nothing_and_two_copies_have_one_fingerprint(root: Path, tmp_path: Path) -> None:
    before = sorted(root.rglob("*"))
    dataset = DukeVideo().read(root)
    assert sorted(root.rglob("*")) == before
    assert not any(str(tmp_path) in frame for t in dataset.splits[0].test for frame in t.frames)
    shutil.copytree(root, tmp_path / "copy")
    assert DukeVideo().read(tmp_path / "copy").fingerprint == dataset.fingerprint


def test_leftovers_of_file_managers_are_passed_over_and_told(root: Path) -> None:
    wanted = DukeVideo().read(root).fingerprint
    places = ["train/.DS_Store", "gallery/0002/Thumbs.db", "gallery/0002/0001/._0002_C1_F0001_X1012.jpg"]
    for place in places:
        (root / place).write_bytes(b"x")
    (root / "query/__MACOSX").mkdir()
    assert DukeVideo().read(root).fingerprint == wanted
    problems = "\n".join(DukeVideo().verify(synthetic(root)).problems)
    assert all(f"{place} was left by a file manager" in problems for place in [*places, "query/__MACOSX"])


fault = Faults()


@fault(r"query is missing, wanted a folder; copy it again")
def missing_part(root: Path) -> None:
    shutil.rmtree(root / "query")


@fault(r"train is missing, wanted a folder; did you mean .*/DukeMTMC-VideoReID/inner\?")
def root_one_level_too_high(root: Path) -> None:
    root.rename(root.with_name("inner"))
    root.mkdir()
    root.with_name("inner").rename(root / "inner")


@fault(r"gallery is a file, wanted a folder")
def file_for_a_folder(root: Path) -> None:
    shutil.rmtree(root / "gallery")
    (root / "gallery").touch()


@fault(r"DukeMTMC-VideoReID does not exist; name the folder that holds train and query and gallery")
def no_root(root: Path) -> None:
    shutil.rmtree(root)


@fault(r"train/john is named after no person, wanted numbers from 0001")
def foreign_person(root: Path) -> None:
    (root / "train/0003").rename(root / "train/john")


@fault(r"train/0000 is named after no person")
def person_zero(root: Path) -> None:
    shutil.copytree(root / "train/0003", root / "train/0000")


@fault(r"train/03 is person 3 once more, after 0003|train/0003 is person 3 once more, after 03")
def one_person_in_two_folders(root: Path) -> None:
    (root / "train/03/0009").mkdir(parents=True)
    (root / "train/03/0009/0003_C1_F0001_X1.jpg").write_bytes(JPEG)


@fault(r"train/0003 holds no tracklet's folder")
def person_without_tracklets(root: Path) -> None:
    shutil.rmtree(root / "train/0003/0001")


@fault(r"train/0003/0001 holds no frame, wanted files such as 0001_C6_F0099_X30823\.jpg")
def tracklet_without_frames(root: Path) -> None:
    for path in (root / "train/0003/0001").iterdir():
        path.unlink()


@fault(r"train/0001/0003 \(1\) is named after no tracklet, wanted numbers such as 0001")
def copied_tracklet(root: Path) -> None:
    shutil.copytree(root / "train/0001/0003", root / "train/0001/0003 (1)")


@fault(r"train holds no person's folder")
def empty_part(root: Path) -> None:
    shutil.rmtree(root / "train")
    (root / "train").mkdir()


@fault(r"train/0003/0001 holds frame1\.jpg, wanted frame names such as")
def foreign_frame(root: Path) -> None:
    (root / "train/0003/0001/frame1.jpg").write_bytes(JPEG)


@fault(r"train/0003/0001 holds 0007_C8_F0003_X1\.jpg, wanted frames of person 3 only")
def frame_of_another_person(root: Path) -> None:
    (root / "train/0003/0001/0007_C8_F0003_X1.jpg").write_bytes(JPEG)


@fault(r"train/0003/0001 holds frames of camera 7 and 8, wanted one camera of 1 to 8")
def two_cameras(root: Path) -> None:
    (root / "train/0003/0001/0003_C7_F0003_X1.jpg").write_bytes(JPEG)


@fault(r"train/0003/0001 holds frames of camera 9, wanted one camera of 1 to 8")
def ninth_camera(root: Path) -> None:
    for path in (root / "train/0003/0001").iterdir():
        path.rename(path.with_name(path.name.replace("C8", "C9")))


@fault(r"train/0003/0001 holds 0003_C8_F0002_X9999\.jpg, whose frame number another file has")
def frame_number_twice(root: Path) -> None:
    (root / "train/0003/0001/0003_C8_F0002_X9999.jpg").write_bytes(JPEG)


@fault(r"person 2 is trained on and tested too, wanted nobody in both")
def person_in_train_and_test(root: Path) -> None:
    shutil.copytree(root / "gallery/0002", root / "train/0002")


@fault(r"query/0002/0002: no tracklet of gallery holds its frames, wanted the query tracklets in the gallery")
def query_taken_out_of_the_gallery(root: Path) -> None:
    shutil.rmtree(root / "gallery/0002/0002")


@fault(r"query/0002/0002: no tracklet of gallery holds its frames")
def query_longer_than_its_gallery_tracklet(root: Path) -> None:
    next(iter(sorted((root / "gallery/0002/0002").iterdir()))).unlink()


@fault(r"query/0002/0003 is a second query of person 2 in camera 2, wanted one")
def two_queries_of_one_camera(root: Path) -> None:
    shutil.copytree(root / "query/0002/0002", root / "query/0002/0003")


@pytest.mark.parametrize("name", fault)
def test_a_damaged_tree_is_told_in_a_sentence(root: Path, name: str) -> None:
    damage, message = fault[name]
    damage(root)
    with pytest.raises(InputError, match=message) as caught:
        DukeVideo().read(root)
    assert "\n" not in str(caught.value)
    assert str(caught.value)[-1] in ".?"
    assert str(caught.value) in DukeVideo().verify(root).problems


def synthetic(root: Path, **expected: int) -> Path:
    """The tree with a renderer's description, so that a whole tree verifies without any problem."""
    (root / "synthetic.json").write_text(json.dumps({"expected": expected}))
    return root


def test_verify_counts_what_was_put_in(root: Path) -> None:
    assert {count.what: count.found for count in DukeVideo().verify(root).counts} == {
        "cameras": 5,
        "train tracklets": 3,
        "train identities": 2,
        "train frames": 7,
        "shortest train tracklet": 2,
        "longest train tracklet": 3,
        "query tracklets": 2,
        "query identities": 2,
        "query frames": 4,
        "shortest query tracklet": 1,
        "longest query tracklet": 3,
        "gallery tracklets": 5,
        "gallery identities": 3,
        "gallery frames": 11,
        "shortest gallery tracklet": 1,
        "longest gallery tracklet": 3,
        "identities of the gallery alone": 1,
        "queries without a match": 0,
        "tracklets that do not begin with frame 1": 3,
        "frames on disk": 22,
    }


def test_the_published_counts_fit_one_another() -> None:
    """Numbers of the paper and the readme; no file of the original is at hand to count them on."""
    wanted = duke_verify.PUBLISHED
    assert wanted["train identities"] == wanted["query identities"] == wanted["query tracklets"] == 702
    assert wanted["gallery identities"] == 702 + wanted["identities of the gallery alone"] == 1110
    assert (wanted["train tracklets"], wanted["gallery tracklets"], wanted["cameras"]) == (2196, 2636, 8)


def test_verify_compares_with_the_published_numbers_or_the_description(root: Path) -> None:
    problems = DukeVideo().verify(root).problems
    assert any("has 5 gallery tracklets, wanted 2,636" in problem for problem in problems)
    *suspects, problem = DukeVideo().verify(synthetic(root, gallery_frames=12)).problems
    assert "has 11 gallery frames, wanted 12" in problem
    assert len(suspects) == 3  # the tracklets that begin with frame 2
    assert all("is frame 2, and frame 1 may be one of the frames that are too few" in each for each in suspects)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("gallery/0002/0001/notes.txt", r"notes\.txt is a file that no list names"),
        ("gallery/0002/notes.txt", r"notes\.txt is a file that no list names"),
        ("gallery/notes.txt", r"notes\.txt is a file that no list names"),
    ],
)
def test_verify_finds_what_does_not_belong_at_every_depth(root: Path, place: str, message: str) -> None:
    (root / place).write_text("x")
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert f"{place} is a file that no list names" in problem


def test_verify_finds_a_gap_which_no_list_would_tell(root: Path) -> None:
    (root / "train/0001/0003/0001_C1_F0002_X1024.jpg").unlink()
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert "train/0001/0003 has 2 frames from F0001 to F0003, wanted 3: F0002 is the first that is missing" in problem


def test_verify_finds_frames_that_changed_places_and_a_tracklet_that_is_there_twice(root: Path) -> None:
    folder = root / "train/0001/0003"
    for n in (1, 3):
        (folder / f"0001_C1_F000{n}_X{1000 + 12 * n}.jpg").rename(folder / f"0001_C1_F000{4 - n}_X{1000 + 12 * n}.jpg")
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert "0001_C1_F0002_X1024.jpg was taken at X1024, wanted after X1036 of the frame before it" in problem
    shutil.copytree(root / "train/0003/0001", root / "train/0003/0007")
    _, problem = DukeVideo().verify(root).problems
    assert "train/0003/0007 holds 0003_C8_F0001_X8012.jpg (1 more frames alike), which " in problem


def test_verify_finds_an_empty_frame_and_decoding_a_truncated_one(root: Path) -> None:
    (root / "train/0001/0003/0001_C1_F0002_X1024.jpg").write_bytes(b"")
    path = root / "query/0004/0003/0004_C5_F0001_X5012.jpg"
    path.write_bytes(JPEG[:-20])
    (problem,) = DukeVideo().verify(synthetic(root)).problems
    assert "F0002_X1024.jpg is empty (0 bytes)" in problem
    assert any("F0001_X5012.jpg cannot be decoded" in p for p in DukeVideo().verify(root, decode=True).problems)


def test_frames_of_any_size_belong_to_this_data(root: Path) -> None:
    (root / "train/0001/0003/0001_C1_F0002_X1024.jpg").write_bytes(
        simplejpeg.encode_jpeg(np.zeros((24, 12, 3), np.uint8))
    )
    assert DukeVideo().verify(synthetic(root), decode=True).problems == ()


def test_a_twin_is_read_back_and_verifies_without_any_problem(tmp_path: Path) -> None:
    root = tmp_path / "twin"
    DukeVideo().synthesize(root, ids=4, size=(32, 16), workers=1, progress=False)
    dataset = DukeVideo().read(root)
    assert (dataset.source, dataset.notes) == ("synthetic", ())
    assert DukeVideo().verify(root, decode=True).problems == ()
    counts = {count.what: count.published for count in DukeVideo().verify(root).counts}
    assert None not in counts.values()
    with pytest.raises(InputError, match="2 to 8 cameras, not 4 and 9"):
        DukeVideo().synthesize(tmp_path / "other", ids=4, cameras=9)


# the gate


def test_real_data_carries_its_banner_and_a_twin_none(root: Path) -> None:
    assert DukeVideo().read(root).notes == (WITHDRAWN,)
    assert "withdrawn by its authors in 2019" in WITHDRAWN
    assert DukeVideo().read(synthetic(root)).notes == ()


SHORT = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")


def test_a_run_on_real_data_wants_to_be_asked_for_and_says_so_in_record_and_table(cli, root: Path, tmp_path) -> None:
    command = ("run", "--plugin", "mean-pooling", "--protocol", "duke-video", "--data", root, "--preset", "small")
    command += ("--runs", tmp_path / "runs", *SHORT)
    refused = cli(*command)
    assert refused.exit_code == 2
    assert "--accept-withdrawn duke-video" in refused.stderr
    assert not (tmp_path / "runs").exists()
    assert cli(*command, "--accept-withdrawn", "mars").exit_code == 2
    accepted = cli(*command, "--accept-withdrawn", "duke-video")
    assert accepted.exit_code == 0, accepted.output
    assert f"note: {WITHDRAWN}" in accepted.stdout
    [record] = (tmp_path / "runs").glob("*/record.json")
    assert Record.from_file(record).dataset.notes == (WITHDRAWN,)
    assert Record.from_file(record).dataset.source == "unverified"


def test_verifying_real_data_wants_to_be_asked_for_too_and_a_twin_does_not(cli, root: Path) -> None:
    refused = cli("data", "verify", "duke-video", "--data", root)
    assert "--accept-withdrawn duke-video" in refused.stderr
    assert refused.stdout == ""
    accepted = cli("data", "verify", "duke-video", "--data", root, "--accept-withdrawn", "duke-video")
    assert "gallery tracklets" in accepted.stdout
    assert cli("data", "verify", "duke-video", "--data", synthetic(root)).exit_code == 0


def test_the_protocol_is_scored_on_the_gallery_as_published() -> None:
    protocol = duke_video.vreid_protocols()["duke-video"]
    assert protocol.conventions == ("gallery-as-listed",)
    assert (protocol.headline, protocol.dataset, protocol.holdout) == ("gallery-as-listed", "duke-video", 0.0)
