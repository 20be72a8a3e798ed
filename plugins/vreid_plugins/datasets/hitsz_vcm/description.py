"""What is known of HITSZ-VCM, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# Lin et al., CVPR 2022, print 927 people, 21,863 tracklets, 463,259 frames and 12 cameras. The parts are what the code
# of workingcoder/M3-ReID (data/manager.py) notes of its copy; they add up to these sums.
PUBLISHED: Mapping[str, Known] = {
    "cameras": 12,
    "train tracklets": 11061,
    "train identities": 500,
    "train frames": 232496,
    "test tracklets": 10802,
    "test identities": 427,
    "test frames": 230763,
    "queries": 5159,
    "gallery": 5643,
    "train tracklets of 12 frames or more": 9751,
    "queries of 12 frames or more": 4584,
    "gallery of 12 frames or more": 5099,
    "frames on disk": 463259,
}
DESCRIPTION = DatasetDescription(
    title="HITSZ-VCM",
    licence="academic use only, not to be passed on; weights trained on it for non-commercial use only",
    access="free download, linked from the repository VCM-project233/HITSZ-VCM-data",
    citation="Lin et al., Learning Modal-Invariant and Temporal-Memory for Video-Based Visible-Infrared Person "
    "Re-Identification, CVPR 2022",
    counts=PUBLISHED,
    uncertain=("cameras", "train identities", "test identities"),
)
