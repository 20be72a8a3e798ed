"""Parsers of files of other programs that hold something together: frames and their index, tables, sides, matrices."""

from functools import cache, partial
from pathlib import Path

from parser import Parser, as_folder, unpack_folder


def make(names, folder):
    """The files of some forms, a folder each."""
    from forms import FORMS

    found = []
    for number, name in enumerate(names):
        place = folder / str(number)
        place.mkdir()
        form = FORMS[name]
        form.write(place, form.world(gallery=8, people=2))
        found.append({path: content for path, content in unpack_folder(place).items() if Path(path).suffix != ".txt"})
    return found


@cache
def plugins():
    """What is installed, which takes a fifth of a second to find."""
    from vreid_bench.registry.registry import Registry

    return Registry.installed()


def read(folder):
    """As `vreid-bench score FOLDER` does before it counts."""
    from vreid_bench.scoring.imports import import_files
    from vreid_bench.scoring.label_source import Pair

    builds = [path for path in folder.iterdir() if path.is_dir()]
    files = [path for path in folder.iterdir() if path.is_file()]
    return Pair.of(import_files((*builds, *sorted(files)), plugins)).labels


def forms(*names):
    return Parser(partial(make, names), as_folder(read), 10)


TOGETHER = {
    "wildlife": forms("wildlife-tools", "wildlife-tools, pandas 1", "wildlife-tools, pandas 3", "OpenGait"),
    "frames": forms("MARS", "rows of frames"),
    "boxes": forms("boxmot, arrays", "boxes"),
    "boxmot": forms("boxmot", "boxmot, tracks"),
    "sides": forms("BUPTCampus", "qf and gf", "two tensors", "npy", "layumi, multi query"),
    "batches": forms("numbered batches", "numbered batches of one list", "fast-reid demo"),
    "matrices": forms("distmat", "MEVID", "AG-VPReID", "NAIC"),
}
