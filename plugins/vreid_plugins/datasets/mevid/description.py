"""What is known of MEVID, and its published counts."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import DatasetDescription, Known

# Davila et al., WACV 2023, and the readme of Kitware/MEVID. The lists beside its code have one tracklet fewer in each
# part, and one person and one outfit fewer in the test part. Queries and gallery are the paper's, which no file of the
# repository repeats.
PUBLISHED: Mapping[str, Known] = {
    "cameras": 33,
    "train tracklets": (6338, 6337),
    "train identities": 104,
    "train outfits": 485,
    "test tracklets": (1754, 1753),
    "test identities": (54, 53),
    "test outfits": (113, 112),
    "queries": 316,
    "gallery": (1438, 1437),
}
DESCRIPTION = DatasetDescription(
    title="MEVID",
    licence="CC BY 4.0, as the MEVA recordings that it is taken from",
    access="free download, linked from the repository Kitware/MEVID",
    citation="Davila et al., MEVID: Multi-view Extended Videos with Identities for Video Person Re-Identification, "
    "WACV 2023",
    counts=PUBLISHED,
    uncertain=("cameras", "queries", "gallery"),
)
