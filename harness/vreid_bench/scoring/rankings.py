"""Scores a ranking by its order alone: under every convention that its labels allow, or by judgements of relevance."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from vreid_bench.contracts.convention import Convention
from vreid_bench.importing.assembly import Imported
from vreid_bench.importing.content import Content
from vreid_bench.importing.numbering import number_jointly
from vreid_bench.importing.rankings import RankedLists, read_ranking
from vreid_bench.importing.recognition import QRELS, list_files, read_content
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.conventions import MARS, choose_conventions
from vreid_bench.scoring.hints import describe_unused
from vreid_bench.scoring.imports import assemble_labels
from vreid_bench.scoring.label_source import Listing, Pair
from vreid_bench.scoring.labelled_features import find_queries
from vreid_bench.scoring.ranked_distances import ListedOrder, count_judged
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.report import Report
from vreid_bench.scoring.score_request import ScoreRequest
from vreid_bench.scoring.stored_run import check_stored_test
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import write_line

AS_LISTED = ("gallery-as-listed",)
NAMED = re.compile(r"(-?\d+)_.+")  # <pid>_<tracklet>


@dataclass(frozen=True)
class CaseReports:
    """The scores of each case of a ranking, and their mean, which a challenge with cases ranks by."""

    reports: Mapping[str, Report]

    def metrics(self) -> dict[str, Any]:
        """What `--json` prints: {"cases": {name: metrics}, "mean": {convention: {"mAP": fraction, ...}}}."""
        cases = {name: report.metrics() for name, report in self.reports.items()}
        each = [case["conventions"] for case in cases.values()]
        mean = {}
        for convention in each[0]:
            found = [case[convention] for case in each]
            if all("mAP" in numbers for numbers in found):
                keys = [key for key, value in found[0].items() if isinstance(value, float)]
                mean[convention] = {key: float(np.mean([numbers[key] for numbers in found])) for key in keys}
        return {"cases": cases, "mean": mean}

    def __str__(self) -> str:
        blocks = [f"{name}\n{report}" for name, report in self.reports.items()]
        for convention, mean in self.metrics()["mean"].items():
            numbers = ", ".join(f"{key} {100 * value:.1f}" for key, value in mean.items() if key != "r_precision")
            blocks.append(f"mean over {len(self.reports)} cases, {convention}: {numbers}")
        return "\n\n".join(blocks)

    def per_query(self) -> dict[str, Any]:
        """The arrays of each case, with its name before theirs."""
        return {
            f"{case}.{name}": array
            for case, report in self.reports.items()
            for name, array in report.per_query().items()
        }


def score_ranking(request: ScoreRequest) -> Report | CaseReports:
    """Score a ranking by the labels of the files beside it, or of its own names `<pid>_<tracklet>`.

    Raises InputError for a ranking that cannot be read, or whose tracklets have no labels.
    """
    assert request.ranking is not None, "a request for this has a ranking"
    plugins = cache(Registry.installed)
    lists = read_ranking(request.ranking)
    write_line(f"{lists.origin}: {lists.form}, {len(lists.queries):,} queries", quiet=request.quiet)
    contents = [] if request.store else [read_content(path) for path in list_files(request.files)]
    rules = choose_conventions(request.conventions or AS_LISTED, plugins)
    files = {content.origin: content.sha256 for content in contents}
    judged = [content for content in contents if content.form == QRELS]
    if judged:
        if len(contents) > 1:
            raise InputError(f"{judged[0].origin}: qrels say what matches; leave out the other files")
        return replace(_score_judged(lists, judged[0], request, rules), files=files)
    unused = ""
    if request.store:
        table = _label_store(request.store)
    elif contents:
        imported = assemble_labels(contents, plugins)
        table, unused = _label_imported(imported), describe_unused(imported.unused)
    else:
        table = _label_by_name(lists)
    if lists.people:
        # which of a person's tracklets is meant is not known
        table = replace(table, cameras=False, attributes={})
    if not request.conventions and table.cameras and not table.missing(lists):
        rules = choose_conventions(MARS, plugins)
    reports = {}
    for case in dict.fromkeys(lists.cases or [""]):
        chosen = [n for n in range(len(lists.queries)) if not lists.cases or lists.cases[n] == case]
        reports[case] = replace(_score(lists, chosen, table, request, rules), files=files).saying(unused)
    return next(iter(reports.values())) if len(reports) == 1 else CaseReports(reports)


@dataclass(frozen=True)
class LabelTable:
    """The labels of tracklets by name."""

    pid: Mapping[str, int]
    person: Mapping[str, str]
    camid: Mapping[str, int]
    gallery: tuple[str, ...]  # in order; empty: all that is listed
    cameras: bool
    attributes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # attribute -> tracklet -> value

    def missing(self, lists: RankedLists) -> bool:
        """Is some query not in the gallery?"""
        gallery = set(self.gallery or (name for listed in lists.lists for name in listed))
        return any(name not in gallery and name.partition("_")[2] not in gallery for name in lists.queries)


def _label_imported(imported: Imported) -> LabelTable:
    sides = [imported.gallery, imported.query]
    for side in sides:
        if "tracklet" not in side:
            raise InputError(
                f"{', '.join(imported.origins.values())}: names no tracklets, by which a ranking is "
                "read; add a column tracklet"
            )
    pair = Pair.of(imported)  # which refuses columns that do not fit together
    find_queries(pair.query, pair.gallery)  # which refuses a tracklet with two labels
    table = _make_table(sides, tuple(map(str, imported.gallery["tracklet"])), imported.cameras)
    return replace(table, attributes=_name_attributes(pair.labels))


def _label_store(path: Path) -> LabelTable:
    check_stored_test(path)
    listing = Listing.from_file(path, None)
    labels = listing.labels
    rows = np.arange(len(labels.pids))
    columns = {"pid": labels.pids, "camid": labels.camids, **labels.names(rows)}
    gallery = columns["tracklet"][labels.gallery]
    table = _make_table([columns], tuple(gallery.tolist()), True)
    return replace(table, attributes=_name_attributes(labels))


def _name_attributes(labels: Labels) -> dict[str, dict[str, str]]:
    """Attribute -> tracklet -> value."""
    names = labels.named["tracklet"].tolist()
    return {name: dict(zip(names, values.tolist(), strict=True)) for name, values in labels.attributes.items()}


def _make_table(sides: Sequence[Mapping[str, Any]], gallery: tuple[str, ...], cameras: bool) -> LabelTable:
    pid: dict[str, int] = {}
    camid: dict[str, int] = {}
    person: dict[str, str] = {}
    for side in sides:
        names = [str(name) for name in side["tracklet"]]
        pid |= dict(zip(names, side["pid"].tolist(), strict=True))
        camid |= dict(zip(names, side["camid"].tolist(), strict=True))
        people = side.get("person", side["pid"])
        person |= dict(zip(names, map(str, people.tolist()), strict=True))
    return LabelTable(pid, person, camid, gallery, cameras)


def _label_by_name(lists: RankedLists) -> LabelTable:
    """Labels from names `<pid>_<tracklet>`; the gallery is what is listed."""
    names = list(dict.fromkeys([*lists.queries, *(name for listed in lists.lists for name in listed)]))
    strange = next((name for name in names if not NAMED.fullmatch(name)), None)
    if lists.people or strange is not None:
        raise InputError(
            f"{lists.origin}: whom {(strange or lists.queries[0])!r} shows is not known; add a file with the labels, "
            "for instance a CSV with the columns role (query, gallery or both), tracklet and pid, and camid if known"
        )
    people = {name: name.partition("_")[0] for name in names}
    numbers, _ = number_jointly([(lists.origin, list(people.values()))], "ids")
    pid = dict(zip(names, numbers[0].tolist(), strict=True))
    return LabelTable(pid, people, dict.fromkeys(names, 0), (), False)


def _score(
    lists: RankedLists, chosen: Sequence[int], table: LabelTable, request: ScoreRequest, rules: tuple[Convention, ...]
) -> Report:
    """The scores of some of the queries."""
    queries = [lists.queries[n] for n in chosen]
    ranked = [lists.lists[n] for n in chosen]
    prefixed = lists.form == "VReID-XFD" and bool(table.gallery)
    if prefixed:  # <pid>_<tracklet>, where the labels have the tracklet alone
        queries = [_strip(name, table) for name in queries]
        ranked = [tuple(_strip(name, table) for name in listed) for listed in ranked]
    notes = []
    if lists.people:
        ranked = _name_tracklets(lists, queries, ranked, table)
    gallery = table.gallery or tuple(sorted({name for listed in ranked for name in listed}))
    if not table.gallery:
        notes.append(f"note: the gallery is taken to be what is listed, {len(gallery):,} tracklets")
    labels = _make_labels(lists, queries, gallery, table).for_conventions(rules)
    place = {name: number for number, name in enumerate(gallery)}
    order = []
    for query, listed in zip(queries, ranked, strict=True):
        unknown = next((name for name in listed if name not in place), None)
        if unknown is not None:
            raise InputError(f"{lists.origin}: query {query!r} lists {unknown!r}, which is not in the gallery")
        order.append(np.array([place[name] for name in listed], np.int64))
    distances = ListedOrder(tuple(order), len(gallery))
    counts = distances.count(labels)
    if not table.cameras and (needing := [rule.name for rule in rules if rule.queries_in_gallery is not None]):
        raise InputError(
            f"{lists.origin}: no cameras are known, and {needing[0]} leaves out what the query's own camera shows; add "
            f"them to the labels, or take a convention that needs none: {', '.join(AS_LISTED)}"
        )
    report = Report.of(counts, labels, rules).with_cuts(request.depths, rules).broken_down(request.by)
    return replace(report, notes=(*notes, *distances.explain(counts)))


def _strip(name: str, table: LabelTable) -> str:
    """A tracklet's name in the labels: without the person before it, if only so it is known."""
    return name if name in table.pid else name.partition("_")[2]


def _name_tracklets(
    lists: RankedLists, queries: Sequence[str], ranked: Sequence[Sequence[str]], table: LabelTable
) -> list[tuple[str, ...]]:
    """Lists of people as lists of tracklets: the k-th time that a person is named is the person's k-th tracklet.

    All tracklets of one person match the same queries, so that scores without cameras do not depend on which is which.
    """
    own: dict[str, list[str]] = {}
    for name in table.gallery:
        own.setdefault(table.person[name], []).append(name)
    numbered = {str(table.pid[names[0]]): names for names in own.values()}
    result = []
    for query, listed in zip(queries, ranked, strict=True):
        left = {person: iter([name for name in names if name != query]) for person, names in own.items()}
        more = {number: left[table.person[names[0]]] for number, names in numbered.items()}
        found = []
        for person in listed:
            if person not in left and person not in more:
                raise InputError(f"{lists.origin}: query {query!r} lists {person!r}, who is not in the gallery")
            found_name = next(left.get(person, more.get(person, iter(()))), None)
            if found_name is None:
                raise InputError(
                    f"{lists.origin}: query {query!r} lists {person!r} more often than the gallery has "
                    "tracklets of them"
                )
            found.append(found_name)
        result.append(tuple(found))
    return result


def _make_labels(lists: RankedLists, queries: Sequence[str], gallery: Sequence[str], table: LabelTable) -> Labels:
    for name in queries:
        if name not in table.pid:
            raise InputError(f"{lists.origin}: query {name!r} has no label; add its row to the file with the labels")
    names = list(dict.fromkeys([*gallery, *queries]))
    row = {name: number for number, name in enumerate(names)}
    pids = np.array([table.pid[name] for name in names], np.int64)
    cameras = [table.camid[name] if table.cameras else number for number, name in enumerate(names)]
    named = {"tracklet": np.array(names, np.str_), "person": np.array([table.person[name] for name in names], np.str_)}
    attributes = {
        attribute: np.array([values.get(name, "") for name in names], np.str_)
        for attribute, values in table.attributes.items()
    }
    return Labels(
        pids,
        np.array(cameras, np.int64),
        np.array([row[name] for name in queries]),
        np.arange(len(gallery)),
        attributes=attributes,
        named=named,
    )


def _score_judged(lists: RankedLists, qrels: Content, request: ScoreRequest, rules: tuple[Convention, ...]) -> Report:
    """By judgements: a match is a document with a relevance above 0, whatever person or camera it shows."""
    asked = [rule.name for rule in rules if rule.queries_in_gallery is not None]
    if asked:
        raise InputError(f"{qrels.origin}: qrels know no cameras, which {asked[0]} needs; take {', '.join(AS_LISTED)}")
    counts, labels, judged = count_judged(lists, qrels.arrays)
    report = Report.of(counts, labels, rules).with_cuts(request.depths, rules).broken_down(request.by)
    return replace(report, notes=judged)
