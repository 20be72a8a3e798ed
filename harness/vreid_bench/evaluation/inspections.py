"""What `vreid-bench inspect` can show of a run: the numbers behind the figures of papers, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

Takes = Literal["nothing", "any tracklets", "tracklets", "a pair"]  # "any tracklets": none means all of the test


class Inspection(NamedTuple):
    """One kind of numbers, and the tracklets for which they are computed."""

    takes: Takes
    summary: str


INSPECTIONS: Mapping[str, Inspection] = {
    "cmc": Inspection("nothing", "CMC curves, of each split and averaged over the splits"),
    "validation": Inspection("nothing", "mAP and R1 during training, on people held out of it (--validate)"),
    "embeddings": Inspection("any tracklets", "one vector for each tracklet, of all test tracklets without --query"),
    "clip-embeddings": Inspection("tracklets", "one vector for each clip, before the matcher"),
    "frame-embeddings": Inspection("tracklets", "one vector for each frame: the mean over the places of its maps"),
    "clip-weights": Inspection("tracklets", "the weight of each clip along its tracklet"),
    "frame-attention": Inspection("tracklets", "the weight of each frame within its clip"),
    "part-maps": Inspection("tracklets", "how much each place belongs to each body part"),
    "responses": Inspection("tracklets", "what each layer of the encoder returns"),
    "pixels": Inspection("tracklets", "the frames of each clip, and the spoiled ones under a protocol with corruption"),
    "pairs": Inspection("a pair", "similarity and importance of each pair of clips of two tracklets"),
}
