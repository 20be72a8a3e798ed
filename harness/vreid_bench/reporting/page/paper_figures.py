"""The figures that the papers draw of their methods, of a run: of a few of its queries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vreid_bench.reporting.inspection_figures import DRAW, draw_inspection
from vreid_bench.reporting.page.figures import BoardFigure
from vreid_bench.reporting.page.retrievals import Retrieval
from vreid_bench.reporting.page.run_model import EMBEDDINGS, RunModel
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.progress import bar

MAPPED = 8  # people on the map of embeddings
PIXELS = ("pixels", "responses")  # what shows people: drawn only where pictures are wanted
WITH_CLIPS = ("clip-weights", "frame-attention", "part-maps", "pairs")  # what may show frames beside its numbers


class PaperFigure(NamedTuple):
    """A figure to be drawn: one of INSPECTIONS, and the rows of the tracklets."""

    title: str
    caption: str
    what: str
    rows: tuple[int, ...]


def draw_papers(model: RunModel, found: Sequence[Retrieval], *, pictures: bool) -> list[BoardFigure]:
    """The figures that the model offers. pictures: may a figure show frames?"""
    wanted = [each for each in plan_papers(model, found) if each.what in DRAW and (pictures or each.what not in PIXELS)]
    drawn = []
    with bar(len(wanted), "figures of the papers", "figure") as progress:
        for number, each in enumerate(wanted):
            arrays = dict(model.inspect(each.what, each.rows))
            if each.what in WITH_CLIPS:
                arrays |= model.show_clips(each.rows, pictures=pictures)
            names = ", ".join(sanitize(model.tracklets[row].name) for row in each.rows[:3])
            what = (
                f"{each.title}, of {names}" if len(each.rows) <= 3 else f"{each.title}, of {len(each.rows)} tracklets"
            )
            drawn.append(
                BoardFigure(f"paper-{number}", each.title, each.caption, what, draw_inspection(each.what, arrays))
            )
            progress.update()
    return drawn


def plan_papers(model: RunModel, found: Sequence[Retrieval]) -> list[PaperFigure]:
    """Every figure that the model offers, for the best, the median and the worst of the shown queries."""
    offers = model.offers
    return [each for each in _list_all(model, found) if each.what in offers]


def _list_all(model: RunModel, found: Sequence[Retrieval]) -> Iterator[PaperFigure]:
    chosen = {each.kind: each for each in reversed(found)}  # the first of each kind
    yield PaperFigure(
        "Map of embeddings",
        f"The {MAPPED} people with the most test tracklets, each with all of them: near points are similar tracklets.",
        EMBEDDINGS,
        choose_mapped(model),
    )
    for kind, each in sorted(chosen.items()):
        who = f"of the {kind} query"
        yield PaperFigure(
            f"Clip weights {who}", "The weight of each clip along the tracklet.", "clip-weights", (each.row,)
        )
        yield PaperFigure(
            f"Frame attention {who}", "The weight of each frame within its clip.", "frame-attention", (each.row,)
        )
    for kind, each in sorted(chosen.items()):
        if kind != "median":
            who = f"of the {kind} query"
            yield PaperFigure(
                f"Part maps {who}", "How much each place belongs to each body part.", "part-maps", (each.row,)
            )
    for kind, each in sorted(chosen.items()):
        pairs = [("right", "right match"), ("wrong", "wrong match")]
        for role, words in pairs if kind == "median" else ():
            row = next((item.row for item in each.items if item.role == role), None)
            if row is not None:
                yield PaperFigure(
                    f"Clip pairs of the {kind} query and its first {words}",
                    "Similarity and importance of each pair of clips.",
                    "pairs",
                    (each.row, row),
                )
    for kind, each in sorted(chosen.items()):
        if kind == "best":
            yield PaperFigure("Layer responses", "What each layer returns, best query.", "responses", (each.row,))
            if model.corruption is not None:
                yield PaperFigure("Frames, clean and spoiled", "As the protocol spoils them.", "pixels", (each.row,))


def choose_mapped(model: RunModel) -> tuple[int, ...]:
    """The rows of the people with the most test tracklets, in order of the test."""
    numbers = Counter(each.pid for each in model.tracklets if each.pid > 0)
    people = {pid for pid, _ in sorted(numbers.items(), key=lambda each: (-each[1], each[0]))[:MAPPED]}
    return tuple(row for row, each in enumerate(model.tracklets) if each.pid in people)
