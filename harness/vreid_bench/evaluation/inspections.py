"""What `vreid-bench inspect` can show of a run: the numbers behind the figures of papers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

# "any tracklets": none means all of the test; "any queries": none means some of the test
Takes = Literal["nothing", "any tracklets", "tracklets", "a pair", "any queries"]


class Inspection(NamedTuple):
    """One kind of numbers, and the tracklets for which they are computed."""

    takes: Takes
    summary: str
    beside: tuple[str, ...] = ()  # other inspections of the same clips, whose arrays its figure shows as well


INSPECTIONS: Mapping[str, Inspection] = {
    "cmc": Inspection("nothing", "CMC curves, of each split and averaged over the splits"),
    "validation": Inspection("nothing", "mAP and R1 during training, on people held out of it (--validate)"),
    "embeddings": Inspection("any tracklets", "one vector for each tracklet, of all test tracklets without --query"),
    "clip-embeddings": Inspection("tracklets", "one vector for each clip, before the matcher"),
    "frame-embeddings": Inspection("tracklets", "one vector for each frame: the mean over the places of its maps"),
    "clip-weights": Inspection("tracklets", "the weight of each clip along its tracklet", ("pixels", "visibility")),
    "frame-attention": Inspection("tracklets", "the weight of each frame within its clip", ("pixels", "visibility")),
    "part-maps": Inspection("tracklets", "how much each place belongs to each body part", ("pixels",)),
    "responses": Inspection("tracklets", "what each layer of the encoder returns", ("pixels",)),
    "saliency": Inspection(
        "a pair", "where each clip is like the other tracklet: Grad-CAM of a similarity", ("pixels",)
    ),
    "pixels": Inspection("tracklets", "the frames of each clip, and the spoiled ones under a protocol with corruption"),
    "visibility": Inspection("tracklets", "how much of the person each frame shows; rendered data only", ("pixels",)),
    "pairs": Inspection("a pair", "similarity and importance of each pair of clips of two tracklets", ("pixels",)),
    "pair-scores": Inspection("any queries", "the same of many tracklets: matches, and as many others"),
}
