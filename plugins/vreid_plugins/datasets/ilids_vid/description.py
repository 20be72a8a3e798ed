"""What is known of iLIDS-VID, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription

# Wang et al. 2014 and the page of the data set
PUBLISHED = {
    "cameras": 2,
    "persons of camera 1": 300,
    "persons of camera 2": 300,
    "persons in both cameras": 300,
    "tracklets": 600,
    "shortest tracklet": 23,
    "longest tracklet": 192,
    "split files": 1,
    "splits": 10,
    "train identities of a split": 150,
    "test identities of a split": 150,
    "queries of a split": 150,
}

DESCRIPTION = DatasetDescription(
    title="iLIDS-VID",
    licence="none found; it comes from the i-LIDS data of the UK Home Office, which is under a user agreement",
    access="free download from its page; the first address is gone",
    citation="Wang et al., Person Re-Identification by Video Ranking, ECCV 2014",
    counts=PUBLISHED,
)
