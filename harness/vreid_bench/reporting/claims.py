"""The claims of papers as data: `claims/*.toml` of a leaderboard, one file for each paper.

A claim is an ordering that the text or a table of a paper states: one method scores better than another under a
protocol. In its short form a side is the name of a method; the long form says what else decides it, as `Side` lists.
`protocol`, `condition` and `settings` of the claim hold for both sides, unless a side has its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, JsonValue

from vreid_bench.records.fields import Entry, MethodName, Name, Text
from vreid_bench.reporting.toml_file import list_files, read_toml
from vreid_bench.system.errors import InputError

NAME = "claims"  # the folder in a leaderboard

Percent = Annotated[float, Field(ge=0, le=100)]
Words = Annotated[str, Field(min_length=1, max_length=500)]


class Side(Entry):
    """One of the two systems that a claim compares."""

    method: MethodName
    protocol: Name | None = None  # where it differs from the claim's
    condition: Text = ""  # of the protocol; empty: what the protocol ranks by
    settings: dict[str, JsonValue] = Field(default_factory=dict)  # as `--set` names them
    reranked: bool = False


class Claim(Entry):
    """An ordering that a paper states."""

    shared: ClassVar[tuple[str, ...]] = ("condition", "settings")  # of both sides

    says: Words  # the sentence, shortened, or the rows of a table
    where: Words  # table, figure or section
    protocol: Annotated[tuple[Name, ...], Field(min_length=1)]  # the paper's own, then others that ask the same
    metric: Literal["mAP", "R1"]
    better: Side
    worse: Side
    printed: tuple[Percent, Percent] | None = None  # as the paper prints both; None: it prints a curve, or nothing
    before: dict[Name, Text] = Field(default_factory=dict)  # protocol -> the verdict of an earlier leaderboard
    note: Text = ""


class Unjudged(Entry):
    """A statement of the paper that is not judged."""

    says: Words
    where: Words
    why: Words


class Claims(Entry):
    """What a paper states."""

    paper: Words
    before: Text = ""  # how the earlier leaderboard trained and tested; empty: there is none
    claim: tuple[Claim, ...]
    unjudged: tuple[Unjudged, ...] = ()


def read_claims(folder: Path) -> dict[str, Claims]:
    """The claims in a folder: name of the file without its ending -> claims; empty if there is no such folder.

    Raises InputError for the first faulty file, which names the field, what was found and what was expected.
    """
    return {path.stem: _read(path) for path in list_files(folder)}


def find_claim_faults(folder: Path) -> list[str]:
    """What is wrong with the files in the folder, each fault a sentence that names the file."""
    faults = []
    for path in list_files(folder):
        try:
            _read(path)
        except InputError as fault:
            faults.append(str(fault))
    return faults


def _read(path: Path) -> Claims:
    return read_toml(path, Claims, _spell_out, NAME)


def _spell_out(fields: dict[str, Any]) -> dict[str, Any]:
    """The file with every claim in its long form; what is no claim is left as it is, for the parser to refuse."""
    claims = fields.get("claim")
    if not isinstance(claims, list):
        return fields
    return fields | {"claim": [_spell_out_claim(claim) if isinstance(claim, dict) else claim for claim in claims]}


def _spell_out_claim(claim: dict[str, Any]) -> dict[str, Any]:
    long = dict(claim)
    if isinstance(claim.get("protocol"), str):
        long["protocol"] = [claim["protocol"]]
    shared = {name: long.pop(name) for name in Claim.shared if name in long}
    for name in ("better", "worse"):
        side = claim.get(name)
        if isinstance(side, str):
            side = {"method": side}
        if isinstance(side, dict):
            both = shared | side
            if all(isinstance(each.get("settings"), dict) for each in (shared, side)):
                both["settings"] = shared["settings"] | side["settings"]
            long[name] = both
    return long
