"""Ten random halves of the people whom MARS trains on (3D PersonVLAD, Table IV): one trains, the other tests."""

from __future__ import annotations

from dataclasses import replace

from vreid_bench import Protocol, Selection, Split, person_ids
from vreid_plugins.datasets.half_splits import SPLITS, draw_halves

VARIANTS = ("published", "halves")


def divide_halves(split: Split) -> tuple[Split, ...]:
    """Ten splits of the training part of MARS; its test part is in none of them."""
    return tuple(split.hold_out(set(tested)) for tested, _ in draw_halves(person_ids(split.train)).halves)


def validate_on_halves(mars: Protocol) -> Protocol:
    """`mars-half`: the validation of Table IV.

    The paper says that a random half of "the training data" trains and the other half validates. Half of the people is
    meant: if both halves showed the same people, no other person would be searched for. A descriptor of a random
    tracklet searches among those of all tracklets of each person, which the paper takes "in all experiments". It does
    not say how often it draws halves; here ten times, as for iLIDS-VID and PRID2011.
    """
    return replace(
        mars,
        name="mars-half",
        version="2",
        variant=VARIANTS[1],
        headline="cameras-ignored",
        conventions=("cameras-ignored",),
        summary="Train on a random half of the training identities of MARS, test on the other half; ten draws. A "
        "tracklet drawn at random searches among the means of all tracklets of each person. No camera is left out.",
        source="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019, Table IV and section IV-B",
        test=Selection(pairs=(("random", "all"),)),
        counts={"train identities": 313, "splits": SPLITS},
    )
