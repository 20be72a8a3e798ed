"""Rankings without distances: the CSV forms of challenges, and the runs of TREC."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vreid_bench.importing import trec
from vreid_bench.importing.tables import read_rows
from vreid_bench.system.errors import InputError

FORMS = (
    "a CSV with the columns row_id,query_tracklet,gallery_tracklets (AG-VPReID), row_id,case,query_tracklet,"
    "ranked_gallery_tracklets (VReID-XFD), videoId,rank1,rank2,... (GREW) or videoID,label (HID), or a run of TREC"
)
SEPARATORS = re.compile(r"[\s,;]+")
GREW = 20  # ranks that its server takes


@dataclass(frozen=True)
class RankedLists:
    """What each query's list names, from near to far."""

    origin: str
    form: str
    queries: tuple[str, ...]
    lists: tuple[tuple[str, ...], ...]  # tracklets, or people where `people`
    cases: tuple[str, ...] = ()  # the case of each query, where the form has cases
    people: bool = False  # does a list name people, as GREW and HID do?


class RankedQuery(NamedTuple):
    """One query and the gallery tracklets of its list, from near to far."""

    query: str
    ranked: Sequence[str]
    case: str = ""  # the case that it belongs to, where a test has cases


def read_ranking(path: Path) -> RankedLists:
    """Read a ranking in any of the forms. Raises InputError for a file that is missing, or in none of them."""
    if not path.is_file():
        raise InputError(f"{path}: the file does not exist")
    try:
        head = path.read_bytes()[: 1 << 16].decode("utf-8-sig", "ignore")
        if trec.find_form(head) == trec.RUN:
            found = trec.read_run(path)
            return _check(RankedLists(str(path), "TREC run", tuple(found), tuple(found.values())))
        return _check(_read_csv(path))
    except InputError:
        raise
    except Exception as fault:  # a damaged file makes its reader raise anything
        raise InputError(f"{path}: cannot be read as a ranking ({fault}); expected {FORMS}") from fault


def _read_csv(path: Path) -> RankedLists:
    header, lines = read_rows(path)
    columns = {re.sub("[^a-z0-9]", "", name.lower()): place for place, name in enumerate(header)}
    rows = []
    for number, row in lines:
        if len(row) != len(header):
            raise ValueError(f"line {number} has {len(row)} fields, the first line {len(header)}")
        rows.append([field.strip() for field in row])
    known: dict[str, str] = {}  # so that a name is kept once, however many queries list it

    def split(text: str) -> tuple[str, ...]:
        return tuple(known.setdefault(name, name) for name in SEPARATORS.split(text) if name)

    query = next((columns[name] for name in ("querytracklet", "query", "videoid") if name in columns), None)
    ranked = next((columns[n] for n in ("rankedgallerytracklets", "gallerytracklets") if n in columns), None)
    ranks = sorted((int(name[4:]), place) for name, place in columns.items() if re.fullmatch(r"rank\d+", name))
    label = columns.get("label")
    if query is None or (ranked is None and not ranks and label is None):
        raise ValueError(f"its columns are {', '.join(header)[:200] or 'none'}")
    queries = tuple(row[query] for row in rows)
    if ranked is not None:
        lists = tuple(split(row[ranked]) for row in rows)
        cases = tuple(row[columns["case"]] for row in rows) if "case" in columns else ()
        return RankedLists(str(path), "VReID-XFD" if cases else "AG-VPReID", queries, lists, cases)
    if ranks:
        if [rank for rank, _ in ranks] != list(range(1, len(ranks) + 1)):
            raise ValueError("its ranks are not rank1, rank2, ... without a gap")
        lists = tuple(tuple(filter(None, (row[place] for _, place in ranks))) for row in rows)
        return RankedLists(str(path), "GREW", queries, lists, people=True)
    assert label is not None, "one of the three was found"
    return RankedLists(str(path), "HID", queries, tuple((row[label],) for row in rows), people=True)


def _check(found: RankedLists) -> RankedLists:
    if not found.queries:
        raise InputError(f"{found.origin}: it is empty; expected a line for each query")
    seen: dict[tuple[str, str], int] = {}
    for number, (query, listed) in enumerate(zip(found.queries, found.lists, strict=True)):
        case = found.cases[number] if found.cases else ""
        if seen.setdefault((case, query), number) != number:
            raise InputError(f"{found.origin}: query {query!r} is listed twice")
        if not found.people and len(set(listed)) < len(listed):
            twice = next(name for place, name in enumerate(listed) if name in listed[:place])
            raise InputError(f"{found.origin}: query {query!r} lists {twice!r} twice")
    return found


def to_ag_vpreid(lists: Sequence[RankedQuery], people: Mapping[str, str]) -> bytes:
    """A line for each query, its tracklets with blanks between them; rows count from 1, as the challenge's do."""
    rows = [(number, each.query, " ".join(each.ranked)) for number, each in enumerate(lists, start=1)]
    return _to_csv(("row_id", "query_tracklet", "gallery_tracklets"), rows)


def to_vreid_xfd(lists: Sequence[RankedQuery], people: Mapping[str, str]) -> bytes:
    """As AG-VPReID, with a case, and each tracklet as `<pid>_<tracklet>`; where `people` has nobody, as it is."""

    def call(name: str) -> str:
        return f"{people[name]}_{name}" if people else name

    rows = [
        (number, each.case or "all", call(each.query), " ".join(map(call, each.ranked)))
        for number, each in enumerate(lists, start=1)
    ]
    return _to_csv(("row_id", "case", "query_tracklet", "ranked_gallery_tracklets"), rows)


def to_grew(lists: Sequence[RankedQuery], people: Mapping[str, str]) -> bytes:
    """The people of the first 20 tracklets."""
    size = min(GREW, *(len(each.ranked) for each in lists))
    rows = [(each.query, *(people[name] for name in each.ranked[:size])) for each in lists]
    return _to_csv(("videoId", *(f"rank{rank}" for rank in range(1, size + 1))), rows)


def to_hid(lists: Sequence[RankedQuery], people: Mapping[str, str]) -> bytes:
    """The person of the first tracklet."""
    return _to_csv(("videoID", "label"), [(each.query, people[each.ranked[0]]) for each in lists])


def to_trec(lists: Sequence[RankedQuery], people: Mapping[str, str]) -> bytes:
    """A run."""
    return trec.to_run({each.query: each.ranked for each in lists})


WRITERS: dict[str, Callable[[Sequence[RankedQuery], Mapping[str, str]], bytes]] = {
    "ag-vpreid": to_ag_vpreid,
    "vreid-xfd": to_vreid_xfd,
    "grew": to_grew,
    "hid": to_hid,
    "trec": to_trec,
}


def _to_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode()
