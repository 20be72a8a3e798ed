"""The folder for what can be made again: rendered twins, hashes of pictures, what the installed plugins provide."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import platformdirs

from vreid_bench.system.files import write_atomic
from vreid_bench.system.fingerprint import sha256


def cache_folder() -> Path:
    """The user's cache folder, or VREID_CACHE."""
    return Path(os.environ.get("VREID_CACHE") or platformdirs.user_cache_dir("vreid-bench"))


def read_cached(name: str) -> bytes | None:
    """The content of a file of the cache, as `write_cached` wrote it; None if it is missing or damaged."""
    try:
        check, _, content = (cache_folder() / name).read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if check == sha256(content).encode() else None


def write_cached(name: str, content: bytes) -> None:
    """Write a file of the cache. If that fails nothing is said, because its content can be made again."""
    with suppress(OSError):
        write_atomic(cache_folder() / name, sha256(content).encode() + b"\n" + content)
