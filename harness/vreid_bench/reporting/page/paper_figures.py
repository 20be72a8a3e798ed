"""The figures that the papers draw of their methods, of a few queries of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.reporting.inspection_figures import DRAW, draw_inspection
from vreid_bench.reporting.page.figures import BoardFigure
from vreid_bench.reporting.page.retrievals import KINDS, Retrieval
from vreid_bench.reporting.text import sanitize
from vreid_bench.scoring.ranked_test import RankedTest
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import bar

MAPPED = 8  # people on the map of embeddings
COMPARED = 20  # queries whose pairs of clips are shown together
SHOWS_PEOPLE = ("pixels", "responses")  # drawn only where pictures may be shown
CAPTIONS = {
    "embeddings": f"The {MAPPED} people with the most test tracklets, and all of these, as in Li et al. 2020, Fig. 5.",
    "pair-scores": f"All pairs of clips of {COMPARED} queries with their matches, and with as many others: does the "
    "importance of Matiyali and Sharma 2020 follow the similarity?",
    "clip-weights": "The weight of each clip along its tracklet, as in Li et al. 2020, Fig. 4 and 6.",
    "frame-attention": "The weight of each frame within its clip; the weights of a clip sum to 1.",
    "part-maps": "How much each place belongs to each body part, as in Wu et al. 2019, Fig. 8.",
    "pairs": "Similarity and importance of each pair of clips, as in Matiyali and Sharma 2020, Fig. 7.",
    "saliency": "Where each clip is like the other tracklet: Grad-CAM of their similarity. Isobe et al. 2020, Fig. 1, "
    "draw it for a class.",
    "responses": "What each layer of the encoder returns, as in Wu et al. 2019, Fig. 5.",
    "pixels": "How the protocol spoils the frames of a clip.",
}
NAMED = 3  # tracklets that are named in the words for a figure


class RunModel(Protocol):
    """The model of a run, as `evaluation.run_model` opens it."""

    @property
    def tracklets(self) -> Sequence[Tracklet]:
        """The test tracklets of the first ranking; none where it does not rank tracklets."""
        ...

    @property
    def offers(self) -> list[str]:
        """The inspections of tracklets that it offers."""
        ...

    def rank(self) -> RankedTest:
        """The first ranking, as the run made it."""
        ...

    def inspect(self, what: str, rows: Sequence[int], *, pictures: bool) -> Mapping[str, NDArray[Any]]:
        """The arrays of an inspection of some of the tracklets, with those that its figure shows beside them."""
        ...


class PaperFigure(NamedTuple):
    """A figure to be drawn: an inspection, and the rows of the tracklets."""

    title: str
    what: str
    rows: tuple[int, ...]


class DrawnPapers(NamedTuple):
    """The figures of a run, and why others that its model offers are not there, a sentence each."""

    figures: list[BoardFigure]
    left_out: list[str]


def draw_papers(model: RunModel, found: Sequence[Retrieval], *, pictures: bool) -> DrawnPapers:
    """The figures that the model offers, of the shown queries. pictures: may a figure show frames?"""
    wanted = [each for each in plan_papers(model, found) if pictures or each.what not in SHOWS_PEOPLE]
    drawn = DrawnPapers([], [])
    with bar(len(wanted), "figures of the papers", "figure") as progress:
        for letter, each in zip(ascii_lowercase, wanted, strict=False):
            words = f"{each.title}: {_name_tracklets(model, each.rows)}."
            try:
                figure = draw_inspection(each.what, model.inspect(each.what, each.rows, pictures=pictures))
            except InputError as fault:  # such as clips of several lengths; the other figures do not depend on it
                drawn.left_out.append(sanitize(f"{each.title}: {fault}"))
            else:
                drawn.figures.append(BoardFigure(f"paper-{letter}", each.title, CAPTIONS[each.what], words, figure))
            progress.update()
    return drawn


def _name_tracklets(model: RunModel, rows: Sequence[int]) -> str:
    if len(rows) > NAMED:
        return f"{len(rows)} tracklets"
    return ", ".join(sanitize(model.tracklets[row].name) for row in rows)


def plan_papers(model: RunModel, found: Sequence[Retrieval]) -> list[PaperFigure]:
    """Every figure that the model offers and that can be drawn."""
    offers = [what for what in model.offers if what in DRAW]
    return [each for each in _list_all(model, found) if each.what in offers and each.rows]


def _list_all(model: RunModel, found: Sequence[Retrieval]) -> Iterator[PaperFigure]:
    """Of the best, the median and the worst query, the first of each kind."""
    leading = {each.kind: each for each in reversed(found)}
    first = {kind: leading[kind] for kind in KINDS if kind in leading}
    yield PaperFigure("Map of embeddings", "embeddings", choose_mapped(model.tracklets))
    compared = choose_compared(model.rank(), COMPARED) if "pair-scores" in model.offers else ()
    yield PaperFigure("Importance and similarity of clip pairs", "pair-scores", compared)
    for what, title in (("clip-weights", "Clip weights"), ("frame-attention", "Frame attention")):
        for kind, each in first.items():
            yield PaperFigure(f"{title}, {kind} query", what, (each.row,))
    for kind in ("best", "median"):
        yield PaperFigure(f"Part maps, {kind} query", "part-maps", (first[kind].row,) if kind in first else ())
    for what, title in (("pairs", "Clip pairs"), ("saliency", "Saliency")):
        for role, words in (("right", "its first match"), ("wrong", "the first that is wrong")):
            yield PaperFigure(f"{title}, median query and {words}", what, choose_pair(first.get("median"), role))
    one = (first["best"].row,) if "best" in first else ()
    yield PaperFigure("Layer responses, best query", "responses", one)
    yield PaperFigure("Frames, clean and spoiled", "pixels", one)


def choose_pair(found: Retrieval | None, role: str) -> tuple[int, ...]:
    """The rows of a query and of its first item of that role; none without such an item."""
    row = next((item.row for item in found.items if item.role == role), None) if found else None
    return () if found is None or row is None else (found.row, row)


def choose_mapped(tracklets: Sequence[Tracklet]) -> tuple[int, ...]:
    """The rows of the people with the most tracklets, in order of the test; of equal ones those of smaller numbers."""
    numbers = Counter(each.pid for each in tracklets if each.pid > 0)
    people = {pid for pid, _ in sorted(numbers.items(), key=lambda each: (-each[1], each[0]))[:MAPPED]}
    return tuple(row for row, each in enumerate(tracklets) if each.pid in people)


def choose_compared(test: RankedTest, most: int) -> tuple[int, ...]:
    """The rows of some queries, evenly over the test."""
    queries = test.labels.query
    places = np.linspace(0, len(queries) - 1, min(most, len(queries))).astype(int)
    return tuple(queries[places].tolist())
