"""Why a claim has no rows: what the records have instead of the method, the test or the settings that it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vreid_bench.records.entries import list_changes
from vreid_bench.records.record import Record
from vreid_bench.reporting.claims import Claim, Side
from vreid_bench.system.errors import suggestion

OWN, CHANGED = "its own settings", "changed code"
SHOWN = 3  # kinds of rows that a sentence names


def explain_missing(side: Side, protocol: str, records: Sequence[Record]) -> str:
    """Why no record is a run of the side under its protocol, in a sentence."""
    named = [record for record in records if record.method.name == side.method]
    if not named:
        return f"nobody ran {side.method!r}{suggestion(side.method, {record.method.name for record in records})}"
    tested = [record for record in named if record.protocol.name == protocol]
    if not tested:
        return f"{side.method} has no rows under {protocol}, only under {_list(r.protocol.name for r in named)}"
    conditions = {condition.name for record in tested for condition in record.conditions}
    if side.condition and side.condition not in conditions:
        has = suggestion(side.condition, conditions) or f"; it has {_list(conditions) or 'none'}"
        return f"{side.method} has no condition {side.condition!r} under {protocol}{has}"
    asked = ", ".join([*list_changes(None, side.settings), *["re-ranking"] * side.reranked]) or OWN
    return f"{side.method} has no rows under {protocol} with {asked}, only with {_list(map(_write_variant, tested))}"


def explain_unlike(claim: Claim, protocol: str) -> str:
    """Why no rows are compared where both sides have some."""
    sides = " and ".join(dict.fromkeys(side.method for side in (claim.better, claim.worse)))
    return f"{sides} under {protocol}: no two rows at the same preset were tested and trained on the same data"


def _write_variant(record: Record) -> str:
    """What makes the record a row of its own, besides a part in the baseline, which has its name."""
    changes = [change for change in record.variant if change != record.method.swapped]
    return ", ".join(changes) or (CHANGED if record.method.modified and not record.method.swapped else OWN)


def _list(words: Iterable[str]) -> str:
    """Each once, sorted; of many the first few."""
    found = sorted(set(words))
    more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    return "; ".join(found[:SHOWN]) + more
