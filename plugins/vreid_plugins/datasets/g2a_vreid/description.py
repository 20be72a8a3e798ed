"""What is known of G2A-VReID, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# the readme of FHR-L/G2A-VReID: the first version, then the second, of which only a rounded number of frames is printed
PUBLISHED: Mapping[str, Known] = {
    "cameras": 2,
    "identities": (2788, 5605),
    "tracklets": (5576, 11282),
    "frames": 185907,
}
DESCRIPTION = DatasetDescription(
    title="G2A-VReID",
    licence="an agreement: non-profit research, not to be passed on; faces are covered by grey "
    "mosaics (RGB 96, 96, 96)",
    access="from its authors, after the agreement is signed (repository FHR-L/G2A-VReID)",
    citation="Zhang et al., Cross-Platform Video Person ReID: A New Benchmark Dataset and Adaptation Approach, "
    "ECCV 2024",
    counts=PUBLISHED,
    uncertain=("frames",),
)
