"""What a parser is for fuzzing, and how the parts of a file become the file."""

import io
import shutil
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

ARCHIVE = ".npz/"  # in the name of a part: the archive that it is a member of, and its name there
Parts = Mapping[str, bytes]  # the parts of a file, or the files of a folder


@dataclass(frozen=True)
class Parser:
    """seeds: whole files, made in an empty folder. read: raises InputError for a faulty one, and nothing else."""

    seeds: Callable[[Path], list[Parts]]
    read: Callable[[Path, Parts], object]  # the folder it may write to, and a changed file
    short: int = 40  # executions in the tests
    apart: bool = True  # are the seeds made in a folder of their own, or in the one that `read` gets?


def as_file(read, name="file", pack=lambda parts: parts.get("", b"")):
    """Read one file by its path."""

    def run(folder, parts):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(pack(parts))
        return read(folder / name)

    return run


def as_folder(read):
    """Read a folder of its own with these files; parts named `X.npz/Y` become the archive `X.npz`."""

    def run(folder, parts):
        place = folder / "folder"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        files = {path: content for path, content in parts.items() if ARCHIVE not in path}
        members = [path for path in parts if ARCHIVE in path]
        for archive in {path.partition(ARCHIVE)[0] for path in members}:
            within = {path.partition(ARCHIVE)[2]: parts[path] for path in members if path.startswith(archive + ARCHIVE)}
            files[archive + ARCHIVE.rstrip("/")] = pack_zip(within)
        for path, content in files.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_bytes(content)
        return read(place)

    return run


def unpack_folder(folder):
    """The files below a folder, archives of NumPy as their members."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.suffix == ".npz":
            found |= {f"{name}/{member}": content for member, content in unpack_zip(path.read_bytes()).items()}
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def pack_zip(parts):
    """An archive; a part without a name is the whole of it."""
    if "" in parts:
        return parts[""]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def unpack_zip(content):
    """The members of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack_tensors(parts, sealed=False):
    """A safetensors file of its header and its data; sealed: with a checksum that is right."""
    from vreid_bench.records.checksum import seal

    if "" in parts:
        return parts[""]
    head = parts.get("head", b"")
    content = len(head).to_bytes(8, "little") + head + parts.get("data", b"")
    if sealed:
        with suppress(ValueError, AttributeError, TypeError, RecursionError, AssertionError):
            return seal(content)
    return content


seal_tensors = partial(pack_tensors, sealed=True)


def unpack_tensors(content):
    """Header and data of a safetensors file."""
    length = int.from_bytes(content[:8], "little")
    return {"head": content[8 : 8 + length], "data": content[8 + length :]}


def to_bytes(array):
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
