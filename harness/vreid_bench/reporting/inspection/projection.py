"""Maps of embeddings in two dimensions by t-SNE (Li et al. 2020, Fig. 5, and Isobe et al. 2020, Fig. 3)."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from vreid_bench.contracts.people import DISTRACTOR
from vreid_bench.reporting.inspection.canvas import Arrays, clean
from vreid_bench.reporting.page.figures import WIDTH
from vreid_bench.reporting.page.marks import MARKERS
from vreid_bench.reporting.page.svg import GRID, MUTED, SERIES
from vreid_bench.system.counting import count
from vreid_bench.system.errors import InputError

PEOPLE = 10  # that are told apart, as in 002; the others are grey
PERPLEXITY, SEED = 30.0, 0


class Projection(NamedTuple):
    """Points in two dimensions, and the perplexity that they were made with."""

    points: NDArray[Any]  # [X, 2]
    perplexity: float


def draw_embeddings(arrays: Arrays) -> Figure:
    """One point for each tracklet, clip or frame; people differ in colour and marker."""
    embedding, unit = arrays["embedding"], "tracklet"
    pids, person = arrays["pid"], arrays["person"]  # [N]
    owner = np.arange(len(pids))
    if "counts" in arrays:
        owner, unit = np.repeat(owner, arrays["counts"]), "clip"
    if embedding.ndim == 3:  # [S, t, D] of frames
        owner, unit = np.repeat(owner, embedding.shape[1]), "frame"
        embedding = embedding.reshape(-1, embedding.shape[2])
    points, perplexity = project(embedding)
    figure = Figure(figsize=(WIDTH, 4.6))
    axes = figure.subplots()
    chosen = choose_people(pids[owner])
    others = ~np.isin(pids[owner], chosen)
    if others.any():
        axes.plot(*points[others].T, ".", color=GRID, markersize=2.5, label="others", zorder=1)
    for number, pid in enumerate(chosen):
        mine = pids[owner] == pid
        colour, marker = SERIES[number % len(SERIES)], MARKERS[(number + number // len(SERIES)) % len(MARKERS)]
        style: dict[str, Any] = {"markeredgecolor": "white", "markeredgewidth": 0.4, "markersize": 6}
        label = f"{clean(str(person[pids == pid][0]))} ({mine.sum()})"
        axes.plot(*points[mine].T, marker, color=colour, label=label, zorder=2, **style)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_aspect("equal", adjustable="datalim")
    people = len(np.unique(pids[pids > DISTRACTOR]))
    shown = f"{count(len(points), unit)}, {count(people, 'person', 'people')}"
    axes.set_xlabel(
        f"t-SNE of {shown}, perplexity {perplexity:g}, seed {SEED}",
        fontsize=8,
        color=MUTED,
    )
    title = f"person ({unit}s)"
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, title=title, title_fontsize=8)
    return figure


def choose_people(pids: NDArray[Any]) -> list[int]:
    """The people with the most points, at most PEOPLE of them, in order of their number."""
    known, counts = np.unique(pids[pids > DISTRACTOR], return_counts=True)
    return sorted(int(pid) for pid in known[np.argsort(-counts, kind="stable")][:PEOPLE])


def project(vectors: NDArray[Any]) -> Projection:
    """Vectors [X, E] in two dimensions. Raises InputError without scikit-learn, and for fewer than four vectors.

    The perplexity is 30, or a third of the number of the others if they are few.
    """
    try:
        from sklearn.manifold import TSNE
    except ImportError as missing:
        raise InputError(
            "a map of embeddings needs scikit-learn; install it with pip install 'vreid-bench[figures]', or name an "
            ".npz file in --out"
        ) from missing
    if len(vectors) < 4:
        raise InputError(
            f"a map of embeddings: found {count(len(vectors), 'vector')}, expected 4 or more; name more tracklets"
        )
    perplexity = min(PERPLEXITY, (len(vectors) - 1) / 3)
    made = TSNE(perplexity=perplexity, init="pca", random_state=SEED, method="barnes_hut", n_jobs=1)
    return Projection(made.fit_transform(vectors.astype(np.float64)), round(perplexity, 1))
