"""What is known of BUPTCampus, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# The readme and the code of dyhBUPT/BUPTCampus give all identities and those of the training part. Others counted the
# rest on the published data (workingcoder/M3-ReID, data/manager.py), a training row as the two tracklets that it names.
PUBLISHED: Mapping[str, Known] = {
    "cameras": 6,
    "identities": 3080,
    "train tracklets": 7148,
    "train identities": 1074,
    "train frames": 796138,
    "auxiliary tracklets": 1860,
    "auxiliary identities": 930,
    "auxiliary frames": 209150,
    "query tracklets": 1076,
    "query identities": 1076,
    "query frames": 101938,
    "gallery tracklets": 4844,
    "gallery identities": 1076,
    "gallery frames": 597542,
    "RGB queries": 540,
    "IR queries": 536,
    "RGB gallery tracklets": 2422,
    "IR gallery tracklets": 2422,
}
DESCRIPTION = DatasetDescription(
    title="BUPTCampus",
    licence="for academic use alone, neither for commercial use nor to be passed on, and to be cited (its readme)",
    access="a download that its readme links (repository dyhBUPT/BUPTCampus)",
    citation="Du et al., Video-based Visible-Infrared Person Re-Identification with Auxiliary Samples, IEEE TIFS 2023",
    counts=PUBLISHED,
    uncertain=("train frames", "auxiliary frames", "query frames", "gallery frames"),
)
