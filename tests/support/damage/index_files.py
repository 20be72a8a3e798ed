"""Damage to whole index files, and to the matrices in them."""

from __future__ import annotations

from damage.kinds import PNG, kind
from damage.tree import INDEX, LS_QUERY, MARS_QUERY, MARS_ROWS, Random, Tree, choose
from vreid_plugins.datasets.ilids_vid.index import SPLIT_FILE


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
    file = choose(random, [file for file in INDEX[tree.layout] if file.endswith(".mat")])
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
    file = choose(random, MATRICES[tree.layout])
    return tree.write_matrix(file, tree.matrix(file)[1], key="other")


@kind(*MATRICES)
def matrix_turned(tree: Tree, random: Random) -> str:
    file = choose(random, MATRICES[tree.layout])
    return tree.write_matrix(file, tree.matrix(file)[1].T)


@kind(*MATRICES)
def matrix_of_fractions(tree: Tree, random: Random) -> str:
    file = choose(random, MATRICES[tree.layout])
    values = tree.matrix(file)[1].astype(float)
    values.flat[random.integers(values.size)] += 0.5
    return tree.write_matrix(file, values)
