"""What is known of P-DESTRE, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription

# None of them was seen on a copy. Splits: the published loader has five, the paper averages ten. Numbers of people and
# tracklets: the tables of later aerial data sets; the paper has 269 people in all its tasks. Sequences: 75 videos, each
# with a text of annotation.
PUBLISHED = {"splits": 5, "sequences": 75, "numbers of people": 253, "tracklets": 1894}
DESCRIPTION = DatasetDescription(
    title="P-DESTRE",
    licence="not read at its publisher; others who show its frames name CC BY-NC-SA 4.0",
    access="by a form on its page: the crops of people and the lists of the divisions are archives of their own",
    citation="Kumar et al., The P-DESTRE: A Fully Annotated Dataset for Pedestrian Detection, Tracking, "
    "Re-Identification and Search from Aerial Devices, 2020 (arXiv 2004.02782)",
    counts=PUBLISHED,
    uncertain=tuple(PUBLISHED),
)
