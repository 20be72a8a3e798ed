"""What is known of DukeMTMC-VideoReID, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription

# Wu et al., CVPR 2018, and the readme of Yu-Wu/DukeMTMC-VideoReID
PUBLISHED = {
    "cameras": 8,
    "train tracklets": 2196,
    "train identities": 702,
    "train frames": 369656,
    "query tracklets": 702,
    "query identities": 702,
    "gallery tracklets": 2636,
    "gallery identities": 1110,
    "gallery frames": 445764,
    "identities of the gallery alone": 408,
    "queries without a match": 0,
}

WITHDRAWN = (
    "DukeMTMC, which this data is taken from, was withdrawn by its authors in 2019: people were recorded outdoors and "
    "the recordings offered to everybody for download, which the university's review board had not approved."
)

DESCRIPTION = DatasetDescription(
    title="DukeMTMC-VideoReID",
    licence="CC BY-NC-SA 4.0, until it was withdrawn",
    access="none since 2019: withdrawn, and not offered by its authors any more",
    citation="Wu et al., Exploit the Unknown Gradually: One-Shot Video-Based Person Re-Identification by Stepwise "
    "Learning, CVPR 2018",
    counts=PUBLISHED,
    withdrawn=WITHDRAWN,
)
