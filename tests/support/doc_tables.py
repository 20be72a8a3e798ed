"""The tables of a page of the docs, and whether arrays are as a table says."""

import re


def table(page, heading, number=0):
    """The rows of a table below a heading, by the first cell: the others, without their marks of code."""
    marks = re.search(rf"^(#+) {re.escape(heading)}\n", page, re.MULTILINE)
    section = re.split(rf"^#{{1,{len(marks[1])}}} ", page[marks.end() :], maxsplit=1, flags=re.MULTILINE)[0]
    tables = re.findall(r"^\|.*\|\n\|-.*\|\n((?:\|.*\|\n)+)", section, re.MULTILINE)
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in tables[number].splitlines()]
    return {cells[0].strip("`"): cells[1:] for cells in rows}


def check_arrays(found, documented):
    """Each array has the type of the page and its shape, in which a letter is one size throughout the file."""
    sizes = {}
    for name, (shape, kind, _) in documented.items():
        letters = re.findall(r"\w+", shape)
        array = found[name]
        assert (array.dtype.kind if kind == "str" else array.dtype.name) == ("U" if kind == "str" else kind), name
        assert len(letters) == array.ndim, name
        for letter, size in zip(letters, array.shape, strict=True):
            assert size == (int(letter) if letter.isdigit() else sizes.setdefault(letter, size)), name
