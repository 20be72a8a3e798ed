"""Two runs, or two groups of runs, on the same test set, person by person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vreid_bench.records.entries import DatasetEntry, Ruled, describe_data
from vreid_bench.records.named_run import find_run
from vreid_bench.records.per_query import PerQuery
from vreid_bench.records.query_agreement import find_query_disagreements
from vreid_bench.records.record import Record
from vreid_bench.records.repeats import NamedRecord, describe_method, leave_out_repeats
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.scoring.bootstrap import sum_by_person
from vreid_bench.scoring.few_people import widen_point
from vreid_bench.scoring.sign_flip import FEWEST, SIGNIFICANT, shares, shift_interval, sign_flip
from vreid_bench.system.errors import InputError
from vreid_bench.system.fingerprint import digest

METRICS = ("mAP", "R1")
SAME = 1e-12  # smaller differences between a person's two scores count as equal
PAIRED = ("split", "query", "pid", "camid")  # arrays that must agree, so that queries can be paired
# rules of a protocol that decide only the training; the dataset and the queries decide the test
TRAINING = ("name", "version", "dataset", "variant", "target", "target_variant", "fine_tune")
# two tests of the same weights under equally many conditions may differ in this: the comparison measures its cost
CONDITION = ("test",)
COSTED = ("plain", "corruption")  # strategies with the same queries


@dataclass(frozen=True)
class Comparison:
    """One metric of two runs, or of two groups of runs, under one convention; fractions, differences are A - B.

    Interval and verdict come from the same test, so that they always agree: 0 lies in the interval exactly if the
    verdict calls neither better. Both are about other people in front of the same cameras, not about other trainings:
    the spread over the seeds of a group tells of these.
    """

    a: float  # of a group: the mean over its runs
    b: float
    spread: tuple[float | None, float | None]  # sample standard deviation over the runs of A, of B; None for one run
    difference: float
    interval: tuple[float, float]  # 95 %, over people: the shifts that the test does not reject
    p: float  # sign-flip permutation test over people, two-sided
    smallest: float | None  # the smallest difference that this test set can show at 5 %; None: it can show none
    people: int
    win: int  # people whose queries A scores better on average
    tie: int
    loss: int

    @property
    def verdict(self) -> str:
        """In words."""
        if self.win == self.loss == 0:
            return "no difference seen"
        if self.p >= SIGNIFICANT:
            return "not separable"
        return "A is better" if self.difference > 0 else "B is better"


Compared = Mapping[str, Mapping[str, Comparison]]  # convention -> metric -> comparison


def compare(a: Path, b: Path, runs: Path = Path("runs")) -> Compared:
    """Compare two runs, as `compare_groups` does."""
    return compare_groups([a], [b], runs)


def compare_groups(ones: Sequence[Path], others: Sequence[Path], runs: Path = Path("runs")) -> Compared:
    """Compare two groups of runs by folder or id, each the seeds of one method, under each convention, headline first.

    The scores of a query are averaged over the runs of a group before people are compared. A seed counts once in a
    group, as `choose_seeds` says. Raises InputError as that does, and for runs that were not scored by the same rules
    on the same data; the message names what differs.
    """
    groups = [_choose(group, runs)[0] for group in (ones, others)]
    pairs = [(group[0], each) for group in groups for each in group[1:]]
    # the same seeds are the same weights, which may be tested under other conditions
    a, b = groups
    pairs += list(zip(a, b, strict=True)) if len(a) == len(b) else list(product(a, b))
    for one, other in pairs:
        _check_alike(one.path, other.path, one.record, other.record)
    every = [*groups[0], *groups[1]]
    head = every[0].record.protocol.headline
    names = [head, *sorted(set.intersection(*(set(each.record.conventions) for each in every)) - {head})]
    kept = [[each.read_queries(names) for each in group] for group in groups]
    first = kept[0][0]
    for each, scores in zip(every, [*kept[0], *kept[1]], strict=True):
        for array in PAIRED:
            if not np.array_equal(getattr(first, array), getattr(scores, array)):
                raise InputError(
                    f"{every[0].path} and {each.path}: their {each.folder.per_query.name} hold different queries "
                    f"({array}); run one of them again"
                )
    return {name: {metric: _compare_metric(name, metric, *kept) for metric in METRICS} for name in names}


def choose_seeds(group: Sequence[Path], runs: Path = Path("runs")) -> tuple[list[Path], list[str]]:
    """The runs of a group without those that repeat another of the same seed, and a note on each of these.

    Raises InputError if a run is not finished, if the group mixes methods, and for two runs of one seed whose weights
    or scores differ.
    """
    kept, notes = _choose(group, runs)
    return [each.path for each in kept], notes


def tell_arithmetic(ones: Sequence[Path], others: Sequence[Path], runs: Path) -> str:
    """In a sentence, that the runs were computed with unlike arithmetic; empty if with one, or if it is not known."""
    found = {
        name: {_Opened.open(run, runs).record.environment.arithmetic or "unknown" for run in group}
        for name, group in (("A", ones), ("B", others))
    }
    if len(found["A"] | found["B"]) == 1:
        return ""
    words = ", ".join(f"{name} with {' and '.join(sorted(group))}" for name, group in found.items())
    return f"note: computed with unlike arithmetic, {words}; that alone makes two trainings differ as two seeds do"


def describe_test(ones: Sequence[Path], others: Sequence[Path], runs: Path) -> str:
    """Under which protocol, and on which data, the runs were tested, as the tables of runs say it."""
    records = [_Opened.open(run, runs).record for run in (*ones, *others)]
    protocols = " and ".join(dict.fromkeys(record.protocol.name for record in records))
    return f"{protocols} on {describe_data(record.dataset for record in records)}"


def to_plain(compared: Compared) -> dict[str, Any]:
    """`{convention: {metric: {"difference": ..., "verdict": ...}}}` of plain values, as for JSON."""
    return {
        name: {metric: {**asdict(one), "verdict": one.verdict} for metric, one in metrics.items()}
        for name, metrics in compared.items()
    }


def p_of_rows(one: Sequence[Record], other: Sequence[Record]) -> float | None:
    """p of the mAP difference between two rows, each the seeds of one method, under the headline convention.

    Each person's scores are averaged over a row's seeds first. None if the records hold no scores by person, or
    scores of different people.
    """
    everyone = [record.people for record in (*one, *other)]
    if not all(everyone) or len({tuple(split.queries for split in people) for people in everyone}) > 1:
        return None
    number = np.array([split.queries for split in everyone[0]], float)  # [S, I]
    means = [np.mean([[split.AP for split in record.people] for record in row], axis=0) for row in (one, other)]
    return sign_flip(shares(means[0] - means[1], number)).p


class _Opened(NamedTuple):
    """A finished run."""

    folder: RunDirectory
    record: Record

    @property
    def path(self) -> Path:
        return self.folder.path

    @classmethod
    def open(cls, run: Path, runs: Path) -> _Opened:
        folder = find_run(run, runs)
        return cls(folder, Record.from_file(folder.record))

    def read_queries(self, conventions: Sequence[str]) -> PerQuery:
        """The scores of its queries. Raises InputError if the record's do not follow from them."""
        queries = PerQuery.from_file(self.folder.per_query, conventions)
        for sentence in find_query_disagreements(self.record, queries):
            raise InputError(f"{self.folder.per_query}: does not agree with the record: {sentence}; run it again")
        return queries


def _choose(group: Sequence[Path], runs: Path) -> tuple[list[_Opened], list[str]]:
    opened = [_Opened.open(run, runs) for run in group]
    _check_group(opened)
    named = (NamedRecord(each.path, each.record) for each in opened)
    kept, notes = leave_out_repeats(named, lambda record: record.seed)
    return [_Opened(RunDirectory(run.path), run.record) for run in kept], notes


def _check_group(group: Sequence[_Opened]) -> None:
    """Raise InputError unless these are runs of one method by one recipe, which an edit of its plugin changes."""
    first, *others = group
    for each in others:
        methods = [describe_method(run.record) for run in (first, each)]
        if methods[0] != methods[1]:
            raise InputError(
                f"{first.path} and {each.path} are in one group, but they ran {' and '.join(methods)}; expected seeds "
                "of one method in a group, and --with before the runs of the other group"
            )
        if first.record.method.settings != each.record.method.settings:
            recipes = (digest(run.record.method.settings)[:8] for run in (first, each))
            raise InputError(
                f"{first.path} and {each.path} are in one group, but the recipe of {methods[0]} was another then "
                f"({' and '.join(recipes)}); expected seeds of one recipe: run the others again"
            )


def _compare_metric(convention: str, metric: str, ones: Sequence[PerQuery], others: Sequence[PerQuery]) -> Comparison:
    each = [[_values(kept, convention, metric) for kept in group] for group in (ones, others)]  # [Q], by group and run
    counted = ~np.isnan(each[0][0])
    if any(not np.array_equal(~np.isnan(values), counted) for group in each for values in group):
        raise InputError(f"convention {convention}: the runs count different queries; run one of them again")
    pid, split = ones[0].pid, ones[0].split
    scores = [[shares(*sum_by_person(values, pid, split)) for values in group] for group in each]  # [I] each
    a, b = (np.mean(group, axis=0) for group in scores)  # [I] each
    gaps = a - b
    number = sum_by_person(each[0][0], pid, split)[1]  # [S, I]
    test = sign_flip(gaps)
    win, loss, people = int((gaps > SAME).sum()), int((gaps < -SAME).sum()), len(gaps)
    return Comparison(
        a=float(a.sum()),
        b=float(b.sum()),
        spread=(_spread(scores[0]), _spread(scores[1])),
        difference=test.difference,
        interval=_interval(gaps, shares(number, number), test.p),
        p=test.p,
        smallest=test.smallest if people >= FEWEST and win + loss else None,
        people=people,
        win=win,
        tie=people - win - loss,
        loss=loss,
    )


def _spread(scores: Sequence[NDArray[np.float64]]) -> float | None:
    return float(np.std([score.sum() for score in scores], ddof=1)) if len(scores) > 1 else None


def _interval(gaps: NDArray[np.float64], weights: NDArray[np.float64], p: float) -> tuple[float, float]:
    """The interval of the test; where all people have the same difference, what unseen people could add to it."""
    low, high = shift_interval(gaps, weights)
    if high - low > SAME:
        return low, high
    low, high = widen_point((low, low), len(gaps), -1.0, 1.0)
    if p >= SIGNIFICANT:
        return low, high
    above = float(np.nextafter(0, 1))  # an end at 0 is open: the test rejects 0
    return (max(low, above), high) if gaps.sum() > 0 else (low, min(high, -above))


def _values(kept: PerQuery, convention: str, metric: str) -> NDArray[np.float64]:
    """[Q] of a metric whose mean over queries is the score, NaN where a query does not count."""
    scores = kept.scores[convention]
    return scores.average_precision if metric == "mAP" else scores.hits(1)


def _check_alike(a: Path, b: Path, one: Record, other: Record) -> None:
    """Raise InputError unless the two were scored by the same rules on the same data, whatever they trained on."""
    pairs: list[tuple[str, str, DatasetEntry | Ruled, DatasetEntry | Ruled]] = [
        ("dataset", one.dataset.name, one.dataset, other.dataset)
    ]
    strategies = [_test_rules(record)["strategy"] for record in (one, other)]
    same = one.weights.sha256 == other.weights.sha256 and _conditions(one) == _conditions(other)
    same &= set(strategies) <= set(COSTED)
    free = TRAINING + (CONDITION if same else ())
    tests = [{k: v for k, v in record.protocol.rules.items() if k not in free} for record in (one, other)]
    if tests[0] != tests[1]:
        pairs.append(("protocol", one.protocol.name, one.protocol, other.protocol))
    shared = set(one.conventions) & set(other.conventions)
    pairs += [("convention", name, one.conventions[name], other.conventions[name]) for name in sorted(shared)]
    if one.dataset.name != other.dataset.name:
        raise InputError(
            f"{a} and {b} cannot be compared: they were tested on {one.dataset.name} and {other.dataset.name}, "
            "expected one test set"
        )
    for what, name, here, there in pairs:
        if here.fingerprint != there.fingerprint:
            prints = f"{_identify(here)} and {_identify(there)}"
            raise InputError(f"{a} and {b} cannot be compared: they differ in {what} {name} (fingerprints {prints})")
    contents = {record.dataset.content for record in (one, other)} - {None}
    if len(contents) > 1:
        raise InputError(
            f"{a} and {b} cannot be compared: the frames of {one.dataset.name} differ; run one of them again"
        )


def _identify(entry: DatasetEntry | Ruled) -> str:
    """How the fingerprint begins, and of data which copy has it."""
    begin = entry.fingerprint[:8]
    return f"{begin} of {describe_data([entry])}" if isinstance(entry, DatasetEntry) else begin


def _conditions(record: Record) -> int:
    """How many conditions the scores are a mean over: means over different numbers of them cannot be paired."""
    return len(_test_rules(record).get("most", (0,)))


def _test_rules(record: Record) -> dict[str, Any]:
    rules: dict[str, Any] = dict(record.protocol.rules)
    return dict(rules["test"])
