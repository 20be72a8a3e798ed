"""Transfer between data sets as papers report it; the name `A-to-B` works for any other two.

The folds are those of the target. Papers do not say how they fine-tune. Here the method's own recipe is repeated from
the trained weights, at a tenth of its learning rates.
"""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench import Protocol, hookimpl

VLAD = "Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019, Table VI"
ICA = "Isobe et al., Intra-Clip Aggregation for Video Person Re-identification, ICIP 2020, Table 4"
MARS = {"train identities": 625, "train tracklets": 8298}
ILIDS = {"queries": 150, "gallery": 150, "splits": 10}
PRID = {"queries": 89, "gallery": 89, "splits": 10}
PAIRS = (
    ("mars", "", "ilids-vid", 0.0, VLAD, MARS | ILIDS),
    ("mars", "", "ilids-vid", 0.1, VLAD, MARS | ILIDS),
    ("mars", "", "prid2011", 0.0, VLAD, MARS | PRID),
    ("mars", "", "prid2011", 0.1, VLAD, MARS | PRID),
    ("ilids-vid", "wang14", "prid2011", 0.0, ICA, {"train identities": 150, "train tracklets": 300} | PRID),
)


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`mars-to-ilids-vid` and `mars-to-prid2011`, direct and fine-tuned, and `ilids-vid-to-prid2011`."""
    found = {}
    for first, variant, second, tuned, source, counts in PAIRS:
        name = f"{first}-to-{second}{'-fine-tuned' if tuned else ''}"
        going_on = f", go on with each training half of {second} at a tenth of the rates" if tuned else ""
        found[name] = Protocol(
            name=name,
            version="1",
            dataset=first,
            variant=variant,
            target=second,
            target_variant="wang14",
            fine_tune=tuned,
            headline="one-camera-each",
            conventions=("one-camera-each",),
            summary=f"Train on {first}{going_on}; test on the ten splits of {second}.",
            source=source,
            counts=counts,
        )
    return found
