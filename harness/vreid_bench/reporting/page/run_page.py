"""The page of a run: one self-contained HTML file, the same bytes for the same run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from vreid_bench.reporting.page.document import EmbeddedFigure, embed, render_template
from vreid_bench.reporting.page.retrievals import RankedTest, Retrieval, choose_queries, rank_vectors, retrieve
from vreid_bench.reporting.page.run_data import RunData, read_run
from vreid_bench.reporting.page.run_figures import draw_run
from vreid_bench.reporting.page.run_frames import TestFrames, open_frames
from vreid_bench.reporting.page.run_view import view_run
from vreid_bench.reporting.page.strips import ShownQuery, show_retrievals
from vreid_bench.reporting.page.svg import drawing
from vreid_bench.reporting.page.training_figures import draw_training

if TYPE_CHECKING:  # torch, which a page without figures of the papers does not need
    from vreid_bench.reporting.page.run_model import RunModel

NEEDS_MATCHER = (
    "The ranks of this run come from its matcher, which needs its weights: leave --no-figures out to have them listed."
)
FILE = "The weights of this run are those of a file, which it only tested, so its model cannot be built from the run."


@dataclass(frozen=True)
class RunPageRequest:
    """The options of the command line."""

    run: Path  # folder or id
    runs: Path
    images: bool | None = None  # None: of a synthetic twin alone
    figures: bool = True  # of the papers, by the model of the run
    data: Path | None = None  # None: where the run had it
    accept_withdrawn: tuple[str, ...] = ()
    device: str = "auto"
    threads: int | None = None
    quiet: bool = False


@dataclass(frozen=True)
class Retrievals:
    """The ranked retrievals of a page, or why it has none."""

    shown: Sequence[ShownQuery]
    why: str
    where: str  # of which ranking they are, if there are several


def write_run_page(request: RunPageRequest) -> tuple[str, bytes]:
    """The file name of the page of a run, and its content.

    Raises InputError for a run without scores, for data that is gone or has changed where frames are to be shown, and
    for a model that can no longer be built where figures are to be drawn by it.
    """
    run = read_run(request.run, request.runs)
    images = run.record.dataset.source == "synthetic" if request.images is None else request.images
    frames = open_frames(run, request.data, request.accept_withdrawn, request.quiet) if images else None
    test, model, missing = rank_vectors(run), None, ""
    if not request.figures:
        missing = "" if test else NEEDS_MATCHER
    elif run.record.weights.origin == "file":
        missing = FILE
    else:
        from vreid_bench.reporting.page.run_model import open_model

        model = open_model(run, request)
        test = test or model.rank()
    return f"{run.name}.html", render_run(run, test, frames, model, missing)


def render_run(
    run: RunData, test: RankedTest | None, frames: TestFrames | None, model: RunModel | None, missing: str = ""
) -> bytes:
    """The page of a run.

    test: its first ranking, None where it is not known; frames: of its data, None for a page without pictures; model:
        draws the figures of the papers; missing: why there is no ranking or no model.
    """
    found: list[Retrieval] = retrieve(run, test, choose_queries(run)) if test else []
    shown = show_retrievals(found, test, frames) if test else []
    with drawing():
        figures = [embed(figure) for figure in draw_run(run)]
        training = [embed(figure) for figure in draw_training(run)]
        papers: list[EmbeddedFigure] = []
        if model is not None and find_spec("vreid_bench.reporting.inspection_figures"):
            from vreid_bench.reporting.page.paper_figures import draw_papers

            papers = [embed(figure) for figure in draw_papers(model, found, pictures=frames is not None)]
    pictured = frames is not None or any(Markup("data:image") in figure.svg for figure in papers)
    return render_template(
        "run.html",
        view=view_run(run),
        figures=figures,
        training=training,
        papers=papers,
        retrievals=Retrievals(shown, "" if shown else missing, _say_where(run)),
        missing=missing,
        pictured=pictured,
    )


def _say_where(run: RunData) -> str:
    """Of which ranking the retrievals are; empty where there is one."""
    if run.rankings == 1:
        return ""
    parts = [f"split {run.folds[0]}"] if run.record.splits else []
    parts += [f"condition {run.condition}"] if run.condition else []
    return f"They are of the first of {run.rankings} rankings" + (f", {', '.join(parts)}." if parts else ".")
