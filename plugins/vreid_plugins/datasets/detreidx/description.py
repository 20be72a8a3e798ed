"""What is known of DetReIDX, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# The challenge VReID-XFD prints the number of people and of tracklets, and 11.75 million frames; the whole set has 509
# people. Whether a tracklet that is in two cases counts twice is not said.
PUBLISHED: Mapping[str, Known] = {"cameras": 3, "identities": (371, 509), "tracklets": 11288}
DESCRIPTION = DatasetDescription(
    title="DetReIDX",
    licence="not stated beside its code; research, by the form of its site",
    access="a form at its site, linked from the repository kailashhambarde/DetReIDX, or the challenge VReID-XFD, whose "
    "copy is anonymized",
    citation="Hambarde et al., DetReIDX: A Stress-Test Dataset for Real-World UAV-Based Person Recognition, IEEE TBIOM "
    "2025",
    counts=PUBLISHED,
    uncertain=tuple(PUBLISHED),
)
