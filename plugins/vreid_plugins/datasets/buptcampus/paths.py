"""`data_paths.json` of BUPTCampus: the frames of every tracklet, below `DATA`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from vreid_plugins.datasets.buptcampus.rows import CAMERAS, FAKE, IR, ORIGIN, RGB, Key, is_person
from vreid_plugins.datasets.fault_report import Report, one_of

FRAMES, PATHS = "DATA", "data_paths.json"
EXAMPLE = "1/IR/CQ1/1_IR_CQ1_1_8535.jpg"  # person, modality, camera; all of them again, tracklet, frame
PATTERN = re.compile(r"(\d+)/(RGB|IR|FakeIR)/(\w+)/\1_(RGB|IR)_\3_([^_/]+)_(\d+)\.(?:jpe?g|png)")
NESTED = ("person", "modality", "camera", "tracklet")  # what the keys of each level are

Paths = Mapping[Key, list[str]]


def read_paths(root: Path, report: Report) -> Paths | None:
    """The frames of each tracklet as listed, not checked further; None if the file cannot be used."""
    path = root / PATHS
    twice: list[str] = []

    def gather(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):  # JSON would keep the last of them without a word
            names = [name for name, _ in pairs]
            twice.extend(name for name in found if names.count(name) > 1)
        return found

    try:
        tree = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=gather)
    except (OSError, UnicodeDecodeError) as error:
        report(f"{path} cannot be read as UTF-8 text ({error}); {ORIGIN}.")
        return None
    except (ValueError, RecursionError) as error:
        report(f"{path} cannot be read as JSON ({error}); {ORIGIN}.")
        return None
    if twice:
        report(
            f"{path}: the key {twice[0]!r} stands twice in one object{one_of(twice, 'keys')}, so that only the last "
            f"would be read; {ORIGIN}."
        )
        return None
    faults: list[str] = []
    found = {Key(*keys): frames for keys, frames in walk(tree, (), faults)}
    if faults:
        report(f"{path}: {faults[0]}{one_of(faults, 'faults')}; {ORIGIN}.")
        return None
    if not found:
        report(f"{path} lists no tracklet; {ORIGIN}.")
        return None
    return found


def walk(node: Any, keys: tuple[str, ...], faults: list[str]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """The lists at the bottom of the tree with the four keys that lead there; what is not as expected is a fault."""
    where = " > ".join(map(repr, keys)) or "the whole"
    if len(keys) == len(NESTED):
        if isinstance(node, list) and node and all(isinstance(each, str) for each in node):
            yield keys, node
        else:
            kind = "an empty list" if node == [] else f"a {type(node).__name__} with other things than paths"
            faults.append(f"{where} holds {kind}, expected a list of paths such as {EXAMPLE!r}")
        return
    if not isinstance(node, dict):
        faults.append(
            f"{where} is a {type(node).__name__}, expected an object with a key for every {NESTED[len(keys)]}"
        )
        return
    for name, inner in node.items():
        fault = describe_key(len(keys), name)
        if fault:
            faults.append(f"{where} has the key {name!r}, expected {fault}")
        else:
            yield from walk(inner, (*keys, name), faults)


def describe_key(level: int, name: str) -> str:
    """What was expected instead of a key; empty if it can be used."""
    if level == 0 and not is_person(name):
        return "the number of a person, 1 or more without a leading zero"
    if level == 1 and name not in (RGB, IR, FAKE):
        return f"one of {RGB}, {IR} and {FAKE}"
    if level == 2 and name not in CAMERAS:
        return f"one of the cameras {', '.join(CAMERAS)}"
    return ""


def describe_path(path: str, key: Key) -> str:
    """What is wrong with the path of a frame of this tracklet; empty if nothing is."""
    match = PATTERN.fullmatch(path)
    if match is None:
        return f"is not the path of a frame, expected one such as {EXAMPLE!r}"
    person, folder, camera, modality, tracklet, _ = match.groups()
    named = RGB if key.modality == FAKE else key.modality  # a fake infrared frame keeps the name of the visible one
    if (folder, modality) != (key.modality, named):
        return f"is a frame of modality {folder if folder != key.modality else modality}, expected {key.modality}"
    if (person, camera, tracklet) != (key.person, key.camera, key.tracklet):
        return f"shows person {person} in tracklet {tracklet} of camera {camera}, expected those of its keys"
    return ""


def frame_number(path: str) -> int:
    """The number of a frame, the last in its name."""
    return int(path.rpartition("_")[2].partition(".")[0])


def fake_path(path: str) -> str:
    """Where the fake infrared frame of a visible one lies: only the folder differs, the name keeps its RGB."""
    return path.replace(f"/{RGB}/", f"/{FAKE}/")
