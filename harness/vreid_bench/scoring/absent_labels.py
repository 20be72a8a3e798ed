"""What a convention or a break-down asks for that no label has, and what the labels have instead."""

from __future__ import annotations

from vreid_bench.contracts.convention import Convention, Having
from vreid_bench.contracts.dataset import ATTRIBUTE
from vreid_bench.contracts.people import JUNK
from vreid_bench.scoring.metrics import NotComputable
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.system.errors import UnknownName

SHOWN = 8  # values that a sentence lists


def absent_attribute(labels: Labels, name: str) -> UnknownName:
    """That no tracklet has an attribute, with those that they have."""
    known = sorted(labels.attributes)
    advice = f"known: {', '.join(known) or 'none'}; in a file it is {ATTRIBUTE}{name}"
    return UnknownName("no tracklet has the attribute", name, known, advice)


def find_absent(labels: Labels, convention: Convention) -> NotComputable | None:
    """Why a convention cannot be applied that reads an attribute, or asks for values, that no tracklet has.

    None if each is there. Values matter where nobody asks without them, or nothing is left to be found.
    """
    for name in convention.attributes:
        if name not in labels.attributes:
            reason, _, remedy = str(absent_attribute(labels, name)).partition("; ")
            return NotComputable(reason, remedy)
    if not labels.tells(convention.admission):
        return None
    sides = [("query", labels.query, convention.query)]
    if convention.unmatched != "zero":  # else what is not found counts
        sides.append(("gallery item", labels.gallery, convention.gallery))
    for what, rows, having in sides:
        for rule in having:
            if found := _find_others(labels, rows, rule):
                return NotComputable(
                    f"no {what} has {rule.attribute} {' or '.join(rule.values)}, only {found}",
                    "correct the convention, or the labels",
                )
    return None


def _find_others(labels: Labels, rows: Ints, rule: Having) -> str:
    """The values of these rows if none of them is one of the rule's; empty if one is. Junk needs no value."""
    there = rows[labels.pids[rows] != JUNK]
    values = sorted(set(labels.attributes[rule.attribute][there].tolist()))
    if set(values) & set(rule.values):
        return ""
    more = [f"{len(values) - SHOWN:,} more"] if len(values) > SHOWN else []
    return ", ".join([*values[:SHOWN], *more]) or "junk"
