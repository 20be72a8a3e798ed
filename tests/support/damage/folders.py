"""Damage to folders: of a tracklet, a person, or a whole part."""

from __future__ import annotations

import re
import shutil

from damage.kinds import PNG, kind
from damage.tree import SHARED, TOPS, Random, Tree, beside, choose, parent, person


@kind()
def leftover_of_a_file_manager(tree: Tree, random: Random) -> str:
    tops = [tree.root / top for top in TOPS[tree.layout]]
    folders = sorted(path for top in tops for path in (top, *top.rglob("*")) if path.is_dir())
    name = choose(random, (".DS_Store", "Thumbs.db", "desktop.ini", "._0001.jpg"))
    return tree.write(str((choose(random, folders) / name).relative_to(tree.root)), b"x")


@kind("mars", "ls-vid", "ccvid")
def folder_lost(tree: Tree, random: Random) -> str:
    return tree.remove(tree.folder(random))


@kind(*PNG)
def person_lost_in_one_camera(tree: Tree, random: Random) -> str:
    return f"holds {tree.remove(tree.folder(random)).rpartition('/')[2]}, who is not in"


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
    camera = tree.remove(choose(random, folders)).split("/")[2]
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
    return tree.rename(folder, choose(random, (f"{folder} (1)", f"{folder}.tmp", beside(folder, "somebody"))))


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
    return "holds person_0150, who is not in"


@kind("duke-video")
def person_folder_renamed(tree: Tree, random: Random) -> str:
    folder = parent(tree.folder(random))
    return tree.rename(folder, choose(random, (f"{folder} (1)", beside(folder, "somebody"))))


@kind()
def whole_part_lost(tree: Tree, random: Random) -> str:
    return tree.remove(choose(random, TOPS[tree.layout]))


@kind()
def file_for_a_whole_part(tree: Tree, random: Random) -> str:
    return tree.write(tree.remove(choose(random, TOPS[tree.layout])), b"x")


@kind("duke-video")
def query_taken_out_of_the_gallery(tree: Tree, random: Random) -> str:
    query = choose(random, sorted({parent(frame) for frame in tree.frames() if frame.startswith("query/")}))
    tree.remove(query.replace("query/", "gallery/"))
    return query


@kind("duke-video")
def query_frame_taken_out_of_the_gallery(tree: Tree, random: Random) -> str:
    frame = choose(random, [frame for frame in tree.frames() if frame.startswith("query/")])
    tree.remove(frame.replace("query/", "gallery/"))
    return parent(frame)


@kind("duke-video")
def second_query_of_one_camera(tree: Tree, random: Random) -> str:
    query = choose(random, sorted({parent(frame) for frame in tree.frames() if frame.startswith("query/")}))
    shutil.copytree(tree.root / query, tree.root / beside(query, "0999"))
    return beside(query, "0999 is a second query")


@kind("duke-video")
def person_moved_from_test_to_training(tree: Tree, random: Random) -> str:
    each = choose(random, sorted(path.name for path in (tree.root / "query").iterdir()))
    tree.rename(f"gallery/{each}", f"train/{each}")
    return f"person {each} is both trained on and tested"
