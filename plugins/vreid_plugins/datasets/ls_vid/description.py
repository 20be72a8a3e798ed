"""What is known of LS-VID, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription

# Li et al., ICCV 2019, table 1 and section 5.1; the validation part is what its tables leave over
PUBLISHED = {
    "cameras": 15,
    "train tracklets": 2831,
    "train identities": 842,
    "train frames": 550419,
    "val tracklets": 779,
    "val identities": 200,
    "val frames": 155191,
    "test tracklets": 11333,
    "test identities": 2730,
    "test frames": 2277075,
    "queries": 3504,
    "frames on disk": 2982685,
}

DESCRIPTION = DatasetDescription(
    title="LS-VID",
    licence="a signed agreement: non-profit research, not to be passed on",
    access="from its authors, after the agreement is signed",
    citation="Li et al., Global-Local Temporal Representations for Video Person Re-Identification, ICCV 2019",
    counts=PUBLISHED,
)
