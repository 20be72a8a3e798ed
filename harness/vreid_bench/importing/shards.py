"""Files that belong together: numbered parts of one list (`feat_0.pt`, `feat_1.pt`), and a vector of one image each."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from vreid_bench.importing.content import Content, find_shape
from vreid_bench.importing.keys import recognise_key

PART = re.compile(r"(.*?)[_\-.]?(\d+)")  # feat_0, part-003
MARKET = re.compile(r"(-?\d+)_?[cC](\d)")  # 0002_c1s1_000451_03 and 0002C1T0001F001: person and camera


def join_shards(contents: Sequence[Content]) -> list[Content]:
    """The same contents, with numbered parts of one list joined in the order of their numbers."""
    images = [content for content in contents if _is_image(content)]
    groups: dict[tuple[str, tuple[str, ...]], list[tuple[int, Content]]] = {}
    joined: list[Content] = [_join_images(images)] if len(images) > 1 else list(images)
    for content in contents:
        match = PART.fullmatch(content.stem)
        if content in images:
            continue
        if match is None or recognise_key(match[1]) is None:
            joined.append(content)
            continue
        keys = tuple(key for key in content.arrays if key != content.stem)
        groups.setdefault((match[1], keys), []).append((int(match[2]), content))
    for (stem, _), parts in groups.items():
        ordered = [content for _, content in sorted(parts, key=lambda part: part[0])]
        joined.append(_join_parts(stem, ordered) if len(ordered) > 1 else ordered[0])
    return joined


def _is_image(content: Content) -> bool:
    """Is it the vector of one image, with its labels in the name of the file?"""
    try:
        shape = find_shape(content.arrays.get(content.stem, ()))
    except ValueError:  # a list of rows of several lengths
        return False
    vector = len(shape) == 1 or (len(shape) == 2 and shape[0] == 1)
    return len(content.arrays) == 1 and vector and MARKET.match(content.stem) is not None


def _join_images(images: Sequence[Content]) -> Content:
    labels = [MARKET.match(content.stem) for content in images]
    arrays: dict[str, Any] = {
        "embedding": [np.reshape(content.arrays[content.stem], -1) for content in images],
        "pid": [int(match[1]) for match in labels if match],
        "camid": [int(match[2]) for match in labels if match],
        "tracklet": [content.stem for content in images],
    }
    return Content(f"{images[0].origin} and {len(images) - 1} more", "files of one image each", arrays, stem="images")


def _join_parts(stem: str, parts: Sequence[Content]) -> Content:
    first = parts[0]
    arrays: dict[str, Any] = {}
    for key in first.arrays:
        values = [part.arrays[part.stem if key == first.stem else key] for part in parts]
        name = stem if key == first.stem else key
        if all(isinstance(value, list | tuple) for value in values):
            arrays[name] = [each for value in values for each in value]
        elif all(np.ndim(value) > 0 for value in values):
            arrays[name] = np.concatenate([np.asarray(value) for value in values])
        else:
            arrays[name] = first.arrays[key]
    together = hashlib.sha256("".join(part.sha256 for part in parts).encode()).hexdigest()
    return Content(f"{first.origin} and {len(parts) - 1} more", first.form, arrays, together, stem)
