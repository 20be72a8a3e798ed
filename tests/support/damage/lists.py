"""Damage to the lists of tracklets and names, line by line."""

from __future__ import annotations

import re
from collections.abc import Callable

from damage.kinds import KINDS, LISTED, Damage, kind
from damage.tree import INDEX, LISTS, MARS_NAMES, Random, Tree, beside, choose, parent


@kind("mars", "ls-vid", "ccvid")
def list_cut(tree: Tree, random: Random) -> tuple[str, ...]:
    file = choose(random, [file for file in INDEX[tree.layout] if file.endswith(".txt")])
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
    """How a problem names a tracklet that is in no list: by its folder, its frames, or its person's folder."""
    ways = (f"{path} is a folder", f"{path}_", f"{parent(path)} is a folder")
    return ways if path else ()


@kind("mars")
def name_lost(tree: Tree, random: Random) -> str:
    file = choose(random, MARS_NAMES)
    lines = tree.lines(file)
    lines.pop(random.integers(len(lines)))
    return tree.write_lines(file, lines)


@kind("mars", *LISTED)
def line_repeated(tree: Tree, random: Random) -> str:
    file = choose(random, LISTS.get(tree.layout, MARS_NAMES))
    lines = tree.lines(file)
    lines.insert(random.integers(len(lines) + 1), choose(random, lines))
    return tree.write_lines(file, lines)


@kind("mars", *LISTED)
def blank_line(tree: Tree, random: Random) -> str:
    file = choose(random, LISTS.get(tree.layout, MARS_NAMES))
    lines = tree.lines(file)
    place = int(random.integers(len(lines)))
    tree.write_lines(file, [*lines[:place], "", *lines[place:]])
    return f"{file}, line {place + 1}"


def damage_of_a_line(change: Callable[[list[str], Random], list[str]]) -> Damage:
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
    "line_that_leaves_the_dataset": lambda cells, random: [choose(random, ("../", "/")) + cells[0], *cells[1:]],
    "line_of_a_folder_that_is_not_there": lambda cells, random: [cells[0].replace("/0", "/9"), *cells[1:]],
    "line_of_a_leftover": lambda cells, random: [beside(cells[0], ".DS_Store"), *cells[1:]],
    "line_with_a_person_in_words": lambda cells, random: [cells[0], "somebody", *cells[2:]],
    "line_with_a_person_below_junk": lambda cells, random: [cells[0], "-2", *cells[2:]],
}.items():
    KINDS[name] = (LISTED, damage_of_a_line(change))


@kind(*LISTED)
def person_changed_in_the_list(tree: Tree, random: Random) -> str:
    file, lines, place = tree.line(random)
    cells = lines[place].split()
    others = {line.split()[1] for file in LISTS[tree.layout] for line in tree.lines(file)} | {"888"}
    cells[1] = choose(random, sorted(others - {cells[1]}))
    lines[place] = " ".join(cells)
    tree.write_lines(file, lines)
    return f"{cells[0]}{'_' if tree.layout == 'ls-vid' else ' is listed'}"


@kind(*LISTED)
def tracklet_moved_from_test_to_training(tree: Tree, random: Random) -> str:
    train, test = LISTS[tree.layout][0], LISTS[tree.layout][-1]
    lines = tree.lines(test)
    people = [line.split()[1] for line in lines]
    place = choose(random, [place for place, each in enumerate(people) if people.count(each) > 1])
    tree.write_lines(train, [*tree.lines(train), lines.pop(place)])
    tree.write_lines(test, lines)
    return f"person {people[place]} is both trained on and tested"


@kind("ls-vid")
def beginning_cut_within_its_last_field(tree: Tree, random: Random) -> tuple[str, ...]:
    """A careless glob takes the frames of a camera of two digits for one of its first digit."""
    files = {file: tree.lines(file) for file in LISTS["ls-vid"]}
    long = [(file, n) for file, lines in files.items() for n, line in enumerate(lines) if re.search(r"_\d\d ", line)]
    file, place = choose(random, long)
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
