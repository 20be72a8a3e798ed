"""Records with scores by person, and claims about them."""

import json

import numpy as np
from places import GOLDEN

from vreid_bench.records.record import Record
from vreid_bench.reporting.claims import Claim, Side
from vreid_bench.system.fingerprint import sha256

HEAD = "queries-in-gallery"
PEOPLE = 12


def describe_people(score, people=PEOPLE, queries=2):
    """One split in which every query of a person has the AP `score`, a number or one for each person; no hits."""
    scores = np.broadcast_to(score, people)
    return {"queries": [queries] * people, "AP": (queries * scores).tolist(), "R1": [0] * people}


def summarize(people, interval=(0.0, 1.0)):
    """The scores over splits of people: mAP and R1 are those of the people, the rest is of no matter."""
    each = [
        {
            "mAP": sum(split["AP"]) / sum(split["queries"]),
            "R1": sum(split["R1"]) / sum(split["queries"]),
            **dict.fromkeys(("R5", "R10", "R20", "mINP"), 0.0),
            "queries": sum(split["queries"]),
        }
        for split in people
    ]
    means = {name: float(np.mean([split[name] for split in each])) for name in each[0]}
    queries = sum(split["queries"] for split in each)
    return means | {"queries": queries, "splits": each, "interval": {"mAP": list(interval), "R1": [0.0, 1.0]}}


def make_record(method="good", seed=0, score=0.5, **changes):
    """The golden record as a run of a method, whose people score so; other fields at paths with `__` for the dot.

    conditions: name -> score of its people. The protocol then ranks by all of them.
    """
    fields = json.loads((GOLDEN / "record.json").read_bytes())
    conditions = changes.pop("conditions", {})
    people = [describe_people(each) for each in (conditions.values() if conditions else [score])]
    fields |= {"seed": seed, "people": people}
    fields["method"] |= {"name": method, "reported": [], "quoted": []}
    fields["conventions"] = {HEAD: fields["conventions"][HEAD] | summarize(people) | {"cmc": None}}
    fields["conditions"] = [
        {"name": name, "conventions": {HEAD: summarize([split])}}
        for name, split in zip(conditions, people, strict=bool(conditions))
    ]
    fields["weights"]["sha256"] = sha256(f"{method} {seed}".encode())
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = fields
        for name in parents:
            at = at[name]
        at[last] = value
    return Record.of(fields)


def make_claim(better="good", worse="bad", protocol=("mars",), metric="mAP", **fields):
    """A claim; a side is the name of a method, or the fields of a `Side`."""
    sides = {
        name: Side(**({"method": side} if isinstance(side, str) else side))
        for name, side in (("better", better), ("worse", worse))
    }
    return Claim(says="good is better", where="Table 1", protocol=protocol, metric=metric, **sides, **fields)
