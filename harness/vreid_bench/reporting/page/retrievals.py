"""The first ranks of some queries of a run: which queries are shown, and what each gallery item is to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.convention import Admission, Compared, Having
from vreid_bench.records.store_arrays import read_store_metric
from vreid_bench.reporting.page.run_data import RunData
from vreid_bench.scoring.distances import VectorDistances, parse_metric
from vreid_bench.scoring.label_source import Listing
from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles
from vreid_bench.scoring.ranked_test import RankedTest
from vreid_bench.system.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Role = Literal["right", "wrong", "junk"]
EACH = 2  # queries of each kind
TOP = 10  # ranks of a query that are shown
ROUNDING = 0.005  # of the gallery: how far a match can move where other code sums a distance in another order
JUNK = 3  # junk items among them
KINDS = ("best", "median", "worst")


class Item(NamedTuple):
    """A gallery item of a ranking."""

    row: int  # among the test tracklets
    role: Role
    rank: int | None  # from 1; None: junk takes none
    value: float  # similarity or distance


@dataclass(frozen=True)
class Retrieval:
    """A query with its first ranks."""

    kind: str  # one of KINDS
    number: int  # of the query, within the ranking
    row: int  # among the test tracklets
    precision: float  # average precision, a fraction
    first_rank: int | None  # of the first match, from 1; None where none was found
    matches: int
    items: tuple[Item, ...]
    hidden: int  # junk items between them that are not shown


def choose_queries(run: RunData, each: int = EACH) -> list[tuple[str, int]]:
    """Kind and number of the queries that are shown, of the first ranking: those of each kind show different people.

    Queries are in order of their average precision, equal ones as the test lists them.
    """
    chosen = run.first_ranking
    precision, pids = run.scores.average_precision[chosen], run.queries.pid[chosen]
    known = np.flatnonzero(~np.isnan(precision))
    order = known[np.argsort(precision[known], kind="stable")]  # the worst first
    middle = len(order) // 2
    # from the middle outwards, upwards first
    outwards = sorted(range(len(order)), key=lambda place: (abs(place - middle), -place))
    orders = {"best": order[::-1], "median": order[outwards], "worst": order}
    found: list[tuple[str, int]] = []
    for kind in KINDS:
        people: set[int] = set()
        for number in orders[kind].tolist():
            if len(people) == each:
                break
            if pids[number] not in people and all(number != other for _, other in found):
                people.add(int(pids[number]))
                found.append((kind, number))
    return found


def rank_vectors(run: RunData) -> RankedTest | None:
    """The first ranking of a run that compared one vector for each tracklet, once, and did not re-rank.

    None for any other run, and where the stored labels do not tell who takes part, as for a least length: its ranking
    needs its data and its matcher, and so torch.
    """
    record, folder = run.record, run.first_fold
    plain = record.protocol.rules.get("test", {}) in ({}, None, {"strategy": "plain"})
    store = folder.features("features")
    if not plain or record.disclosure.reranking or not store.is_file():
        return None
    metric = read_store_metric(store)
    if metric is None:
        return None
    listing = Listing.from_file(store, None)
    if not listing.labels.tells(read_rule(record.conventions[run.headline].rules).admission):
        return None
    query, gallery = listing.vectors("float32")
    vectors = VectorDistances.of(query, gallery, parse_metric(metric))

    def measure(numbers: Sequence[int]) -> Floats:
        some = VectorDistances(vectors.query[list(numbers)], vectors.gallery, vectors.metric)
        tiles = np.concatenate([tile for _, tile in some.tiles()]).astype(np.float64)
        return np.sqrt(np.maximum(tiles, 0)) if metric == "euclidean" else tiles

    return RankedTest(listing.labels, measure, metric == "cosine")


def retrieve(run: RunData, test: RankedTest, chosen: Sequence[tuple[str, int]]) -> list[Retrieval]:
    """The first ranks of the chosen queries. Raises InputError if the test is not the one that the run has scored."""
    _check_queries(run, test)
    rule = read_rule(run.record.conventions[run.headline].rules)
    distances = test.measure([number for _, number in chosen])
    places = np.flatnonzero(run.first_ranking)
    found = []
    for (kind, number), row in zip(chosen, distances, strict=True):
        order = list(_walk(test, number, row, rule))
        items, hidden = _cut(order)
        first = next((item.rank for item in order if item.role == "right"), None)
        _check_rank(run, first, int(run.scores.first_rank[places[number]]), len(order))
        found.append(
            Retrieval(
                kind,
                number,
                int(test.labels.query[number]),
                float(run.scores.average_precision[places[number]]),
                first,
                sum(item.role == "right" for item in order),
                items,
                hidden,
            )
        )
    return found


def _check_queries(run: RunData, test: RankedTest) -> None:
    chosen = run.first_ranking
    if not np.array_equal(run.queries.query[chosen], test.labels.query):
        raise InputError(
            f"{run.first_fold.features('features')}: lists other queries than {run.folder.per_query}; repeat the "
            "command of the run with --anew"
        )


def _check_rank(run: RunData, found: int | None, recorded: int, items: int) -> None:
    """Raise InputError if the first match is not where the run found it, but for what rounding can exchange."""
    expected = None if recorded < 0 else recorded + 1
    if found != expected and (found is None or expected is None or abs(found - expected) > 1 + items * ROUNDING):
        raise InputError(
            f"{run.first_fold.features('features')}: ranks a first match at {found}, and {run.folder.per_query} has it "
            f"at {expected}; they are not of one test, repeat the command of the run with --anew"
        )


def _walk(test: RankedTest, number: int, distances: Floats, rule: GalleryRule) -> Iterator[Item]:
    """The gallery in order of distance, without what takes no part and without the query itself."""
    labels, own = test.labels, int(test.labels.query[number])
    roles = assign_roles(labels, slice(number, number + 1), rule)
    match, negative = roles.match[0], roles.negative[0]
    rows = labels.gallery
    junk = (labels.pids[rows] == labels.pids[own]) | (labels.pids[rows] < 0)
    rank = 0
    for place in np.argsort(distances, kind="stable").tolist():
        value = 1 - distances[place] if test.similarity else distances[place]
        if match[place] or negative[place]:
            rank += 1
            yield Item(int(rows[place]), "right" if match[place] else "wrong", rank, float(value))
        elif junk[place] and rows[place] != own:
            yield Item(int(rows[place]), "junk", None, float(value))


def _cut(order: Sequence[Item]) -> tuple[tuple[Item, ...], int]:
    """The first TOP ranks with some of the junk among them, and the first match if it comes later; hidden junk."""
    shown: list[Item] = []
    junk = hidden = 0
    for item in order:
        if item.rank is not None and item.rank > TOP:
            break
        if item.role == "junk":
            junk += 1
            hidden += junk > JUNK
        if item.role != "junk" or junk <= JUNK:
            shown.append(item)
    while shown and shown[-1].role == "junk":  # behind the last rank there is nothing that it could disturb
        shown.pop()
    later = next((item for item in order if item.role == "right"), None)
    if later is not None and later not in shown:
        shown.append(later)
    return tuple(shown), hidden


def read_rule(rules: Mapping[str, Any]) -> GalleryRule:
    """What decides the role of a gallery item, from the rules of a convention as a record has them.

    Raises InputError for a rule of an earlier version that this one does not know.
    """
    clothes = rules.get("clothes", "any")
    if clothes not in ("any", None):
        raise InputError(f"the rule 'clothes {clothes}' is of an earlier version; run it again with this one")
    sides = [
        tuple(Having(name, tuple(values)) for name, values in rules.get(side, ())) for side in ("query", "gallery")
    ]
    return GalleryRule(
        rules.get("queries_in_gallery"),
        tuple(Compared(*each) for each in rules.get("match", ())),
        rules.get("same_camera", "junk"),
        Admission(sides[0], sides[1], int(rules.get("least_frames", 0))),
    )
