"""One TOML file as an entry, parsed strictly; what is wrong with it in a sentence."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from vreid_bench.records.fields import Entry
from vreid_bench.records.parse import parse
from vreid_bench.system.errors import InputError

LARGEST = 1 << 20  # bytes; the longest file of ours has a tenth of it
AnyEntry = TypeVar("AnyEntry", bound=Entry)


def list_files(folder: Path) -> list[Path]:
    """What lies in a folder of TOML files, by name; nothing if there is no such folder."""
    return sorted(folder.iterdir()) if folder.is_dir() else []


def read_toml(
    path: Path, entry: type[AnyEntry], spell_out: Callable[[dict[str, Any]], dict[str, Any]], what: str, form: str = ""
) -> AnyEntry:
    """The entry in the file.

    spell_out: the fields of the file in their long form. what: what the file holds, a plural, as `claims`. form: how
    such a file is written, which ends the message. Raises InputError that names the file, the field, what was found and
    what was expected.
    """
    if path.suffix != ".toml" or path.is_symlink() or not path.is_file():
        raise InputError(f"{path}: does not belong here; {path.parent.name}/ holds {what} only, as .toml files")
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as fault:
        raise InputError(f"{path}: cannot be read ({fault.strerror})") from fault
    if len(content) > LARGEST:
        raise InputError(f"{path}: over {LARGEST} bytes; expected {what}, which are shorter")
    try:
        fields = tomllib.loads(content.decode())
        return parse(json.dumps(spell_out(fields), default=str).encode(), entry)
    except (ValueError, RecursionError) as fault:  # of TOML and UTF-8, too
        raise InputError(f"{path}: not valid {what}: {fault}{form}") from fault
