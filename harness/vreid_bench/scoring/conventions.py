"""The conventions in use: three for MARS, and those of the other data sets."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.hookspecs import hookimpl
from vreid_bench.registry.rule_fields import read_fields
from vreid_bench.system.errors import InputError, UnknownName

if TYPE_CHECKING:
    from vreid_bench.registry.registry import Registry  # which loads this module as a plugin

CONVENTIONS = (
    Convention(
        name="queries-in-gallery",
        version="1",
        queries_in_gallery=True,
        average_precision="step",
        unmatched="skip",
        summary="Query tracklets are candidates for other queries; step AP. All 1,980 queries of MARS count.",
        source="MARS: AP3D, TKP, BiCnet-TKS, TCLNet, SINet, GRL, TF-CLIP. LS-VID: BiCnet-TKS, TF-CLIP. All concatenate "
        "the queries to the gallery",
    ),
    Convention(
        name="official",
        version="1",
        queries_in_gallery=True,
        average_precision="trapezoid",
        unmatched="error",
        summary="Query tracklets are candidates for other queries; trapezoid AP. The evaluation that came with MARS.",
        source="liangzheng06/MARS-evaluation, utils/evaluation_mars.m and compute_AP.m",
    ),
    Convention(
        name="torchreid",
        version="1",
        queries_in_gallery=False,
        average_precision="step",
        unmatched="skip",
        summary="Query tracklets leave the gallery; step AP. 140 of the 1,980 queries of MARS have no match left and "
        "do not count.",
        source="KaiyangZhou/deep-person-reid, torchreid/metrics/rank.py; jiyanggao/Video-Person-ReID",
    ),
    Convention(
        name="gallery-as-listed",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="skip",
        summary="The gallery as the data set lists it; step AP. DukeMTMC-VideoReID lists its queries among its 2,636 "
        "gallery tracklets, so adding them once more would make 702 duplicates.",
        source="DukeMTMC-VideoReID: Yu-Wu/DukeMTMC-VideoReID, KaiyangZhou/deep-person-reid",
    ),
    Convention(
        name="cameras-ignored",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="skip",
        same_camera="match",
        summary="As gallery-as-listed, but what shows the query's person in the query's camera is a match, too.",
        source="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019, Table II, which names no cameras; BUPTCampus",
    ),
    Convention(
        name="one-camera-each",
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="error",
        summary="One camera queries, another is the gallery, one match each: CMC is the metric, mAP the mean "
        "reciprocal rank. iLIDS-VID and PRID2011, mean over ten splits.",
        source="Wang et al., Person Re-identification by Video Ranking, ECCV 2014",
        single_match=True,
    ),
)
MARS = ("official", "queries-in-gallery", "torchreid")
FORM = f"`vreid-bench conventions show {CONVENTIONS[0].name} --toml` prints such a file"
PROSE = ("name", "version", "summary", "source")  # what a file need not have


def choose_conventions(chosen: Iterable[Convention | str], plugins: Callable[[], Registry]) -> tuple[Convention, ...]:
    """Conventions by name, or read from a `.toml` file.

    `plugins` is called only for a name that is not in this module. Raises InputError, also if none is chosen.
    """
    chosen = [chosen] if isinstance(chosen, str | Convention) else list(chosen)
    if not chosen:
        raise InputError("conventions: got none, expected at least one; `vreid-bench list conventions` shows all")
    known = {c.name: c for c in CONVENTIONS}

    def find(convention: Convention | str) -> Convention:
        if isinstance(convention, Convention):
            return convention
        if not isinstance(convention, str):
            raise InputError(f"conventions: expected names or conventions, got {convention!r}")
        if convention.endswith(".toml"):
            return read_convention(Path(convention))
        found: Convention = known[convention] if convention in known else plugins().get("conventions", convention)
        return found

    return tuple(map(find, chosen))


def read_convention(path: Path) -> Convention:
    """The convention in a file: the fields of `Convention`, under a name of its own. Raises InputError for other files.

    Left out are the fields that have a default, and `version`, `summary` and `source`.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as fault:
        raise InputError(f"{path}: the file does not exist") from fault
    except (OSError, ValueError, RecursionError) as fault:  # of TOML and UTF-8, too
        raise InputError(f"{path}: cannot be read as TOML ({fault}); {FORM}") from fault
    allowed = [each.name for each in fields(Convention)]
    strange = next((name for name in written if name not in allowed), None)
    if strange is not None:
        advice = f"its fields: {', '.join(name for name in allowed if name not in PROSE)}; {FORM}"
        raise UnknownName(f"{path}: a convention has no field", strange, allowed, advice)
    prose = {"name": path.stem, "version": "1", "summary": f"as in {path.name}", "source": path.name}
    try:
        return read_fields({"queries_in_gallery": None, **prose, **written})
    except ValueError as fault:
        raise InputError(f"{path}: {fault}; {FORM}") from fault


def to_toml(convention: Convention) -> str:
    """The file that `read_convention` reads as the same rules, under the name of the file; the summary is a comment."""
    lines = [f"# {' '.join(f'{convention.name}: {convention.summary}'.split())}"]
    for each in fields(Convention):
        value = getattr(convention, each.name)
        required = each.default is MISSING
        if each.name in PROSE or value is None or (not required and value == each.default):
            continue
        lines.append(f"{each.name} = {_to_value(value)}")
    return "\n".join(lines) + "\n"


def _to_value(value: Any) -> str:
    """A value as TOML writes it: as JSON does, but for one character that only JSON takes as it is."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """Every convention of this module."""
    return {c.name: c for c in CONVENTIONS}
