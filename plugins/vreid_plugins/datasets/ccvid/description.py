"""What is known of CCVID, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription

# Gu et al., CVPR 2022, section 4; frames, outfits and sessions were counted on the published data by others
PUBLISHED = {
    "cameras": 24,
    "train tracklets": 948,
    "train identities": 75,
    "train frames": 118613,
    "train outfits": 159,
    "query tracklets": 834,
    "query identities": 151,
    "query frames": 116799,
    "gallery tracklets": 1074,
    "gallery identities": 151,
    "gallery frames": 112421,
    "test outfits": 321,
    "tracklets of session1": 1764,
    "tracklets of session2": 948,
    "tracklets of session3": 144,
    "frames on disk": 347833,
}

DESCRIPTION = DatasetDescription(
    title="CCVID",
    licence="CC BY-NC-SA 4.0; its readme asks to make faces unrecognisable wherever frames are shown",
    access="free download, linked from the repository guxinqian/Simple-CCReID",
    citation="Gu et al., Clothes-Changing Person Re-identification with RGB Modality Only, CVPR 2022",
    counts=PUBLISHED,
)
