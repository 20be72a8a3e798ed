"""What is known of VCCR, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# The table in the readme of dustin-nguyen-qil/VCCReID-Baseline, which says "2~10" clothes of a person. It does not say
# whether the tracklets are counted before or after the short ones of the test are dropped.
PUBLISHED: Mapping[str, Known] = {
    "identities": 392,
    "tracklets": 4384,
    "fewest outfits of a person": 2,
    "most outfits of a person": 10,
}
DESCRIPTION = DatasetDescription(
    title="VCCR",
    licence="none was found",
    access="on request from its authors; a copy is linked from the readme of dustin-nguyen-qil/VCCReID-Baseline",
    citation="Han et al., 3D Shape Temporal Aggregation for Video-Based Clothing-Change Person Re-Identification, "
    "ACCV 2022",
    counts=PUBLISHED,
    uncertain=("tracklets", "fewest outfits of a person", "most outfits of a person"),
)
