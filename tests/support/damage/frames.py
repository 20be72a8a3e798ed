"""Damage to single frames."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import simplejpeg
from two_cameras import image

from damage.kinds import PNG, kind
from damage.tree import Random, Tree, beside, choose, parent, stem_of


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
    return ways_to_name(tree.rename(frame, choose(random, names)))


@kind()
def frame_copied(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    suffix = frame.rpartition(".")[2]
    return ways_to_name(tree.write(f"{stem_of(frame)} copy.{suffix}", tree.read(frame)))


@kind()
def frame_number_written_in_two_ways(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.tracklet(random)[0]  # its number begins with 0 in every layout
    folder, _, name = frame.rpartition("/")
    new = f"{folder}/" + re.sub(r"(^|_|F)0+(\d+)(?=_X|\.)", r"\1\2", name)
    return *ways_to_name(tree.write(new, tree.read(frame))), frame


@kind("mars", "ilids-vid", "duke-video", "ls-vid")
def frame_moved_to_another_tracklet(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    others = sorted({parent(other) for other in tree.frames()} - {parent(frame)})
    free = [folder for folder in others if not (tree.root / folder / Path(frame).name).exists()]
    return ways_to_name(tree.rename(frame, f"{choose(random, free)}/{Path(frame).name}"))


@kind("mars", "ilids-vid", "duke-video", "ls-vid")
def frame_named_after_another_person(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    name = re.sub(r"^(cam\d_person|)(\d{3,4}|00-1)", r"\g<1>888", Path(frame).name)
    return ways_to_name(tree.rename(frame, beside(frame, name)))


@kind("mars", "ilids-vid", "duke-video", "ls-vid")
def frame_named_after_another_camera(tree: Tree, random: Random) -> tuple[str, ...]:
    frame = tree.frame(random)
    pattern = {"ilids-vid": r"(^cam)\d", "ls-vid": r"(^\d+_\d+_)\d+"}.get(tree.layout, r"(C)\d")
    taken = {re.sub(r"^.*?(\d+)$", r"\1", stem.rpartition("_")[0]) for stem in map(stem_of, tree.frames())}
    camera = next(c for c in "987654321" if c not in taken) if tree.layout == "ls-vid" else "7"
    new = tree.rename(frame, beside(frame, re.sub(pattern, rf"\g<1>{camera}", Path(frame).name)))
    return *ways_to_name(new), f"{parent(frame)} holds frames of camera"


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


def ways_to_name(path: str) -> tuple[str, ...]:
    """The two ways in which a problem names a file: by its path, and as what its folder holds."""
    folder, _, name = path.rpartition("/")
    return path, f"{folder} holds {name}"
