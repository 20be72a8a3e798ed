"""What is known of AG-VPReID, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# People were counted in the tables of attributes that go with the copy of the challenge of 2025 (repository
# hieunguyen7337/AG-VPReID). The paper's full set has 6,632 people, 32,321 tracklets and 9.6 million frames; how many of
# them each part has is not known.
PUBLISHED: Mapping[str, Known] = {
    "cameras": 6,
    "train identities": 689,
    "case1 query identities": 645,
    "case1 gallery identities": 645,
    "case2 query identities": 645,
    "case2 gallery identities": 1309,
}
DESCRIPTION = DatasetDescription(
    title="AG-VPReID",
    licence="not stated beside its code; research, on request or by the rules of the challenge",
    access="a form, or the challenge agvpreid25 on Kaggle, both linked from the repository agvpreid25/AG-VPReID; in "
    "the copy of the challenge the test identities are masked",
    citation="Nguyen et al., AG-VPReID: A Challenging Large-Scale Benchmark for Aerial-Ground Video-based Person "
    "Re-Identification, CVPR 2025",
    counts=PUBLISHED,
    uncertain=tuple(PUBLISHED),  # of the copy with the true identities, none is published
)
