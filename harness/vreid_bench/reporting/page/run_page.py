"""The page of a run: one self-contained HTML file, the same bytes for the same run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_bench.reporting.page.document import embed, render_template
from vreid_bench.reporting.page.paper_figures import DrawnPapers, RunModel, draw_papers
from vreid_bench.reporting.page.retrievals import Retrieval, choose_queries, rank_vectors, retrieve
from vreid_bench.reporting.page.run_data import RunData, read_run
from vreid_bench.reporting.page.run_figures import draw_run
from vreid_bench.reporting.page.run_frames import FrameFolder, open_frames
from vreid_bench.reporting.page.run_view import view_run
from vreid_bench.reporting.page.strips import ShownQuery, show_retrievals
from vreid_bench.reporting.page.svg import drawing
from vreid_bench.reporting.page.training_figures import draw_training
from vreid_bench.scoring.ranked_test import RankedTest

NEEDS_MODEL = (
    "The files of this run do not tell the order of the gallery, which its model has to compute again: leave "
    "--no-figures out to have it listed."
)
SEVERAL = "What has no picture stands for several tracklets."
NO_TRACKLETS = "The protocol ranks something else than the tracklets of the data, so none of them is looked at here."
FILE = "The weights of this run are those of a file, which it only tested, so its model cannot be built from the run."


@dataclass(frozen=True)
class RunPageRequest:
    """The options of the command line."""

    run: Path  # folder or id
    runs: Path
    images: bool | None = None  # None: of a synthetic twin alone
    data: Path | None = None  # None: where the run had it
    accept_withdrawn: tuple[str, ...] = ()
    quiet: bool = False


@dataclass(frozen=True)
class Retrievals:
    """The ranked retrievals of a page, or why it has none."""

    shown: Sequence[ShownQuery]
    why: str
    where: str  # of which ranking they are, if there are several, and what else has to be known of them


def write_run_page(request: RunPageRequest, open_model: Callable[[Path], RunModel] | None = None) -> tuple[str, bytes]:
    """The file name of the page of a run, and its content.

    open_model: opens the model of the run in a folder; None: no model may compute. Raises InputError for a run without
    scores, for data that is gone or has changed where frames are to be shown, and as `open_model` does.
    """
    run = read_run(request.run, request.runs)
    images = run.record.dataset.source == "synthetic" if request.images is None else request.images
    frames = open_frames(run, request.data, request.accept_withdrawn, request.quiet) if images else None
    test, model, missing = rank_vectors(run), None, ""
    if run.record.weights.origin == "file":
        missing = FILE
    elif open_model is not None:
        model = open_model(run.folder.path)
        test = test or model.rank()
    elif test is None:
        missing = NEEDS_MODEL
    return f"{run.name}.html", render_run(run, test, frames, model, missing)


def render_run(
    run: RunData, test: RankedTest | None, frames: FrameFolder | None, model: RunModel | None, missing: str = ""
) -> bytes:
    """The page of a run.

    test: its first ranking, None where it is not known; frames: of its data, None for a page without pictures; model:
        what draws the figures of the papers; missing: why there is no ranking or no model.
    """
    found: list[Retrieval] = retrieve(run, test, choose_queries(run)) if test else []
    shown = show_retrievals(found, test, frames) if test else []
    with drawing():
        figures = [embed(figure) for figure in draw_run(run)]
        training = [embed(figure) for figure in draw_training(run)]
        drawn = draw_papers(model, found, pictures=frames is not None) if model else DrawnPapers([], [])
        papers = [embed(figure) for figure in drawn.figures]
    return render_template(
        "run.html",
        view=view_run(run),
        figures=figures,
        training=training,
        papers=papers,
        no_papers=_explain_papers(run, model),
        left_out=drawn.left_out,
        retrievals=Retrievals(shown, "" if shown else missing, " ".join(_explain_shown(run, shown))),
        # a map can be stored as a picture, too
        pictured=frames is not None or any("data:image" in figure.svg for figure in papers),
    )


def _explain_papers(run: RunData, model: RunModel | None) -> str:
    """Why there is no figure of a paper; empty where there are, and where none is asked for."""
    if run.record.weights.origin == "file":
        return FILE
    return "" if model is None or model.tracklets else NO_TRACKLETS


def _explain_shown(run: RunData, shown: Sequence[ShownQuery]) -> Iterator[str]:
    """Of which ranking the retrievals are, if there are several, and what an item without a picture is."""
    if run.rankings > 1:
        parts = [f"split {run.folds[0]}"] if run.record.splits else []
        parts += [f"condition {run.condition}"] if run.condition else []
        yield f"They are of the first of {run.rankings} rankings" + (f", {', '.join(parts)}." if parts else ".")
    if any(query.pictures and any(item.picture is None for item in query.items) for query in shown):
        yield SEVERAL
