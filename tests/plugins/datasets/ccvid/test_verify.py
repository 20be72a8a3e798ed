"""Checking a tree of CCVID: its counts, and faults of frames, names and clothes."""

from ccvid_tree import JPEG, OLD, Tree

from vreid_plugins.datasets.ccvid import verify
from vreid_plugins.datasets.ccvid.index import WALKS
from vreid_plugins.datasets.ccvid.reader import Ccvid


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
    expected = verify.PUBLISHED
    tracklets = [expected[f"{part} tracklets"] for part in ("train", "query", "gallery")]
    assert tracklets == [948, 834, 1074]
    assert sum(expected[f"tracklets of session{n}"] for n in (1, 2, 3)) == sum(tracklets) == 2856
    assert sum(expected[f"{part} frames"] for part in ("train", "query", "gallery")) == expected["frames on disk"]
    assert expected["train identities"] + expected["query identities"] == 75 + 151 == 226
    assert expected["gallery identities"] == expected["query identities"]
    assert expected["train outfits"] + expected["test outfits"] == 480
    assert expected["cameras"] == 2 * WALKS


def test_verify_compares_with_the_published_numbers_or_the_description(tree: Tree) -> None:
    problems = Ccvid().verify(tree.root).problems
    assert any("has 4 gallery tracklets, expected 1,074" in problem for problem in problems)
    assert Ccvid().verify(tree.synthetic(test_outfits=4), decode=True).problems == ()
    (tree.root / "session2/150_03/00002.jpg").unlink()
    suspect, problem = Ccvid().verify(tree.synthetic(train_frames=6)).problems
    assert "session2/150_03/00003.jpg is frame 3, and frame 2 may be one of the missing frames" in suspect
    assert "has 5 train frames, expected 6" in problem
    assert Ccvid().verify(tree.synthetic(train_frames=5)).problems == ()  # gaps of a whole original are its own


def test_verify_finds_a_walk_that_no_list_names_and_one_listed_as_somebody_else(tree: Tree) -> None:
    tree.frame("session1/009_01/00001.jpg")
    (problem,) = Ccvid().verify(tree.synthetic()).problems
    assert "session1/009_01 is a folder that no list names" in problem
    tree.lists["train"][0] = f"session1/001_01\t009\t{OLD}"
    problems = Ccvid().verify(tree.write().root).problems
    assert any("session1/001_01 is listed as person 009, expected the person in its name" in p for p in problems)


def test_verify_finds_a_label_of_clothes_that_was_cut(tree: Tree) -> None:
    tree.lists["gallery"][3] = tree.lists["gallery"][3][:-3]
    (problem,) = Ccvid().verify(tree.write().synthetic()).problems
    assert "session2/148_04 is listed in clothes 'u1_l0_s0_c0', expected a label such as 'u0_l0_s0_c0_a0'" in problem


def test_only_decoding_finds_a_truncated_frame(tree: Tree) -> None:
    (tree.root / "session3/002_01/00002.jpg").write_bytes(JPEG[:-20])
    assert Ccvid().verify(tree.synthetic()).problems == ()
    (problem,) = Ccvid().verify(tree.root, decode=True).problems
    assert "session3/002_01/00002.jpg cannot be decoded" in problem
