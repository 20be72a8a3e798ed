"""What is known of PRID2011, and its published counts."""

from __future__ import annotations

from vreid_bench import DatasetDescription
from vreid_plugins.datasets.prid2011.index import ELIGIBLE, PERSONS, PRINTED, SHARED

# Hirzer et al. 2011 and the page of the data set; the persons by frames are those that person-reid-lib asserts
PUBLISHED = {
    "cameras": 2,
    "persons of camera 1": PERSONS[0],
    "persons of camera 2": PERSONS[1],
    "persons in both cameras": SHARED,
    f"persons of {PRINTED} frames or more in both": 183,
    f"persons of {ELIGIBLE} frames or more in both": 178,
    "splits": 10,
    "train identities of a split": 89,
    "test identities of a split": 89,
    "queries of a split": 89,
}

DESCRIPTION = DatasetDescription(
    title="PRID2011",
    licence="none found; its page offers it for research and asks for a citation",
    access="free download from its page",
    citation="Hirzer et al., Person Re-Identification by Descriptive and Discriminative Classification, SCIA 2011",
    counts=PUBLISHED,
)
