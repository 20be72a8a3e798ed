"""Records made from the golden one, for what is shown of them."""

import json

from places import GOLDEN

from vreid_bench.records.record import Record

HEAD = "conventions__queries-in-gallery__"
HOSTILE = (
    "a|b `c` <script>alert(1)</script>\n\n# d [e](http://f) ![g](h) \x1b[2J\u202e *i* _j_ ~k~ $l$ {{ m }} <!-- \\|"
)


def record(**changes):
    """The golden record with other fields at dotted paths, written with `__` for the dot."""
    return Record.of(change_fields(**changes))


def let_agree(fields):
    """Make the finer scores of a record follow from its mAP under each convention, and return it."""
    for name, result in fields["conventions"].items():
        [split] = result["splits"]
        if name == fields["protocol"]["headline"]:
            for each in fields["people"]:
                each["AP"] = [value * result["mAP"] / split["mAP"] for value in each["AP"]]
        split["mAP"] = result["mAP"]
    return fields


def change_fields(**changes):
    """The fields of that record."""
    fields = json.loads((GOLDEN / "record.json").read_bytes())
    for path, value in changes.items():
        *parents, last = path.split("__")
        at = fields
        for name in parents:
            at = at[name]
        at[last] = value
    return fields


def begun(shipped):
    """The changes of a record whose encoder began from a file, which its package ships or the user named."""
    file = {"file": "a.pth", "sha256": "b" * 64, "names": "torchvision", "taken": 3, "tensors": 4, "shipped": shipped}
    words = f"encoder from a.pth (sha256 {file['sha256']}), 3 of 4 tensors, names of torchvision"
    return {"weights__pretrained": {"encoder": file}, "disclosure__pretraining": words}


def seeds(*scores, **changes):
    """A record a score: the same method with seeds 0, 1, ..."""
    return [record(seed=seed, **{HEAD + "mAP": score}, **changes) for seed, score in enumerate(scores)]


def number(value, **fields):
    return {
        "dataset": "mars",
        "metric": "mAP",
        "value": value,
        "where": "Table 9",
        "note": "",
        "reranked": False,
        "condition": "",
        "settings": {},
        **fields,
    }
