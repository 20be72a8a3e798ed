"""What is known of MARS, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription

# counted on the published index files; Zheng et al., ECCV 2016, report the same tracklets and identities
PUBLISHED = {
    "cameras": 6,
    "train tracklets": 8298,
    "train identities": 625,
    "train frames": 509914,
    "train frames on disk": 509914,
    "shortest train tracklet": 5,
    "longest train tracklet": 900,
    "test tracklets": 12180,
    "test identities": 634,
    "test frames": 681089,
    "test frames on disk": 681089,
    "shortest test tracklet": 2,
    "longest test tracklet": 920,
    "junk": 870,
    "distractors": 3248,
    "queries": 1980,
    "query identities": 626,
    "queries of camera 1": 524,
    "queries of camera 2": 456,
    "queries of camera 3": 319,
    "queries of camera 4": 191,
    "queries of camera 5": 384,
    "queries of camera 6": 106,
    "gallery with queries, without junk": 11310,
    "gallery without queries, without junk": 9330,
    "queries without a match, queries in the gallery": 0,
    "queries without a match, queries out of the gallery": 140,
}

DESCRIPTION = DatasetDescription(
    title="MARS",
    licence="none stated on its page; treat it as for non-commercial research, not to be passed on",
    access="free download of the image archives; its first host is gone. Index files: repository liangzheng06/MARS- "
    "evaluation",
    citation="Zheng et al., MARS: A Video Benchmark for Large-Scale Person Re-Identification, ECCV 2016",
    counts=PUBLISHED,
)
