"""Parsers of galleries in shards: folders with a manifest, whole and unfinished, and patterns of files."""

import io
import json
from contextlib import redirect_stderr, suppress
from functools import cache, partial

import numpy as np
from parser import Parser, as_folder, unpack_folder

from vreid_bench.system.errors import InputError

DIM = 4
QUERY = {"embedding": np.eye(2, DIM, dtype=np.float32), "pid": np.array([1, 2]), "camid": np.array([1, 1])}


def block(rows=5):
    """Rows of three people in two cameras."""
    from vreid_bench.scoring.ranks.by_parts import Block

    number = np.arange(rows)
    return Block(np.eye(rows, DIM, dtype=np.float32) + 0.25, number % 3, number % 2 + 1)


def make_folder(form, dtypes, folder):
    """Folders of two shards each, as parts."""
    from gallery_parts import Rows

    from vreid_bench.scoring.galleries.writer import write_gallery

    for dtype in dtypes:
        write_gallery(folder / dtype, Rows([block()], metric="cosine"), dtype, 3, form)
    return [unpack_folder(folder / dtype) for dtype in dtypes]


def seal(folder, name="manifest.json"):
    """Let the checksums in a file be those of the files that it lists, so that the readers of these are reached."""
    from vreid_bench.system.fingerprint import sha256

    def correct(entry):
        for key, checksum in (("vectors", "sha256"), ("labels", "labels_sha256")):
            file = folder / entry[key]
            if file.is_file() and file.parent == folder:
                entry[checksum] = sha256(file.read_bytes())
        return entry

    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        if name == "manifest.json":
            tree = json.loads((folder / name).read_bytes())
            tree["shards"] = [correct(entry) for entry in tree["shards"]]
            (folder / name).write_text(json.dumps(tree))
        else:
            first, *lines = (folder / name).read_bytes().splitlines()
            sealed = [json.dumps(correct(json.loads(line))).encode() for line in lines]
            (folder / name).write_bytes(b"\n".join([first, *sealed]))


def read_gallery(folder, sealed):
    """As `gallery verify` and `score --gallery` do."""
    from vreid_bench.scoring.galleries.folder import check_gallery

    if sealed:
        seal(folder)
    assert all(str(fault).strip() for fault in check_gallery(folder))
    return score(folder)


@cache
def request(gallery):
    """A score of the two queries against a gallery."""
    from vreid_bench.scoring.score_request import ScoreRequest

    query = gallery.parent.parent / "query.npz"
    np.savez(query, **QUERY)
    return ScoreRequest(query=query, gallery=gallery)


def score(gallery):
    from vreid_bench.registry.registry import Registry
    from vreid_bench.scoring.galleries.sharded_score import score_shards

    return score_shards(request(gallery), Registry.installed).metrics()


def make_unfinished(folder):
    """A folder whose writer was killed after its first shard, and one after its second."""
    from gallery_parts import Rows

    from vreid_bench.scoring.galleries.progress import Progress
    from vreid_bench.scoring.galleries.writer import write_gallery

    found = []
    for shards in (1, 2):
        place = folder / str(shards)
        manifest = write_gallery(place, Rows([block()]), "float32", 3, "npz")
        progress = Progress(place, sign())
        for entry in manifest.shards[:shards]:
            progress.add(entry, manifest.dim, manifest.dtype)
        (place / "manifest.json").unlink()
        found.append(unpack_folder(place))
    return found


def sign():
    from gallery_parts import Rows

    from vreid_bench.system.fingerprint import digest

    return digest([Rows([block()]).sign(), "float32", 3, "npz"])


def go_on(folder):
    """As `gallery write` does; what it leaves is a gallery of so many rows without any fault."""
    from gallery_parts import Rows

    from vreid_bench.scoring.galleries.folder import check_gallery
    from vreid_bench.scoring.galleries.writer import write_gallery

    seal(folder, "progress.jsonl")
    with redirect_stderr(io.StringIO()):
        manifest = write_gallery(folder, Rows([block()]), "float32", 3, "npz")
    assert (manifest.rows, list(check_gallery(folder))) == (5, [])


def make_shards(folder):
    """Shards of NumPy, as archives and as their members."""
    rows = block()
    for number, some in enumerate((slice(0, 3), slice(3, 5))):
        columns = dict(zip(("embedding", "pid", "camid"), (column[some] for column in rows), strict=True))
        np.savez(folder / f"shard-{number}.npz", **columns)
    members = unpack_folder(folder)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    second = {name: content for name, content in whole.items() if name == "shard-1.npz"}
    first = {name: content for name, content in members.items() if name.startswith("shard-0.npz/")}
    return [members, whole, first | second]


def read_shards(folder):
    """As `score --gallery 'shard-*.npz'` and `gallery write` do."""
    from vreid_bench.scoring.galleries.sources import Files

    with suppress(InputError):
        score(folder / "shard-*.npz")
    for _ in Files.find([folder / "shard-*.npz"]).blocks(0):
        pass


GALLERIES = {
    "gallery": Parser(
        partial(make_folder, "npz", ("float32", "int8", "float64")), as_folder(partial(read_gallery, sealed=True)), 20
    ),
    "gallery in parquet": Parser(
        partial(make_folder, "parquet", ("float32", "int8")), as_folder(partial(read_gallery, sealed=True)), 20
    ),
    "damaged gallery": Parser(
        partial(make_folder, "npz", ("float16", "int8")), as_folder(partial(read_gallery, sealed=False)), 20
    ),
    "unfinished gallery": Parser(make_unfinished, as_folder(go_on), 20),
    "shards": Parser(make_shards, as_folder(read_shards), 20),
}
