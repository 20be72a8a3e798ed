"""A checksum inside a safetensors file, over all of its bytes: the note's entry `vreid.checksum`.

It is the sha256 of the file with zeros in the place of its own digits. A file that changed on disk is told from one
that did not before any number of it is used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

CHECKSUM = "vreid.checksum"  # the note's entry
BLANK = "0" * 64
CHUNK = 1 << 24  # bytes that are read at once
ALIGNED = 8  # bytes: tensors begin at a multiple
LENGTH = 8  # bytes of the length of the header, with which a safetensors file begins
LONGEST = 100_000_000  # bytes of a header, by the format


def seal(content: bytes) -> bytes:
    """The same safetensors file with its checksum in its note.

    The entries of the note are sorted, as `safetensors` writes them in any order: equal content has equal bytes.
    """
    length = int.from_bytes(content[:LENGTH], "little")
    header = json.loads(content[LENGTH : LENGTH + length])
    note = {**header.pop("__metadata__", {}), CHECKSUM: BLANK}
    header = {"__metadata__": dict(sorted(note.items())), **header}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % ALIGNED)
    before, mark, after = text.partition(_entry(BLANK))
    assert mark, "it was put there"
    data = memoryview(content)[LENGTH + length :]
    hasher = hashlib.sha256(head := len(text).to_bytes(LENGTH, "little"))
    hasher.update(text)
    hasher.update(data)
    return b"".join([head, before, _entry(hasher.hexdigest()), after, data])


def find_damage(path: Path) -> str:
    """What is wrong with a file that `seal` made, to follow its name in a sentence; empty if nothing is.

    Raises OSError if it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(LENGTH)
        length = int.from_bytes(head, "little")
        head += file.read(min(length, LONGEST))
        before, mark, rest = head.partition(_entry("")[:-1])
        if len(head) < LENGTH + length or not mark:
            return "has no checksum: it is damaged, or an earlier version wrote it"
        found, after = rest[: len(BLANK)], rest[len(BLANK) :]
        hasher = hashlib.sha256(before + mark + BLANK.encode() + after)
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return "" if hasher.hexdigest().encode() == found else "is damaged: its bytes do not agree with its checksum"


def _entry(value: str) -> bytes:
    """How the header, which is JSON without spaces, has the entry."""
    return f'"{CHECKSUM}":"{value}"'.encode()
