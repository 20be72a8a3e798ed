"""The figure of each inspection of a run, as the papers draw it, from the arrays that docs/inspect.md describes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from matplotlib.figure import Figure

from vreid_bench.reporting.inspection import curves, maps, pairs, projection, weights
from vreid_bench.reporting.inspection.canvas import Arrays
from vreid_bench.reporting.page.svg import drawing
from vreid_bench.system.errors import InputError

DRAW: Mapping[str, Callable[[Arrays], Figure]] = {
    "cmc": curves.draw_cmc,
    "validation": curves.draw_validations,
    "embeddings": projection.draw_embeddings,
    "clip-embeddings": projection.draw_embeddings,
    "frame-embeddings": projection.draw_embeddings,
    "clip-weights": weights.draw_clip_weights,
    "frame-attention": weights.draw_attention,
    "part-maps": maps.draw_part_maps,
    "responses": maps.draw_responses,
    "saliency": maps.draw_saliency,
    "pixels": maps.draw_pixels,
    "visibility": weights.draw_visibility,
    "pairs": pairs.draw_pairs,
    "pair-scores": pairs.draw_pair_scores,
}


def draw_inspection(what: str, arrays: Arrays) -> Figure:
    """The figure of an inspection, in the style of this project; `save_figure` and `embed_figure` take it.

    arrays: those of `inspect_run` for `what`. Where they also hold `pixels` [S, T, H, W, 3] or `visibility` [S, T] of
    the same clips (`InspectionRequest.figure`), the figure shows them. Raises InputError for an inspection that has no
    figure, and for embeddings without scikit-learn.
    """
    if what not in DRAW:
        raise InputError(f"{what}: is drawn by no figure; expected one of {', '.join(DRAW)}")
    with drawing():
        return DRAW[what](arrays)
