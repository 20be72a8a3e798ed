"""Damage at random places of a VCCR tree: `data verify` names each, and nothing but a sentence is raised."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faults import Faults
from vccr_tree import JPEG, Tree

from vreid_bench import InputError
from vreid_plugins.datasets.vccr.reader import Vccr

Random = np.random.Generator
kind = Faults()  # each damages a random place; a problem must hold one of the texts beside it, between bars
NAMES = ("x", "-", "c1", "p1-c1-l1", "p1-c1-l1-f", "p1-cc-l1-f1", "é-c1-l1-f1", "p1--l1-f1", "0", "-1", "1e3")


def choose(tree: Tree, random: Random, wanted: Callable[[Path], bool]) -> Path:
    """A random file or folder below the parts."""
    found = sorted(path for top in ("train", "test_qg") for path in (tree.root / top).rglob("*") if wanted(path))
    return found[int(random.integers(len(found)))]


def holds_frames(path: Path) -> bool:
    """Is it the folder of a tracklet?"""
    return path.is_dir() and any(each.suffix == ".jpg" for each in path.iterdir())


def frame_of(tree: Tree, random: Random, least: int = 1) -> Path:
    """A random frame of a tracklet of so many or more."""
    return choose(tree, random, lambda path: path.suffix == ".jpg" and len([*path.parent.iterdir()]) >= least)


@kind("frames, expected")
def frame_lost(tree: Tree, random: Random) -> None:
    frame_of(tree, random, least=2).unlink()


@kind("is empty (0 bytes)")
def frame_emptied(tree: Tree, random: Random) -> None:
    frame_of(tree, random).write_bytes(b"")


@kind("cannot be decoded")
def frame_cut(tree: Tree, random: Random) -> None:
    frame_of(tree, random).write_bytes(JPEG[: random.integers(1, len(JPEG))])


@kind("is not a file, expected a frame|and no frame|holds no frame|frames, expected")
def folder_for_a_frame(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random)
    frame.unlink()
    frame.mkdir()


@kind("is listed but missing")
def frame_that_links_nowhere(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random)
    frame.unlink()
    frame.symlink_to("nowhere")


@kind("expected frame names such as|frames of camera|which has the number of another file")
def frame_renamed(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random)
    frame.rename(frame.with_name(f"{random.choice(NAMES)}.jpg"))


@kind("expected frame names such as|which has the number of another file")
def frame_copied(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random)
    copies = (f"{frame.stem} (1).jpg", f"{frame.stem}.png", frame.name.replace("-f", "-f0"))
    frame.with_name(str(random.choice(copies))).write_bytes(JPEG)


@kind("is a file that no list names")
def frame_of_another_kind(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random, least=2)
    frame.rename(frame.with_suffix(str(random.choice((".txt", ".part", ".jpg~", ".gif")))))


@kind("frames of camera")
def frame_of_another_camera(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random, least=2)
    frame.rename(frame.with_name(frame.name.replace("-c", "-c9")))


@kind("frames of clothes")
def frame_of_other_clothes(tree: Tree, random: Random) -> None:
    frame = frame_of(tree, random, least=2)
    frame.rename(frame.with_name(frame.name.replace("-l", "-l9")))


@kind("tracklets, expected")
def tracklet_lost(tree: Tree, random: Random) -> None:
    shutil.rmtree(choose(tree, random, holds_frames))


@kind("holds no frame")
def tracklet_emptied(tree: Tree, random: Random) -> None:
    for frame in choose(tree, random, holds_frames).iterdir():
        frame.unlink()


@kind("tracklets, expected")
def tracklet_copied(tree: Tree, random: Random) -> None:
    folder = choose(tree, random, holds_frames)
    shutil.copytree(folder, folder.with_name(f"{folder.name} (1)"))


@kind("is a file that no list names|holds no folder of a tracklet")
def file_for_a_tracklet(tree: Tree, random: Random) -> None:
    folder = choose(tree, random, holds_frames)
    shutil.rmtree(folder)
    folder.write_bytes(b"x")


@kind("is not named after a person")
def person_renamed(tree: Tree, random: Random) -> None:
    part = tree.root / str(random.choice(("train", "test_qg/query", "test_qg/gallery")))
    folder = sorted(part.iterdir())[int(random.integers(2))]
    folder.rename(part / str(random.choice((f"{folder.name} (1)", "somebody", "0", "000", "1e3", "²"))))


@kind("is both trained on and tested|has 4 identities|identities, expected")
def person_moved_to_another_part(tree: Tree, random: Random) -> None:
    query = sorted((tree.root / "test_qg/query").iterdir())[int(random.integers(2))]
    tracklet = sorted(sorted(query.iterdir())[0].iterdir())[0]
    shutil.copytree(tracklet, tree.root / "train" / query.name / tracklet.name)


@kind("was left by a file manager")
def leftover(tree: Tree, random: Random) -> None:
    folder = choose(tree, random, Path.is_dir)
    (folder / str(random.choice((".DS_Store", "Thumbs.db", "._p1-c1-l1-f1.jpg")))).write_bytes(b"x")


@kind("is a file that no list names")
def stray_file(tree: Tree, random: Random) -> None:
    folder = choose(tree, random, Path.is_dir)
    (folder / "readme.txt").write_bytes(b"x")


@kind("holds no folder of a")
def stray_folder(tree: Tree, random: Random) -> None:
    part = tree.root / str(random.choice(("train/41", "test_qg/query/41", "test_qg/gallery/12/41")))
    part.mkdir()


@kind("is missing, expected a folder")
def part_lost(tree: Tree, random: Random) -> None:
    shutil.rmtree(tree.root / str(random.choice(("train", "test_qg", "test_qg/query", "test_qg/gallery"))))


def read_fault(root: Path) -> str | None:
    """What reading stops at; anything but a sentence fails the test."""
    try:
        Vccr().read(root)
    except InputError as fault:
        return str(fault)
    return None


def test_there_are_at_least_20_kinds() -> None:
    assert len(kind) >= 20


@pytest.mark.parametrize("name", kind)
def test_verify_names_the_damage_wherever_it_strikes(tmp_path: Path, name: str) -> None:
    damage, words = kind[name]
    for seed in range(3):
        tree = Tree(tmp_path / str(seed))
        counted = Vccr().verify(tree.root).counts
        tree.synthetic(**{count.what.replace(" ", "_"): count.found for count in counted})
        damage(tree, np.random.default_rng([seed, len(name)]))
        problems = Vccr().verify(tree.root, decode=True).problems
        assert any(way in problem for way in words.split("|") for problem in problems), (seed, problems)
        fault = read_fault(tree.root)
        assert fault is None or fault in problems
