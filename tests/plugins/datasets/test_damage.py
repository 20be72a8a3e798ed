"""`data verify` names every damage: kinds of damage by name, each struck at random places of the layouts it can hit."""

import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import h5py
import numpy as np
import pytest
import simplejpeg
from scipy.io import loadmat, savemat
from two_cameras import SPLIT_FILE, image

from vreid_plugins.datasets.ccvid import reader as ccvid
from vreid_plugins.datasets.ccvid.twin import plan as plan_ccvid
from vreid_plugins.datasets.duke_video import reader as duke_video
from vreid_plugins.datasets.duke_video.twin import plan as plan_duke_video
from vreid_plugins.datasets.ilids_vid import reader as ilids_vid
from vreid_plugins.datasets.ilids_vid.twin import plan as plan_ilids_vid
from vreid_plugins.datasets.ls_vid import reader as ls_vid
from vreid_plugins.datasets.ls_vid.twin import plan as plan_ls_vid
from vreid_plugins.datasets.mars import reader as mars
from vreid_plugins.datasets.mars.twin import plan as plan_mars
from vreid_plugins.datasets.prid2011 import reader as prid2011
from vreid_plugins.datasets.prid2011.twin import plan as plan_prid2011
from vreid_plugins.synthetic.world import World
from vreid_plugins.synthetic.writer import write_tree

# plan, cameras, people of each part, seeds that every kind of damage is struck with
TWINS = {
    "mars": (plan_mars, 3, 3, 3),
    "ilids-vid": (plan_ilids_vid, 2, 2, 2),
    "prid2011": (plan_prid2011, 2, 2, 2),
    "duke-video": (plan_duke_video, 4, 3, 3),
    "ls-vid": (plan_ls_vid, 15, 3, 3),
    "ccvid": (plan_ccvid, 9, 3, 3),
}
READERS = {
    name: reader
    for module in (mars, ilids_vid, prid2011, duke_video, ls_vid, ccvid)
    for name, reader in module.vreid_datasets().items()
}
MARS_ROWS = {
    "info/tracks_train_info.mat": "track_train_info",
    "info/tracks_test_info.mat": "track_test_info",
}
MARS_QUERY, LS_QUERY, PRID_LISTS = "info/query_IDX.mat", "test/data/info_test.mat", "splits_prid2011.json"
MARS_NAMES = ("info/train_name.txt", "info/test_name.txt")
LISTS = {
    "ls-vid": tuple(f"list_sequence/list_seq_{part}.txt" for part in ("train", "val", "test")),
    "ccvid": ("train.txt", "query.txt", "gallery.txt"),
}
INDEX = {
    "mars": (*MARS_NAMES, *MARS_ROWS, MARS_QUERY),
    "ilids-vid": (SPLIT_FILE,),
    "prid2011": (PRID_LISTS,),
    "ls-vid": (*LISTS["ls-vid"], LS_QUERY),
    "ccvid": LISTS["ccvid"],
}
TOPS = {
    "mars": ("bbox_train", "bbox_test"),
    "ilids-vid": ("i-LIDS-VID/sequences/cam1", "i-LIDS-VID/sequences/cam2"),
    "prid2011": ("prid_2011/multi_shot/cam_a", "prid_2011/multi_shot/cam_b"),
    "duke-video": ("train", "query", "gallery"),
    "ls-vid": ("tracklet_train", "tracklet_val", "tracklet_test"),
    "ccvid": ("session1", "session2", "session3"),
}
SHARED = 200  # up to this number, a person of PRID2011 is in both cameras

Random = np.random.Generator
T = TypeVar("T")


@dataclass
class Tree:
    """A tree to be damaged. Its files are links to those of the whole tree: they are replaced, never written into."""

    layout: str
    root: Path

    def frames(self) -> list[str]:
        """Paths of all frames below the root, sorted."""
        found = (path for top in TOPS[self.layout] for path in (self.root / top).rglob("*.*g") if path.is_file())
        return sorted(str(path.relative_to(self.root)) for path in found)

    def tracklets(self, least: int = 1) -> list[list[str]]:
        """The frames of each tracklet of at least so many, in order."""
        found: dict[str, list[str]] = {}
        for frame in self.frames():
            folder, _, name = frame.rpartition("/")
            stem = {"mars": name[:11], "ls-vid": name.rpartition("_")[0]}.get(self.layout, "")
            found.setdefault(f"{folder}/{stem}", []).append(frame)
        return [frames for frames in found.values() if len(frames) >= least]

    def tracklet(self, random: Random, least: int = 2) -> list[str]:
        """One of them; of two frames or more, so that a fault of one frame is not the loss of the tracklet."""
        return chosen(random, self.tracklets(least))

    def frame(self, random: Random) -> str:
        """One frame of a tracklet of several."""
        return chosen(random, self.tracklet(random))

    def folder(self, random: Random) -> str:
        """A folder of frames; in PRID2011, of a person of both cameras."""
        folders = {parent(frame) for frame in self.frames()}
        if self.layout == "prid2011":
            folders = {folder for folder in folders if person(folder) <= SHARED}
        return chosen(random, sorted(folders))

    def write(self, path: str, content: bytes) -> str:
        """Put a file in the place of what is there, if anything is; returns its path."""
        (self.root / path).unlink(missing_ok=True)
        (self.root / path).write_bytes(content)
        return path

    def read(self, path: str) -> bytes:
        """A file's contents."""
        return (self.root / path).read_bytes()

    def rename(self, path: str, new: str) -> str:
        """Move a file or folder; returns its new path."""
        assert not (self.root / new).exists()
        (self.root / path).rename(self.root / new)
        return new

    def remove(self, path: str) -> str:
        """Delete a file or folder; returns its path."""
        shutil.rmtree(self.root / path) if (self.root / path).is_dir() else (self.root / path).unlink()
        return path

    def index(self, random: Random) -> str:
        """One of the index files."""
        return chosen(random, INDEX[self.layout])

    def lines(self, file: str) -> list[str]:
        """The lines of a list."""
        return self.read(file).decode().splitlines()

    def write_lines(self, file: str, lines: list[str]) -> str:
        """Write a list anew."""
        return self.write(file, "".join(f"{line}\n" for line in lines).encode())

    def line(self, random: Random) -> tuple[str, list[str], int]:
        """A list of tracklets, its lines, and the place of one of them."""
        file = chosen(random, LISTS[self.layout])
        lines = self.lines(file)
        return file, lines, int(random.integers(len(lines)))

    def matrix(self, file: str) -> tuple[str, np.ndarray]:
        """The name and the values of the one matrix in a file."""
        if self.layout == "ls-vid":
            with h5py.File(self.root / file) as opened:
                return "query", opened["query"][:]
        return next((key, values) for key, values in loadmat(self.root / file).items() if not key.startswith("__"))

    def write_matrix(self, file: str, values: np.ndarray, key: str = "") -> str:
        """Write a matrix anew, perhaps under another name."""
        key = key or self.matrix(file)[0]
        self.remove(file)
        if self.layout == "ls-vid":
            with h5py.File(self.root / file, "w") as opened:
                opened[key] = values
        else:
            savemat(self.root / file, {key: values})
        return file


def chosen(random: Random, things: Sequence[T]) -> T:
    """One of these."""
    return things[int(random.integers(len(things)))]


def parent(path: str) -> str:
    """The folder of a path."""
    return path.rpartition("/")[0]


def person(folder: str) -> int:
    """The number in the last name of a path."""
    return int(re.sub(r"\D", "", folder.rpartition("/")[2]))


def beside(path: str, name: str) -> str:
    """Another name in the same folder."""
    return f"{parent(path)}/{name}"


def stem_of(frame: str) -> str:
    """A frame's path without its suffix."""
    return frame.rpartition(".")[0]


# Each damage returns what a problem must name: the path that was damaged, or how the problem tells it.
Damage = Callable[[Tree, Random], str | tuple[str, ...]]
KINDS: dict[str, tuple[tuple[str, ...], Damage]] = {}
EVERY = tuple(READERS)
PNG = ("ilids-vid", "prid2011")
LISTED = tuple(LISTS)


def kind(*layouts: str) -> Callable[[Damage], Damage]:
    """Register a kind of damage with the layouts where it can be told from data that is whole."""

    def register(damage: Damage) -> Damage:
        KINDS[damage.__name__] = (layouts or EVERY, damage)
        return damage

    return register


# frames


@kind()
def frame_lost(tree: Tree, random: Random) -> tuple[str, ...]:
    frames = tree.tracklet(random, least=3)
    place = int(random.integers(1, len(frames) - 1))
    tree.remove(frames[place])
    # without a list of names, the next frame tells
    return frames[place], frames[place + 1], f"{parent(frames[place])} has {len(frames) - 1} frames from"


@kind("mars", "prid2011", "duke-video", "ls-vid", "ccvid")
def first_frame_lost(tree: Tree, random: Random) -> tuple[str, ...]:
    frames = tree.tracklet(random)
    tree.remove(frames[0])
    return frames[0], f"{frames[1]} is frame"


@kind("mars")
def last_frame_lost(tree: Tree, random: Random) -> str:
    return tree.remove(tree.tracklet(random)[-1])


@kind("ilids-vid")
def first_frame_of_a_sequence_that_begins_anywhere_lost(tree: Tree, random: Random) -> str:
    tree.remove(tree.tracklet(random)[0])
    return "frames, expected"


@kind("ilids-vid", "prid2011", "duke-video", "ls-vid", "ccvid")
def last_frame_that_only_the_count_tells_lost(tree: Tree, random: Random) -> str:
    tree.remove(tree.tracklet(random)[-1])
    return "frames, expected"


@kind()
def frame_emptied(tree: Tree, random: Random) -> str:
    return tree.write(tree.frame(random), b"")


@kind()
def frame_cut(tree: Tree, random: Random) -> str:
    frame = tree.frame(random)
    content = tree.read(frame)
    return tree.write(frame, content[: random.integers(1, len(content))])


@kind()
def frame_replaced_by_text(tree: Tree, random: Random) -> str:
    return tree.write(tree.frame(random), b"<html>404 Not Found</html>")


@kind(*PNG)
def frame_with_a_changed_bit(tree: Tree, random: Random) -> str:
    frame = tree.frame(random)
    content = bytearray(tree.read(frame))
    content[random.integers(len(content))] ^= 1 << random.integers(8)
    return tree.write(frame, bytes(content))


@kind("mars", *PNG)
def frame_of_another_size(tree: Tree, random: Random) -> str:
    content = simplejpeg.encode_jpeg(np.zeros((9, 9, 3), np.uint8)) if tree.layout == "mars" else image((9, 9))
    return tree.write(tree.frame(random), content)


@kind()
def frame_that_links_nowhere(tree: Tree, random: Random) -> str:
    frame = tree.remove(tree.frame(random))
    (tree.root / frame).symlink_to("nowhere")
    return frame


@kind()
def folder_for_a_frame(tree: Tree, random: Random) -> str:
    frame = tree.remove(tree.frame(random))
    (tree.root / frame).mkdir()
    return frame


@kind()
def frame_renamed(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    suffix = frame.rpartition(".")[2]
    names = (f"{stem_of(frame)} (1).{suffix}", beside(frame, f"frame.{suffix}"), f"{frame}.part", f"{frame}~")
    return told(tree.rename(frame, chosen(random, names)))


@kind()
def frame_copied(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    suffix = frame.rpartition(".")[2]
    return told(tree.write(f"{stem_of(frame)} copy.{suffix}", tree.read(frame)))


@kind()
def frame_number_written_in_two_ways(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.tracklet(random)[0]  # its number begins with 0 in every layout
    folder, _, name = frame.rpartition("/")
    new = f"{folder}/" + re.sub(r"(^|_|F)0+(\d+)(?=_X|\.)", r"\1\2", name)
    return *told(tree.write(new, tree.read(frame))), frame


@kind("mars", "ilids-vid", "duke-video", "ls-vid")
def frame_moved_to_another_tracklet(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    others = sorted({parent(other) for other in tree.frames()} - {parent(frame)})
    free = [folder for folder in others if not (tree.root / folder / Path(frame).name).exists()]
    return told(tree.rename(frame, f"{chosen(random, free)}/{Path(frame).name}"))


@kind("mars", "ilids-vid", "duke-video", "ls-vid")
def frame_named_after_another_person(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    name = re.sub(r"^(cam\d_person|)(\d{3,4}|00-1)", r"\g<1>888", Path(frame).name)
    return told(tree.rename(frame, beside(frame, name)))


@kind("mars", "ilids-vid", "duke-video", "ls-vid")
def frame_named_after_another_camera(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    pattern = {"ilids-vid": r"(^cam)\d", "ls-vid": r"(^\d+_\d+_)\d+"}.get(tree.layout, r"(C)\d")
    taken = {re.sub(r"^.*?(\d+)$", r"\1", stem.rpartition("_")[0]) for stem in map(stem_of, tree.frames())}
    camera = next(c for c in "987654321" if c not in taken) if tree.layout == "ls-vid" else "7"
    new = tree.rename(frame, beside(frame, re.sub(pattern, rf"\g<1>{camera}", Path(frame).name)))
    return *told(new), f"{parent(frame)} holds frames of camera"


@kind("duke-video")
def frames_that_change_places(tree: Tree, random: Random) -> tuple[str, ...]:
    frames = tree.tracklet(random)
    places = np.sort(random.choice(len(frames), 2, replace=False)).tolist()
    old = [frames[place] for place in places]
    numbers = [re.search(r"F\d+", frame)[0] for frame in old]
    new = [frame.replace(a, b) for frame, a, b in zip(old, numbers, reversed(numbers), strict=True)]
    for a, b in zip(old, new, strict=True):
        tree.rename(a, b)
    return *frames, *new


def told(path: str) -> tuple[str, ...]:
    """The two ways in which a file is told: by its path, and as what its folder holds."""
    folder, _, name = path.rpartition("/")
    return path, f"{folder} holds {name}"


# folders


@kind()
def leftover_of_a_file_manager(tree: Tree, random: Random) -> str:
    tops = [tree.root / top for top in TOPS[tree.layout]]
    folders = sorted(path for top in tops for path in (top, *top.rglob("*")) if path.is_dir())
    name = chosen(random, (".DS_Store", "Thumbs.db", "desktop.ini", "._0001.jpg"))
    return tree.write(str((chosen(random, folders) / name).relative_to(tree.root)), b"x")


@kind("mars", "ls-vid", "ccvid")
def folder_lost(tree: Tree, random: Random) -> str:
    return tree.remove(tree.folder(random))


@kind(*PNG)
def person_lost_in_one_camera(tree: Tree, random: Random) -> str:
    return f"has person {person(tree.remove(tree.folder(random)))}, who is not in"


@kind("ls-vid")
def tracklet_lost(tree: Tree, random: Random) -> str:
    for frame in tree.tracklet(random):
        tree.remove(frame)
    return frame.rpartition("_")[0]


@kind("duke-video")
def tracklet_that_only_the_count_tells_lost(tree: Tree, random: Random) -> str:
    tree.remove(tree.folder(random))
    return "tracklets, expected"


@kind("duke-video")
def person_that_only_the_count_tells_lost(tree: Tree, random: Random) -> str:
    tree.remove(parent(tree.folder(random)))
    return "identities, expected"


@kind("prid2011")
def stranger_that_only_the_count_tells_lost(tree: Tree, random: Random) -> str:
    folders = sorted({parent(frame) for frame in tree.frames() if person(parent(frame)) > SHARED})
    camera = tree.remove(chosen(random, folders)).split("/")[2]
    return f"persons of camera {'ab'.index(camera[-1]) + 1}, expected"


@kind()
def folder_emptied(tree: Tree, random: Random) -> str:
    folder = tree.remove(tree.folder(random))
    (tree.root / folder).mkdir()
    return folder


@kind()
def file_for_a_folder(tree: Tree, random: Random) -> tuple[str, ...]:
    folder = tree.remove(tree.folder(random))
    tree.write(folder, b"x")
    return folder, f"{parent(folder)} holds no tracklet's folder"


@kind()
def folder_renamed(tree: Tree, random: Random) -> str:
    folder = tree.folder(random)
    return tree.rename(folder, chosen(random, (f"{folder} (1)", f"{folder}.tmp", beside(folder, "somebody"))))


@kind()
def folder_copied(tree: Tree, random: Random) -> str:
    folder = tree.folder(random)
    shutil.copytree(tree.root / folder, tree.root / f"{folder} (1)")
    return f"{folder} (1)"


@kind("mars", "ilids-vid", "duke-video", "ls-vid", "ccvid")
def folder_copied_to_another_number(tree: Tree, random: Random) -> str:
    folder = tree.folder(random)
    new = re.sub(r"\d\d(-1)?$", "99", folder)
    shutil.copytree(tree.root / folder, tree.root / new)
    return new


@kind("prid2011")
def person_copied_to_a_free_number(tree: Tree, random: Random) -> str:
    folder = tree.folder(random)
    shutil.copytree(tree.root / folder, tree.root / beside(folder, "person_0150"))
    return "has person 150, who is not in"


@kind("duke-video")
def person_folder_renamed(tree: Tree, random: Random) -> str:
    folder = parent(tree.folder(random))
    return tree.rename(folder, chosen(random, (f"{folder} (1)", beside(folder, "somebody"))))


@kind()
def whole_part_lost(tree: Tree, random: Random) -> str:
    return tree.remove(chosen(random, TOPS[tree.layout]))


@kind()
def file_for_a_whole_part(tree: Tree, random: Random) -> str:
    return tree.write(tree.remove(chosen(random, TOPS[tree.layout])), b"x")


@kind("duke-video")
def query_taken_out_of_the_gallery(tree: Tree, random: Random) -> str:
    query = chosen(random, sorted({parent(frame) for frame in tree.frames() if frame.startswith("query/")}))
    tree.remove(query.replace("query/", "gallery/"))
    return query


@kind("duke-video")
def query_frame_taken_out_of_the_gallery(tree: Tree, random: Random) -> str:
    frame = chosen(random, [frame for frame in tree.frames() if frame.startswith("query/")])
    tree.remove(frame.replace("query/", "gallery/"))
    return parent(frame)


@kind("duke-video")
def second_query_of_one_camera(tree: Tree, random: Random) -> str:
    query = chosen(random, sorted({parent(frame) for frame in tree.frames() if frame.startswith("query/")}))
    shutil.copytree(tree.root / query, tree.root / beside(query, "0999"))
    return beside(query, "0999 is a second query")


@kind("duke-video")
def person_moved_from_test_to_training(tree: Tree, random: Random) -> str:
    each = chosen(random, sorted(path.name for path in (tree.root / "query").iterdir()))
    tree.rename(f"gallery/{each}", f"train/{each}")
    return f"person {int(each)} is both trained on and tested"


# index files


@kind(*(layout for layout in INDEX if layout not in PNG))
def index_file_lost(tree: Tree, random: Random) -> str:
    return tree.remove(tree.index(random))


@kind(*PNG)
def split_file_lost(tree: Tree, random: Random) -> str:
    tree.remove(tree.index(random))
    return "has 0 split files, expected 1"


@kind(*INDEX)
def index_file_emptied(tree: Tree, random: Random) -> str:
    return tree.write(tree.index(random), b"")


@kind(*INDEX)
def index_file_replaced_by_text(tree: Tree, random: Random) -> str:
    return tree.write(tree.index(random), b"<html>404</html>\n")


@kind(*INDEX)
def folder_for_an_index_file(tree: Tree, random: Random) -> str:
    file = tree.remove(tree.index(random))
    (tree.root / file).mkdir()
    return file


@kind()
def description_cut(tree: Tree, random: Random) -> str:
    content = tree.read("synthetic.json").rstrip()
    return tree.write("synthetic.json", content[: random.integers(len(content))])


@kind("mars", "ilids-vid", "ls-vid")
def matrix_file_cut(tree: Tree, random: Random) -> str:
    file = chosen(random, [file for file in INDEX[tree.layout] if file.endswith(".mat")])
    content = tree.read(file)
    return tree.write(file, content[: random.integers(len(content) - 8)])  # the last 8 bytes may be padding


@kind("ls-vid")
def hdf5_garbled_inside(tree: Tree, random: Random) -> str:
    content = bytearray(tree.read(LS_QUERY))
    start = content.index(b"TREE")  # the node that leads to the matrix
    content[start : start + 64] = random.bytes(64)
    return tree.write(LS_QUERY, bytes(content))


MATRICES = {"mars": (*MARS_ROWS, MARS_QUERY), "ilids-vid": (SPLIT_FILE,), "ls-vid": (LS_QUERY,)}


@kind(*MATRICES)
def matrix_under_another_name(tree: Tree, random: Random) -> str:
    file = chosen(random, MATRICES[tree.layout])
    return tree.write_matrix(file, tree.matrix(file)[1], key="other")


@kind(*MATRICES)
def matrix_turned(tree: Tree, random: Random) -> str:
    file = chosen(random, MATRICES[tree.layout])
    return tree.write_matrix(file, tree.matrix(file)[1].T)


@kind(*MATRICES)
def matrix_of_fractions(tree: Tree, random: Random) -> str:
    file = chosen(random, MATRICES[tree.layout])
    values = tree.matrix(file)[1].astype(float)
    values.flat[random.integers(values.size)] += 0.5
    return tree.write_matrix(file, values)


@kind("mars", "ls-vid", "ccvid")
def list_cut(tree: Tree, random: Random) -> tuple[str, ...]:
    file = chosen(random, [file for file in INDEX[tree.layout] if file.endswith(".txt")])
    content = tree.read(file)
    end = int(random.integers(len(content) - 1))  # the last byte ends the last line
    tree.write(file, content[:end])
    if end and content[:end].count(b"\n") == content.count(b"\n") - 1 and tree.layout == "ccvid":
        return file, f"{content[:end].splitlines()[-1].split()[0].decode()} is listed in clothes"
    lost = [line.split()[0] for line in content[end:].decode().splitlines()[1:]]
    return file, *unlisted(lost[0] if lost else "")


@kind(*LISTED)
def line_lost(tree: Tree, random: Random) -> tuple[str, ...]:
    file, lines, place = tree.line(random)
    lost = lines.pop(place).split()[0]
    tree.write_lines(file, lines)
    return unlisted(lost)


def unlisted(path: str) -> tuple[str, ...]:
    """How a tracklet that no list names is told: by its folder, its frames, or the folder of all its person's."""
    ways = (f"{path} is a folder", f"{path}_", f"{parent(path)} is a folder")
    return ways if path else ()


@kind("mars")
def name_lost(tree: Tree, random: Random) -> str:
    file = chosen(random, MARS_NAMES)
    lines = tree.lines(file)
    lines.pop(random.integers(len(lines)))
    return tree.write_lines(file, lines)


@kind("mars", *LISTED)
def line_repeated(tree: Tree, random: Random) -> str:
    file = chosen(random, LISTS.get(tree.layout, MARS_NAMES))
    lines = tree.lines(file)
    lines.insert(random.integers(len(lines) + 1), chosen(random, lines))
    return tree.write_lines(file, lines)


@kind("mars", *LISTED)
def blank_line(tree: Tree, random: Random) -> str:
    file = chosen(random, LISTS.get(tree.layout, MARS_NAMES))
    lines = tree.lines(file)
    place = int(random.integers(len(lines)))
    tree.write_lines(file, [*lines[:place], "", *lines[place:]])
    return f"{file}, line {place + 1}"


def changed_line(change: Callable[[list[str], Random], list[str]]) -> Damage:
    """A damage that changes the cells of one line; the problem must name the line."""

    def damage(tree: Tree, random: Random) -> str:
        file, lines, place = tree.line(random)
        lines[place] = " ".join(change(lines[place].split(), random))
        tree.write_lines(file, lines)
        return f"{file}, line {place + 1}"

    return damage


for name, change in {
    "line_without_its_last_cell": lambda cells, random: cells[:-1],
    "line_with_a_cell_more": lambda cells, random: [*cells, "x"],
    "line_that_leaves_the_dataset": lambda cells, random: [chosen(random, ("../", "/")) + cells[0], *cells[1:]],
    "line_of_a_folder_that_is_not_there": lambda cells, random: [cells[0].replace("/0", "/9"), *cells[1:]],
    "line_of_a_leftover": lambda cells, random: [beside(cells[0], ".DS_Store"), *cells[1:]],
    "line_with_a_person_in_words": lambda cells, random: [cells[0], "somebody", *cells[2:]],
    "line_with_a_person_below_junk": lambda cells, random: [cells[0], "-2", *cells[2:]],
}.items():
    KINDS[name] = (LISTED, changed_line(change))


@kind(*LISTED)
def person_changed_in_the_list(tree: Tree, random: Random) -> str:
    file, lines, place = tree.line(random)
    cells = lines[place].split()
    others = {line.split()[1] for file in LISTS[tree.layout] for line in tree.lines(file)} | {"888"}
    cells[1] = chosen(random, sorted(others - {cells[1]}))
    lines[place] = " ".join(cells)
    tree.write_lines(file, lines)
    return f"{cells[0]}{'_' if tree.layout == 'ls-vid' else ' is listed'}"


@kind(*LISTED)
def tracklet_moved_from_test_to_training(tree: Tree, random: Random) -> str:
    train, test = LISTS[tree.layout][0], LISTS[tree.layout][-1]
    lines = tree.lines(test)
    people = [line.split()[1] for line in lines]
    place = chosen(random, [place for place, each in enumerate(people) if people.count(each) > 1])
    tree.write_lines(train, [*tree.lines(train), lines.pop(place)])
    tree.write_lines(test, lines)
    return f"person {int(people[place])} is both trained on and tested"


@kind("ls-vid")
def beginning_cut_within_its_last_field(tree: Tree, random: Random) -> tuple[str, ...]:
    """A careless glob takes the frames of a camera of two digits for one of its first digit."""
    files = {file: tree.lines(file) for file in LISTS["ls-vid"]}
    long = [(file, n) for file, lines in files.items() for n, line in enumerate(lines) if re.search(r"_\d\d ", line)]
    file, place = chosen(random, long)
    lines = files[file]
    lines[place] = re.sub(r"\d (\d+)$", r" \1", lines[place])
    tree.write_lines(file, lines)
    return f"{file}, line {place + 1}", f"line {place + 1}"


@kind("ls-vid")
def frames_whose_names_begin_like_a_listed_tracklet(tree: Tree, random: Random) -> str:
    frame = tree.frame(random)
    stem, _, name = frame.rpartition("_")
    return tree.write(f"{stem}7_{name}", tree.read(frame))


@kind("ccvid")
def clothes_cut(tree: Tree, random: Random) -> str:
    file, lines, place = tree.line(random)
    lines[place] = lines[place][: -int(random.integers(1, 11))]
    tree.write_lines(file, lines)
    return f"{lines[place].split()[0]} is listed in clothes"


# the index of MARS


def changed_rows(change: Callable[[np.ndarray, Random], np.ndarray]) -> Damage:
    """A damage that changes the rows [N, 4] of one half of MARS."""

    def damage(tree: Tree, random: Random) -> str:
        file = chosen(random, tuple(MARS_ROWS))
        return tree.write_matrix(file, change(tree.matrix(file)[1], random))

    return damage


def moved_boundary(rows: np.ndarray, random: Random) -> np.ndarray:
    """One row ends a frame later or sooner, and the next one begins there: the ranges still follow one another."""
    row, step = random.integers(len(rows) - 1), chosen(random, (-1, 1))
    rows[row, 1] += step
    rows[row + 1, 0] += step
    return rows


def changed_column(column: int, top: int) -> Callable[[np.ndarray, Random], np.ndarray]:
    """One value of a column becomes another one from 1 to `top`."""

    def change(rows: np.ndarray, random: Random) -> np.ndarray:
        row = random.integers(len(rows))
        rows[row, column] = chosen(random, [value for value in range(1, top + 1) if value != rows[row, column]])
        return rows

    return change


def changed_end(rows: np.ndarray, random: Random) -> np.ndarray:
    """One row begins or ends elsewhere, and no other row with it."""
    row, column = random.integers(len(rows)), random.integers(2)
    rows[row, column] += chosen(random, (-1, 1))
    return rows


for name, change in {
    "row_lost": lambda rows, random: np.delete(rows, random.integers(len(rows)), axis=0),
    "row_repeated": lambda rows, random: np.insert(rows, place := random.integers(len(rows)), rows[place], axis=0),
    "rows_counted_from_zero": lambda rows, random: rows - [1, 1, 0, 0],
    "rows_without_a_column": lambda rows, random: np.delete(rows, random.integers(4), axis=1),
    "boundary_of_two_rows_moved": moved_boundary,
    "row_begins_or_ends_elsewhere": changed_end,
    "person_changed_in_the_index": changed_column(2, 30),
    "camera_changed_in_the_index": changed_column(3, 6),
}.items():
    KINDS[name] = (("mars",), changed_rows(change))


@kind("mars")
def name_of_another_person(tree: Tree, random: Random) -> str:
    file = chosen(random, MARS_NAMES)
    lines = tree.lines(file)
    place = int(random.integers(len(lines)))
    lines[place] = f"0999{lines[place][4:]}"
    tree.write_lines(file, lines)
    return file


@kind("mars")
def names_out_of_order(tree: Tree, random: Random) -> str:
    frames = tree.tracklet(random)
    file = MARS_NAMES[frames[0].startswith("bbox_test")]
    a, b = (Path(frames[place]).name for place in random.choice(len(frames), 2, replace=False))
    swapped = {a: b, b: a}
    return tree.write_lines(file, [swapped.get(line, line) for line in tree.lines(file)])


@kind("mars")
def person_of_the_test_in_training(tree: Tree, random: Random) -> str:
    people = [sorted(path.name for path in (tree.root / top).iterdir()) for top in TOPS["mars"]]
    old, new = chosen(random, people[0]), chosen(random, [each for each in people[1] if each.isdigit() and int(each)])
    for path in sorted((tree.root / "bbox_train" / old).iterdir()):
        path.rename(path.with_name(new + path.name[4:]))
    tree.rename(f"bbox_train/{old}", f"bbox_train/{new}")
    tree.write_lines(MARS_NAMES[0], [new + n[4:] if n[:4] == old else n for n in tree.lines(MARS_NAMES[0])])
    file = "info/tracks_train_info.mat"
    rows = tree.matrix(file)[1]
    rows[rows[:, 2] == int(old), 2] = int(new)
    return f"{tree.write_matrix(file, rows)}: person {int(new)} is in"


# queries


def changed_query(change: Callable[[np.ndarray, np.ndarray, Random], None]) -> Damage:
    """A damage that changes the queries [Q]; it is given the persons and cameras [N, 2] of the rows, too."""

    def damage(tree: Tree, random: Random) -> str:
        file = {"mars": MARS_QUERY, "ls-vid": LS_QUERY}[tree.layout]
        if tree.layout == "mars":
            people = tree.matrix("info/tracks_test_info.mat")[1][:, 2:]
        else:
            fields = [re.split(r"[_ ]", line) for line in tree.lines(LISTS["ls-vid"][-1])]
            people = np.array([[int(cells[-1]), int(cells[-2])] for cells in fields])
        query = tree.matrix(file)[1].copy()
        change(query[0], people, random)
        return tree.write_matrix(file, query)

    return damage


def query_counted_from_zero(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    query[random.integers(len(query))] = 0


def query_outside(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    query[random.integers(len(query))] = len(people) + random.integers(1, 100)


def query_repeated(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    place = random.integers(1, len(query))
    query[place] = query[place - 1]


def query_of_junk(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    query[random.integers(len(query))] = 1 + chosen(random, np.flatnonzero(people[:, 0] < 1).tolist())


def queries_unsorted(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    place = random.integers(1, len(query))
    query[[place - 1, place]] = query[[place, place - 1]]


def second_query_of_a_person_in_a_camera(query: np.ndarray, people: np.ndarray, random: Random) -> None:
    asked = [row - 1 for row in query.tolist()]
    twins = [
        row for row in range(len(people)) if row not in asked and any((people[row] == people[q]).all() for q in asked)
    ]
    row = chosen(random, twins)
    places = [n for n, q in enumerate(asked) if (people[q] != people[row]).any()]  # a query to give up for it
    query[chosen(random, places)] = row + 1
    query.sort()


for change in (query_counted_from_zero, query_outside, query_repeated):
    KINDS[change.__name__] = (("mars", "ls-vid"), changed_query(change))
for change in (query_of_junk, queries_unsorted, second_query_of_a_person_in_a_camera):
    KINDS[change.__name__] = (("mars",), changed_query(change))


# halves


def changed_orders(change: Callable[[np.ndarray, Random], np.ndarray]) -> Damage:
    """A damage that changes the orders [10, persons] of iLIDS-VID."""

    def damage(tree: Tree, random: Random) -> str:
        return tree.write_matrix(SPLIT_FILE, change(tree.matrix(SPLIT_FILE)[1], random))

    return damage


def place_repeated(orders: np.ndarray, random: Random) -> np.ndarray:
    """One person stands in both halves of one split, or twice in one of them, and another one in none."""
    row, (one, other) = random.integers(len(orders)), random.choice(orders.shape[1], 2, replace=False)
    orders[row, one] = orders[row, other]
    return orders


def place_outside(orders: np.ndarray, random: Random) -> np.ndarray:
    """One place becomes what could be the number of a person."""
    orders[random.integers(len(orders)), random.integers(orders.shape[1])] = orders.shape[1] + random.integers(1, 20)
    return orders


for name, change in {
    "split_lost": lambda orders, random: np.delete(orders, random.integers(10), axis=0),
    "person_lost_of_all_splits": lambda orders, random: np.delete(orders, random.integers(orders.shape[1]), axis=1),
    "places_counted_from_zero": lambda orders, random: orders - 1,
    "place_repeated": place_repeated,
    "place_outside": place_outside,
}.items():
    KINDS[name] = (("ilids-vid",), changed_orders(change))


def changed_lists(change: Callable[[list[dict[str, list[str]]], Tree, Random], object]) -> Damage:
    """A damage that changes the published lists of PRID2011."""

    def damage(tree: Tree, random: Random) -> str:
        lists = json.loads(tree.read(PRID_LISTS))
        change(lists, tree, random)
        return tree.write(PRID_LISTS, json.dumps(lists).encode())

    return damage


def half(lists: list[dict[str, list[str]]], random: Random) -> list[str]:
    """One half of one split."""
    return chosen(random, lists)[chosen(random, ("train", "test"))]


def named_person(lists: list[dict[str, list[str]]], number: int, random: Random) -> None:
    """A person takes another one's place."""
    names = half(lists, random)
    names[random.integers(len(names))] = f"person_{number:04d}"


def person_too_short(lists: list[dict[str, list[str]]], tree: Tree, random: Random) -> None:
    divided = {person(name) for names in lists[0].values() for name in names}
    shared = {person(parent(frame)) for frame in tree.frames() if person(parent(frame)) <= SHARED}
    named_person(lists, chosen(random, sorted(shared - divided)), random)


def person_in_both_halves(lists: list[dict[str, list[str]]], tree: Tree, random: Random) -> None:
    split = chosen(random, lists)
    split["train"][0] = chosen(random, split["test"])


def person_in_the_other_half_alone(lists: list[dict[str, list[str]]], tree: Tree, random: Random) -> None:
    split = chosen(random, lists)
    split["train"].append(split["test"].pop())


for name, change in {
    "person_too_short_in_the_lists": person_too_short,
    "person_of_one_camera_in_the_lists": lambda lists, tree, random: named_person(lists, SHARED + 1, random),
    "person_unknown_in_the_lists": lambda lists, tree, random: named_person(lists, 155, random),
    "person_lost_in_the_lists": lambda lists, tree, random: half(lists, random).pop(),
    "person_repeated_in_the_lists": lambda lists, tree, random: (names := half(lists, random)).append(names[0]),
    "person_in_both_halves": person_in_both_halves,
    "halves_of_unequal_size": person_in_the_other_half_alone,
    "lists_of_nine_splits": lambda lists, tree, random: lists.pop(random.integers(10)),
    "half_lost_in_the_lists": lambda lists, tree, random: chosen(random, lists).pop(chosen(random, ("train", "test"))),
    "number_in_the_lists": lambda lists, tree, random: half(lists, random).insert(0, 1),
}.items():
    KINDS[name] = (("prid2011",), changed_lists(change))


@kind("prid2011")
def lists_cut(tree: Tree, random: Random) -> str:
    content = tree.read(PRID_LISTS)
    return tree.write(PRID_LISTS, content[: random.integers(len(content))])


# the tests


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The whole tree of a layout, rendered when it is first asked for."""
    folder = tmp_path_factory.mktemp("twins")

    def whole(layout: str) -> Path:
        root = folder / layout
        if not root.exists():
            plan, cameras, people, _ = TWINS[layout]
            world = World.appearance(cameras=cameras, typical_frames=1, height=16, width=8)
            write_tree(root, plan(world, people), workers=1, progress=False)
        return root

    return whole


def test_there_are_at_least_20_kinds_of_damage_and_every_layout_suffers_them() -> None:
    assert len(KINDS) >= 20
    for layout in EVERY:
        assert sum(layout in layouts for layouts, _ in KINDS.values()) >= 20, layout


CASES = [(layout, name) for layout in EVERY for name, (layouts, _) in KINDS.items() if layout in layouts]


@pytest.mark.parametrize(("layout", "name"), CASES)
def test_verify_names_the_damage_wherever_it_strikes(
    twins: Callable[[str], Path], tmp_path: Path, layout: str, name: str
) -> None:
    for seed in range(TWINS[layout][-1]):
        tree = Tree(layout, tmp_path / str(seed))
        shutil.copytree(twins(layout), tree.root, copy_function=os.link)
        expected = KINDS[name][1](tree, np.random.default_rng([seed, zlib.crc32(name.encode())]))
        ways = (expected,) if isinstance(expected, str) else expected
        problems = READERS[layout].verify(tree.root, decode=True).problems
        below = [problem.replace(f"{tree.root}/", "") for problem in problems]
        assert any(way in problem for way in ways for problem in below), (seed, ways, problems)
        shutil.rmtree(tree.root)


@pytest.mark.parametrize("layout", EVERY)
def test_verify_finds_nothing_in_a_whole_tree(twins: Callable[[str], Path], layout: str) -> None:
    """After all the damage: the trees above share their files with this one."""
    assert READERS[layout].verify(twins(layout), decode=True).problems == ()
