"""Two runs on the same test set, person by person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tabulate import tabulate

from vreid_bench.records.entries import DatasetEntry, Ruled
from vreid_bench.records.per_query import PerQuery
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import find_run
from vreid_bench.scoring.bootstrap import interval, sum_by_person
from vreid_bench.scoring.sign_flip import SIGNIFICANT, shares, sign_flip
from vreid_bench.system.errors import InputError

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
    """One metric of two runs under one convention; fractions, differences are A - B."""

    a: float
    b: float
    difference: float
    interval: tuple[float, float]  # 95 %, over people
    p: float  # sign-flip permutation test over people, two-sided
    smallest: float  # the smallest difference that this test set can show at 5 %
    win: int  # people whose queries A scores better on average
    tie: int
    loss: int

    @property
    def verdict(self) -> str:
        """In words."""
        if self.win == self.loss == 0:
            return "no difference"
        if self.p >= SIGNIFICANT:
            return "not separable"
        return "A is better" if self.difference > 0 else "B is better"


def compare(a: Path, b: Path, runs: Path = Path("runs")) -> dict[str, dict[str, Comparison]]:
    """Convention -> metric (mAP, R1) -> comparison of two runs by folder or id, the headline convention first.

    Raises InputError if a run is not finished, and for runs that were not scored by the same rules on the same data,
    and names what differs.
    """
    folders = [find_run(run, runs) for run in (a, b)]
    a, b = (folder.path for folder in folders)
    records = [Record.from_file(folder.record) for folder in folders]
    _check_alike(a, b, *records)
    head = records[0].protocol.headline
    names = [head, *sorted((set(records[0].conventions) & set(records[1].conventions)) - {head})]
    one, other = (PerQuery.from_file(folder.per_query, names) for folder in folders)
    for array in PAIRED:
        if not np.array_equal(getattr(one, array), getattr(other, array)):
            file = folders[0].per_query.name
            raise InputError(f"{a} and {b}: their {file} hold different queries ({array}); run one of them again")
    return {name: {metric: _compare_metric(name, metric, one, other) for metric in METRICS} for name in names}


def to_plain(compared: Mapping[str, Mapping[str, Comparison]]) -> dict[str, Any]:
    """`{convention: {metric: {"difference": ..., "verdict": ...}}}` of plain values, as for JSON."""
    return {
        name: {metric: {**asdict(one), "verdict": one.verdict} for metric, one in metrics.items()}
        for name, metrics in compared.items()
    }


def render(compared: Mapping[str, Mapping[str, Comparison]]) -> str:
    """A table in percent, a line for each convention and metric."""
    headers = ["convention", "metric", "A", "B", "A - B", "95 %", "p", "smallest", "win/tie/loss", "verdict"]
    rows = []
    for name, metrics in compared.items():
        for metric, one in metrics.items():
            low, high = (100 * end for end in one.interval)
            cells = [f"{100 * one.a:.1f}", f"{100 * one.b:.1f}", f"{100 * one.difference:+.1f}"]
            cells += [f"{low:+.1f} to {high:+.1f}", f"{one.p:.2g}", f"{100 * one.smallest:.1f}"]
            rows.append([name, metric, *cells, f"{one.win}/{one.tie}/{one.loss}", one.verdict])
    return tabulate(rows, headers, disable_numparse=True, colalign=["left", "left", *["right"] * 7, "left"])


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


def _compare_metric(convention: str, metric: str, a: PerQuery, b: PerQuery) -> Comparison:
    one, other = (_values(kept, convention, metric) for kept in (a, b))  # [Q] each
    if not np.array_equal(np.isnan(one), np.isnan(other)):
        raise InputError(f"convention {convention}: the runs count different queries; run one of them again")
    each = [shares(*sum_by_person(values, a.pid, a.split)) for values in (one, other)]  # [I] each
    gaps = each[0] - each[1]  # [I]
    test = sign_flip(gaps)
    win, loss = int((gaps > SAME).sum()), int((gaps < -SAME).sum())
    return Comparison(
        a=float(each[0].sum()),
        b=float(each[1].sum()),
        difference=test.difference,
        interval=interval(one - other, a.pid, a.split),
        p=test.p,
        smallest=test.smallest,
        win=win,
        tie=len(gaps) - win - loss,
        loss=loss,
    )


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
    for what, name, here, there in pairs:
        if here.fingerprint != there.fingerprint:
            prints = f"fingerprints {here.fingerprint[:8]} and {there.fingerprint[:8]}"
            raise InputError(f"{a} and {b} cannot be compared: they differ in {what} {name} ({prints})")
    contents = {record.dataset.content for record in (one, other)} - {None}
    if len(contents) > 1:
        raise InputError(
            f"{a} and {b} cannot be compared: the frames of {one.dataset.name} differ; run one of them again"
        )


def _conditions(record: Record) -> int:
    """How many conditions the scores are a mean over: means over different numbers of them cannot be paired."""
    return len(_test_rules(record).get("most", (0,)))


def _test_rules(record: Record) -> dict[str, Any]:
    rules: dict[str, Any] = dict(record.protocol.rules)
    return dict(rules["test"])
