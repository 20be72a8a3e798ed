"""What tracklets, their people and their cameras are called, as arrays beside those of their numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import ATTRIBUTE, Tracklet, list_attributes
from vreid_bench.system.plain_json import load_json

Texts = NDArray[np.str_]
Names = Mapping[str, Texts]  # those of NAMES that are known -> a name for each tracklet [N]

NAMES = ("person", "camera", "tracklet")


def collect_names(tracklets: Sequence[Tracklet]) -> dict[str, Texts]:
    """The names of these tracklets, their people and their cameras: [N] each."""
    person, camera = [t.person_name for t in tracklets], [t.camera_name for t in tracklets]
    columns = zip(NAMES, (person, camera, [t.name for t in tracklets]), strict=True)
    return {name: np.array(column, np.str_) for name, column in columns}


def collect_attributes(tracklets: Sequence[Tracklet]) -> dict[str, Texts]:
    """The attributes that some of these tracklets have: [N] each, empty where one is not known."""
    return {
        name: np.array([tracklet.attribute(name) for tracklet in tracklets], np.str_)
        for name in list_attributes(tracklets)
    }


def pack_names(names: Names) -> dict[str, str]:
    """The names as JSON, for the note of a file that holds numbers alone."""
    return {name: json.dumps(texts.tolist()) for name, texts in names.items()}


def unpack_names(note: Mapping[str, str]) -> dict[str, Texts]:
    """The names and attributes in a note that `pack_names` is part of; a file of an earlier version has none.

    Raises ValueError for a note that holds something else.
    """
    names = [name for name in note if name in NAMES or name.startswith(ATTRIBUTE)]
    return {name: _read_texts(name, note[name]) for name in names}


def _read_texts(name: str, text: str) -> Texts:
    texts = load_json(text)
    if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
        raise ValueError(f"{name} is not a list of texts")
    return np.array(texts, np.str_)
