"""Recognises a file by its content, never by its ending, and reads it with the reader of its family."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile, ZipFile, is_zipfile

import numpy as np
from safetensors.numpy import load_file

from vreid_bench.importing import trec
from vreid_bench.importing.boxmot import find_tables, name_columns
from vreid_bench.importing.content import EXAMPLE, Content, flatten
from vreid_bench.importing.hdf5 import is_hdf5, read_hdf5
from vreid_bench.importing.matlab import read_matlab
from vreid_bench.importing.numpy_files import is_npz, read_arrays_of_npz, read_npy
from vreid_bench.importing.pickles import TORCH_MAGIC, read_pickle
from vreid_bench.importing.tables import read_csv, read_parquet
from vreid_bench.importing.torch_files import is_torch_archive, read_torch
from vreid_bench.system.errors import InputError

HEAD = 1 << 16  # bytes that are looked at
RUN, QRELS = "TREC run", "TREC qrels"  # forms whose arrays are lists and judgements

# what looking at cut or damaged bytes raises: text (ValueError), archives, sizes that the file does not have
DAMAGE = (OSError, ValueError, EOFError, KeyError, IndexError, NotImplementedError, BadZipFile, struct.error)

STRANGE = {  # how files begin that people give by mistake
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF document",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"7z\xbc\xaf": "a 7z archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"\x7fELF": "a program",
    b"\x08\x07": "an ONNX model",
    b"\x08\x08": "an ONNX model",
}


class Family(NamedTuple):
    """A kind of file: how it is called, how its content is recognised, and how it is read."""

    form: str
    fits: Callable[[Path, bytes], bool]
    read: Callable[[Path], Any]


def _is_safetensors(path: Path, head: bytes) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size


def _is_zip(member: Callable[[Path], bool]) -> Callable[[Path, bytes], bool]:
    return lambda path, head: head.startswith(b"PK") and is_zipfile(path) and member(path)


def _has_fields(size: int) -> Callable[[Path, bytes], bool]:
    return lambda path, head: trec.find_form(_as_text(head)) == size


FAMILIES = (
    Family("npz archive", _is_zip(is_npz), read_arrays_of_npz),
    Family("torch file", _is_zip(is_torch_archive), read_torch),
    Family("npy file", lambda path, head: head.startswith(b"\x93NUMPY"), read_npy),
    Family("MATLAB file", lambda path, head: head.startswith(b"MATLAB 5.0"), read_matlab),
    Family("HDF5 file", lambda path, head: is_hdf5(path), read_hdf5),
    Family("Parquet file", lambda path, head: head.startswith(b"PAR1"), read_parquet),
    Family("safetensors file", _is_safetensors, load_file),
    Family("torch file", lambda path, head: head.startswith(TORCH_MAGIC), read_torch),
    Family("pickle", lambda path, head: head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05", read_pickle),
    Family(RUN, _has_fields(trec.RUN), trec.read_run),
    Family(QRELS, _has_fields(trec.QRELS), trec.read_qrels),
    Family("CSV table", lambda path, head: any(mark in _as_text(head).partition("\n")[0] for mark in ",;\t"), read_csv),
)


def read_content(path: Path) -> Content:
    """Recognise and read a file. Raises InputError for one that is missing, of no known kind, or damaged."""
    if not path.exists():
        raise InputError(f"{path}: the file does not exist")
    if not path.is_file():
        raise InputError(f"{path}: it is no file")
    with path.open("rb") as file:
        head = file.read(HEAD)
    family = next((family for family in FAMILIES if _fits(family, path, head)), None)
    if family is None:
        raise InputError(f"{path}: {_describe_strange(path, head)}; {EXAMPLE}")
    try:
        found = family.read(path)
        if isinstance(found, Mapping) and family.form not in (RUN, QRELS):
            found = name_columns({key: _plain(value) for key, value in flatten(found)})
    except InputError:
        raise
    except Exception as fault:  # a damaged file makes its reader raise anything
        reason = " ".join(str(fault).strip().partition("\n")[0].split()) or type(fault).__name__
        raise InputError(f"{path}: cannot be read as {family.form} ({reason[:300]})") from fault
    if family.form in (RUN, QRELS):
        return Content(str(path), family.form, found, _hash(path), path.stem)
    arrays = found if isinstance(found, Mapping) else {path.stem: _plain(found)}
    return Content(str(path), family.form, arrays, _hash(path), path.stem)


def list_files(paths: tuple[Path, ...]) -> list[Path]:
    """The files themselves; of a folder, those in it, without hidden ones, and of a data set of boxmot, its tables.

    Raises InputError for an empty folder.
    """
    found: list[Path] = []
    for path in paths:
        inside = find_tables(path) if path.is_dir() else []
        if path.is_dir() and not inside:
            inside = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
        if path.is_dir() and not inside:
            raise InputError(f"{path}: the folder is empty; {EXAMPLE}")
        found += inside or [path]
    return found


def _fits(family: Family, path: Path, head: bytes) -> bool:
    try:
        return family.fits(path, head)
    except DAMAGE:  # bytes that only resemble the format; a fault of our own is none of these and is not hidden
        return False


def _as_text(head: bytes) -> str:
    """The beginning of a text; empty for other bytes. A character may be cut at the end."""
    try:
        return head[:-4].decode("utf-8-sig") + head[-4:].decode("utf-8", "ignore") if b"\0" not in head else ""
    except UnicodeDecodeError:
        return ""


def _plain(value: Any) -> Any:
    """A tensor as an array, where NumPy has its type; everything else as it is."""
    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        return tensor if str(tensor.dtype) == "torch.bfloat16" else np.asarray(tensor.resolve_neg())
    return value


def _describe_strange(path: Path, head: bytes) -> str:
    """What an unknown file is, and what is in it."""
    if not head:
        return "the file is empty"
    if head.startswith(b"PK"):
        try:
            with ZipFile(path) as archive:
                names = archive.namelist()
        except DAMAGE:
            return "cannot be read as npz or as a file of torch.save (it begins like a zip archive, which is damaged)"
        return f"it is a zip archive with {', '.join(names[:5]) or 'nothing in it'}; unpack it first"
    for mark, words in STRANGE.items():
        if head.startswith(mark):
            return f"it is {words} of {path.stat().st_size:,} bytes"
    if text := _as_text(head):
        return f"it is a text without columns that begins {text.strip()[:40]!a}"
    return f"it is of no known kind: {path.stat().st_size:,} bytes that begin {head[:8].hex(' ')}"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
