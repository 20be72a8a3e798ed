"""`SHA256SUMS`: the checksums of the results of a run, as `sha256sum --check` reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import sha256

FILE = "SHA256SUMS"
LINE = re.compile(r"([0-9a-f]{64})  ([\w.]+)")


def write_sums(folder: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    """Write the checksums of these files of a folder, each with its name."""
    write_atomic(folder / FILE, "".join(f"{sha256(content)}  {name}\n" for name, content in contents).encode())


def find_changed(folder: Path) -> str:
    """A sentence on the first file that has changed since the checksums of its folder were written, or is missing.

    Empty if there is none, or if the folder has no checksums: earlier versions wrote none.
    """
    place = folder / FILE
    try:
        lines = place.read_bytes().decode().removesuffix("\n").split("\n")
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as fault:
        return f"{place}: cannot be read ({fault})"
    for number, line in enumerate(lines, 1):
        if not (match := LINE.fullmatch(line)):
            return f"{place}: is damaged in line {number}"
        file = folder / match[2]
        try:
            found = sha256(file.read_bytes())
        except OSError as fault:
            return f"{file}: cannot be read ({fault.strerror}), and {FILE} lists it"
        if found != match[1]:
            return f"{file}: is damaged: it does not agree with its checksum in {FILE}"
    return ""
