"""Ranked retrievals as a page shows them: names, marks in words and signs, and pictures where there are any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vreid_bench.contracts.people import NOBODY
from vreid_bench.reporting.page.retrievals import Item, Retrieval
from vreid_bench.reporting.page.run_frames import STRIP, FrameFolder
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.ranked_test import RankedTest
from vreid_bench.system.counting import count

SIGNS = {"right": "✓", "wrong": "✗", "junk": "○"}


@dataclass(frozen=True)
class Picture:
    """A picture, and what it shows in words."""

    source: str  # a `data:` address
    words: str


@dataclass(frozen=True)
class ShownItem:
    """A gallery item of a ranking."""

    role: str
    sign: str
    rank: str  # `rank 3`; `no rank` of junk
    value: str  # `0.912`
    person: str
    camera: str
    tracklet: str
    gap: bool  # do ranks lie between it and the item before that are not shown?
    picture: Picture | None


@dataclass(frozen=True)
class ShownQuery:
    """A query with its first ranks."""

    title: str
    summary: str
    person: str
    camera: str
    tracklet: str
    pictures: tuple[Picture, ...]
    items: tuple[ShownItem, ...]
    measure: str  # `similarity` or `distance`


def show_retrievals(found: Sequence[Retrieval], test: RankedTest, frames: FrameFolder | None) -> list[ShownQuery]:
    """The retrievals, with pictures if there are `frames`."""
    return [_show(each, test, frames) for each in found]


def _show(found: Retrieval, test: RankedTest, frames: FrameFolder | None) -> ShownQuery:
    person, camera, tracklet = _name(test, found.row)
    first = found.first_rank
    words = [
        f"average precision {100 * found.precision:.1f} %",
        "no match was found" if first is None else f"first match at rank {first:,}",
        f"{count(found.matches, 'match', 'matches')} in the gallery",
    ]
    if found.hidden:
        words.append(f"{found.hidden:,} more junk tracklets between these ranks are left out")
    pictures = []
    for number, total, file in frames.list_frames(tracklet, STRIP) if frames and tracklet else ():
        assert frames is not None
        shown = f"Query, frame {number} of {total}: {_describe(person, camera)}"
        pictures.append(Picture(frames.picture(file), shown))
    items = []
    before = 0
    for item in found.items:
        gap = item.rank is not None and item.rank > before + 1
        items.append(_show_item(item, test, frames, gap))
        before = item.rank or before
    return ShownQuery(
        f"{found.kind.capitalize()}: {_describe(person, camera)}",
        "; ".join(words),
        sanitize(person),
        sanitize(camera),
        sanitize(tracklet),
        tuple(pictures),
        tuple(items),
        "similarity" if test.similarity else "distance",
    )


def _show_item(item: Item, test: RankedTest, frames: FrameFolder | None, gap: bool) -> ShownItem:
    person, camera, tracklet = _name(test, item.row)
    rank = "no rank" if item.rank is None else f"rank {item.rank:,}"
    picture = None
    if frames is not None and tracklet:
        [(number, total, file)] = frames.list_frames(tracklet, 1)
        words = f"{rank}, {item.role}: {_describe(person, camera)}, frame {number} of {total}"
        picture = Picture(frames.picture(file), words[0].upper() + words[1:])
    return ShownItem(
        item.role,
        SIGNS[item.role],
        rank,
        f"{item.value:.3f}" if abs(item.value) < 100 else f"{item.value:.1f}",
        sanitize(person),
        sanitize(camera),
        sanitize(tracklet),
        gap,
        picture,
    )


def _name(test: RankedTest, row: int) -> tuple[str, str, str]:
    """Person, camera and tracklet, as the data names them; camera and tracklet are empty where they have no name."""
    names = test.labels.names(np.array([row]))
    camera, tracklet = (str(names[kind][0]) if kind in test.labels.named else "" for kind in ("camera", "tracklet"))
    return str(names["person"][0]), camera, tracklet


def _describe(person: str, camera: str) -> str:
    who = person if person in NOBODY.values() else f"person {person}"
    return sanitize(f"{who} in camera {camera}" if camera else who)
