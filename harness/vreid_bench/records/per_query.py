"""What a run keeps of every query (`per_query.npz`): paired tests and other conventions are computed from it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from vreid_bench.contracts.convention import Admission
from vreid_bench.records.names import NAMES, Names
from vreid_bench.records.npz import read_npz, to_npz
from vreid_bench.system.errors import InputError

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

QUERY_ARRAYS = ("split", "query", "pid", "camid", "in_gallery")
MATCH_ARRAYS = ("query", "group", "before")  # in the file as `match.query`, ...
ALIKE = "match.alike."  # before the name of an attribute
ADMISSION = TypeAdapter(Admission)
AP, FIRST_RANK = ".ap", ".first_rank"  # behind the name of a convention


@dataclass(frozen=True)
class QueryScores:
    """The scores of each query under one convention, NaN where a query does not count."""

    average_precision: Floats  # [Q] fractions
    first_rank: Ints  # [Q] 0-based rank of the first match, -1 where there is none

    def hits(self, cutoff: int) -> Floats:
        """1 where a match is among the first `cutoff`, else 0; NaN where the query does not count: [Q]."""
        hit = (self.first_rank >= 0) & (self.first_rank < cutoff)
        return np.where(np.isnan(self.average_precision), np.nan, hit)

    def cmc(self, cutoffs: int) -> list[float]:
        """Share of the queries that count with a match among the first 1, 2, ... `cutoffs`."""
        first = self.first_rank[~np.isnan(self.average_precision)]
        found = np.bincount(first[(first >= 0) & (first < cutoffs)], minlength=cutoffs)
        return [float(share) for share in np.cumsum(found) / len(first)]

    def select(self, mask: Bools) -> QueryScores:
        """The scores of the queries in a mask [Q]."""
        return QueryScores(self.average_precision[mask], self.first_rank[mask])

    @staticmethod
    def join(splits: Sequence[QueryScores]) -> QueryScores:
        """The scores of several splits, one after another."""
        precision, first = ([getattr(s, name) for s in splits] for name in ("average_precision", "first_rank"))
        return QueryScores(np.concatenate(precision), np.concatenate(first))


@dataclass(frozen=True)
class MatchCounts:
    """How many gallery items come before each match, as `ranks.Counts` has it of one split."""

    query: Ints  # [M] position among the queries of all splits, rising
    group: Ints  # [M]
    before: Ints  # [M, K]
    alike: Mapping[str, Bools]  # [M] by attribute: has the match the query's value?
    admissions: tuple[Admission, ...]  # A: who may take part, beside everybody
    asks: Bools  # [Q, A] which queries take part


@dataclass(frozen=True)
class PerQuery:
    """The queries of all splits, one split after another, with their scores and the counts of their matches."""

    split: Ints  # [Q] number of the split
    query: Ints  # [Q] test row
    pid: Ints  # [Q]
    camid: Ints  # [Q]
    in_gallery: Bools  # [Q] is the query tracklet a gallery item?
    matches: MatchCounts
    scores: Mapping[str, QueryScores]  # by convention, of those that could be applied
    names: Names = field(default_factory=dict)  # [Q] each; none in files of earlier versions

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays under their names in the file."""
        arrays: dict[str, NDArray[Any]] = {name: getattr(self, name) for name in QUERY_ARRAYS}
        arrays |= self.names
        # half the size, and enough for any gallery
        arrays |= {f"match.{name}": getattr(self.matches, name).astype(np.int32) for name in MATCH_ARRAYS}
        arrays |= {f"{ALIKE}{name}": alike for name, alike in self.matches.alike.items()}
        if self.matches.admissions:
            arrays["asks"] = self.matches.asks
            arrays["admissions"] = np.array([json.dumps(each) for each in self.matches.admissions])
        for name, scores in self.scores.items():
            arrays |= {f"{name}{AP}": scores.average_precision, f"{name}{FIRST_RANK}": scores.first_rank}
        return arrays

    def to_bytes(self) -> bytes:
        """The content of the file."""
        return to_npz(self.arrays())

    @classmethod
    def from_file(cls, path: Path, conventions: Iterable[str] = ()) -> PerQuery:
        """Read what `to_bytes` wrote. Raises InputError unless all is there, the scores under `conventions` too."""
        arrays = read_npz(path)
        names = {name.removesuffix(AP) for name in arrays if name.endswith(AP)}

        def take(name: str) -> NDArray[Any]:
            if name not in arrays:
                raise InputError(f"{path}: has no array {name!r}; run it again with this version")
            return arrays[name]

        queries = {name: take(name) for name in QUERY_ARRAYS}
        matches = {name: _as_ints(take(f"match.{name}")) for name in MATCH_ARRAYS}
        scores = {
            name: QueryScores(take(f"{name}{AP}"), take(f"{name}{FIRST_RANK}"))
            for name in sorted(names.union(conventions))
        }
        known = {name: arrays[name] for name in NAMES if name in arrays}
        admissions = _read_admissions(path, arrays.get("admissions", np.zeros(0, np.str_)))
        counts = MatchCounts(
            **matches,
            alike={name.removeprefix(ALIKE): array for name, array in arrays.items() if name.startswith(ALIKE)},
            admissions=admissions,
            asks=take("asks") if admissions else np.zeros((len(queries["query"]), 0), bool),
        )
        found = cls(**queries, matches=counts, scores=scores, names=known)
        found._check(path)
        return found

    def _check(self, path: Path) -> None:
        """Raise InputError for an array of another type or another number of rows than the rest need."""
        queries, admitted = np.shape(self.query)[:1], len(self.matches.admissions)
        rows = np.shape(self.matches.query)[:1]
        each = {name: (getattr(self, name), "iu", queries) for name in QUERY_ARRAYS[:-1]}
        each["in_gallery"] = self.in_gallery, "b", queries
        each |= {name: (array, "U", queries) for name, array in self.names.items()}
        each |= {f"match.{name}": (getattr(self.matches, name), "iu", rows) for name in MATCH_ARRAYS[:-1]}
        each["match.before"] = self.matches.before, "iu", (*rows, *np.shape(self.matches.before)[1:2])
        each |= {f"{ALIKE}{name}": (array, "b", rows) for name, array in self.matches.alike.items()}
        each["asks"] = self.matches.asks, "b", (*queries, admitted)
        for name, scores in self.scores.items():
            each[f"{name}{AP}"] = scores.average_precision, "f", queries
            each[f"{name}{FIRST_RANK}"] = scores.first_rank, "iu", queries
        for name, (array, kinds, shape) in each.items():
            if array.dtype.kind not in kinds or array.shape != shape or (name == "match.before" and array.ndim != 2):
                raise InputError(
                    f"{path}: {name} is {array.dtype} {list(array.shape)}, which does not fit the other arrays; the "
                    "file is damaged: repeat the command of its run with --anew"
                )
        query, before = self.matches.query, self.matches.before
        if query.size and (query.min() < 0 or query.max() >= len(self.query) or (np.diff(query) < 0).any()):
            raise InputError(f"{path}: match.query does not name its queries in order; the file is damaged")
        if before.size and before.min() < 0:
            raise InputError(f"{path}: match.before holds {before.min()}, expected 0 or more; the file is damaged")


def _as_ints(array: NDArray[Any]) -> NDArray[Any]:
    """As 64 bits, which the file does not need; what is no whole number stays as it is, to be refused."""
    return array.astype(np.int64) if array.dtype.kind in "iu" else array


def _read_admissions(path: Path, texts: NDArray[Any]) -> tuple[Admission, ...]:
    try:
        if texts.ndim != 1 or texts.dtype.kind != "U":
            raise ValueError(f"they are {texts.dtype} {list(texts.shape)}")
        return tuple(ADMISSION.validate_json(text) for text in texts.tolist())
    except ValueError as fault:  # of pydantic, too
        reason = " ".join(str(fault).split())[:200]
        raise InputError(f"{path}: admissions cannot be read ({reason}); the file is damaged") from fault
