"""Which part of a model begins from which file: that of `--weights PART=FILE`, or one that its package ships."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_bench.contracts.recipe import LOADABLE, Loadable
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class WeightsFile:
    """A file that `--weights` names, or that the package of a part ships."""

    part: Loadable  # the part that begins from it
    path: Path
    sha256: str
    shipped: bool = False  # by the package of the part, for exactly its options

    @property
    def option(self) -> str:
        """How messages name it."""
        return f"shipped weights {self.path}" if self.shipped else f"--weights {self.part}={self.path}"


def open_weights(options: Sequence[str]) -> tuple[WeightsFile, ...]:
    """The files that the options name, in the order of a model's parts.

    Raises InputError for other text, for a part named twice, and for a file that cannot be read.
    """
    files = [open_file(option) for option in options]
    for at, file in enumerate(files):
        if file.part in {earlier.part for earlier in files[:at]}:
            raise InputError(f"{file.option}: the {file.part} has a file already; name one file for each part")
    return tuple(sorted(files, key=lambda file: LOADABLE.index(file.part)))


def open_file(option: str) -> WeightsFile:
    """The file that one option names. Raises InputError, as `open_weights` does."""
    given, _, name = option.partition("=")
    part = next((each for each in LOADABLE if each == given), None)
    if part is None or not name:
        raise InputError(
            f"--weights {option!r}: expected PART=FILE with one of {', '.join(LOADABLE)}, for instance "
            "--weights encoder=resnet50.pth"
        )
    path = Path(name).expanduser()  # a shell does not expand encoder=~/FILE
    try:
        return WeightsFile(part, path, hash_file(path))
    except OSError as fault:
        raise InputError(
            f"--weights {option}: the file cannot be read ({fault.strerror}); name a readable file"
        ) from fault


def hash_file(path: Path) -> str:
    """sha256 of the content of a file. Raises OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
