"""What tracklets, their people and their cameras are called, and that no fingerprint depends on it."""

from pathlib import Path

from vreid_bench import DISTRACTOR, JUNK, Dataset, Split, Tracklet

FRAMES = ("hall/anna/1.jpg", "hall/anna/2.jpg")


def test_what_the_data_set_calls_them_comes_before_their_numbers():
    named = Tracklet(FRAMES, 7, 3, person="p000", camera="cam first")
    assert (named.person_name, named.camera_name, named.name) == ("p000", "cam first", "hall/anna/1.jpg")
    bare = Tracklet(FRAMES, 7, 3)
    assert (bare.person_name, bare.camera_name, bare.name) == ("7", "3", "hall/anna/1.jpg")


def test_who_shows_nobody_is_called_so_whatever_the_label():
    assert Tracklet(FRAMES, JUNK, 1, person="-1").person_name == "junk"
    assert Tracklet(FRAMES, DISTRACTOR, 1, person="0000").person_name == "distractor"


def test_names_are_not_in_the_fingerprint():
    def fingerprint(**names):
        split = Split((), (Tracklet(FRAMES, 7, 3, **names),), (0,), (0,))
        return Dataset("toy", Path("/data/toy"), (split,), "unverified").fingerprint

    # sha256 over "train 0\n", "test 1\n", "7 3 2\n", both paths with a line break between them, and "((0,), (0,))"
    expected = "bf994cb36aa9a93ab8cae9f3c5136b99022e569a68489998a25a993b00f40e7c"
    assert fingerprint() == fingerprint(person="p000", camera="cam first") == expected
