"""The curves of a finished run, from the files in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vreid_bench.records.per_query import PerQuery
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.records.scores import RANKS
from vreid_bench.training.log import VALIDATION, read_validations

Arrays = Mapping[str, NDArray[Any]]


def collect_cmc(folder: RunDirectory) -> Arrays:
    """The CMC curves of each of P rankings and their mean, for ranks 1 to R, under each convention.

    As Wu et al. 2019, Fig. 9.
    """
    queries = PerQuery.from_file(folder.per_query)
    rankings = np.unique(queries.split)  # [P]
    arrays: dict[str, NDArray[Any]] = {"rank": np.arange(1, RANKS + 1), "split": rankings}
    for name, scores in queries.scores.items():
        curves = np.array([scores.select(queries.split == ranking).cmc(RANKS) for ranking in rankings])  # [P, R]
        arrays |= {f"{name}.splits": curves, f"{name}.cmc": curves.mean(0)}
    return arrays


def collect_validations(folder: RunDirectory, record: Record) -> Arrays:
    """The V scores during the trainings of all splits, in order; empty without `--validate`.

    As Wu et al. 2019, Fig. 10.
    """
    total, ran = (1, (0,)) if record.splits is None else (record.splits.total, record.splits.ran)
    lines = [(number, line) for number in ran for line in read_validations(folder.fold(number, total).log)]
    if not lines:
        return {}
    columns = {name: [line[f"{VALIDATION}{name}"] for _, line in lines] for name in ("steps", "mAP", "R1")}
    columns |= {"split": [number for number, _ in lines], "stage": [line["stage"] for _, line in lines]}
    return {name: np.array(values) for name, values in columns.items()}
