"""Finding sequences: the layouts of MOTChallenge, of trackers and of videos, and what is missing in them."""

from fractions import Fraction

import pytest
from mot_tree import walk, write_sequence, write_text
from PIL import Image

from vreid_bench import InputError
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.mot.sequences import find_sequences, list_images

LINES = walk(1, range(1, 4))


def found(root, tracks=None):
    where = [(s.name, s.text, s.frames, s.fps) for s in find_sequences(root, tracks, stop)]
    return [(name, str(text.relative_to(root.parent)), str(frames.relative_to(root.parent)), fps)
            for name, text, frames, fps in where]  # fmt: skip


def test_motchallenge(tmp_path):
    root = tmp_path / "MOT17"
    for name, rate in (("MOT17-10", "30"), ("MOT17-02", "")):
        write_sequence(root, name, LINES, frames=3, rate=rate)
        (root / name / "gt").mkdir()
        (root / f"{name}.txt").rename(root / name / "gt" / "gt.txt")
    expected = [
        ("MOT17-02", "MOT17/MOT17-02/gt/gt.txt", "MOT17/MOT17-02/img1", None),
        ("MOT17-10", "MOT17/MOT17-10/gt/gt.txt", "MOT17/MOT17-10/img1", Fraction(30)),
    ]
    assert found(root) == expected
    (one,) = find_sequences(root / "MOT17-10", None, stop)  # the folder of one sequence
    assert (one.name, one.fps) == ("MOT17-10", 30)


def test_the_output_of_a_tracker_in_another_folder(tmp_path):
    root = tmp_path / "MOT17"
    write_sequence(root, "a", LINES, frames=3)
    (root / "a" / "gt").mkdir()
    (root / "a.txt").rename(root / "a" / "gt" / "gt.txt")
    write_text(tmp_path / "mine" / "a.txt", LINES)
    assert found(root, tmp_path / "mine") == [("a", "mine/a.txt", "MOT17/a/img1", Fraction(10))]


@pytest.mark.parametrize("video", ["yard.mp4", "yard/yard.avi", "yard/clip7.mkv"])
def test_a_video_beside_its_tracks(tmp_path, video):
    root = tmp_path / "tracks"
    write_text(root / "yard.txt", LINES)
    write_text(root / "README.txt", ["these are my tracks"])
    (root / video).parent.mkdir(exist_ok=True)
    (root / video).write_bytes(b"video")
    assert found(root) == [("yard", "tracks/yard.txt", f"tracks/{video}", None)]


def test_a_folder_without_tracks_is_told(tmp_path):
    for root, message in (
        (tmp_path, r"has no tracks, expected NAME\.txt, or NAME/gt/gt\.txt, with the frames in NAME/img1"),
        (tmp_path / "no", "no does not exist; name a folder with tracks"),
    ):
        with pytest.raises(InputError, match=message):
            find_sequences(root, None, stop)


def test_tracks_without_frames_are_told(tmp_path):
    write_text(tmp_path / "yard" / "gt" / "gt.txt", LINES)
    with pytest.raises(InputError, match=r"gt\.txt: its frames are neither in .*img1 nor in a video yard\.\*"):
        find_sequences(tmp_path, None, stop)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("frameRate=30", "cannot be read as the description of a sequence"),
        ("[Sequence]\nframeRate=fast", "frameRate is 'fast', expected frames per second"),
        ("[Sequence]\nframeRate=0", "frameRate is '0', expected frames per second"),
    ],
)
def test_a_damaged_description_is_told(tmp_path, content, message):
    write_sequence(tmp_path, "a", LINES, frames=3)
    (tmp_path / "a" / "seqinfo.ini").write_text(content)
    with pytest.raises(InputError, match=message):
        find_sequences(tmp_path, None, stop)


def test_images_are_found_by_the_last_number_in_their_names(tmp_path):
    for name in ("cam2_7.png", "cam2_0012.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    (tmp_path / "._1.png").write_bytes(b"")
    assert {number: path.name for number, path in list_images(tmp_path, stop).items()} == {
        7: "cam2_7.png",
        12: "cam2_0012.png",
    }
    (tmp_path / "x_007.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"x_007\.jpg and cam2_7\.png have the same frame number 7; remove one"):
        list_images(tmp_path, stop)
    (tmp_path / "x_007.jpg").rename(tmp_path / "cover.jpg")
    with pytest.raises(InputError, match=r"cover\.jpg has no frame number in its name"):
        list_images(tmp_path, stop)
