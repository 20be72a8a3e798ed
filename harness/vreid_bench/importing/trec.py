"""The text files of TREC: `run` (query Q0 document rank score tag) and `qrels` (query 0 document relevance)."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from vreid_bench.importing.tables import is_number

RUN, QRELS = 6, 4  # fields in a line


def find_form(head: str) -> int:
    """How many fields the lines have: RUN, QRELS, or 0 for a text that is neither."""
    lines = [line.split() for line in head.splitlines()[:-1] or head.splitlines() if line.strip()]
    for size, score in ((RUN, 4), (QRELS, 3)):
        if lines and all(len(line) == size and is_number(line[score]) for line in lines):
            return size
    return 0


def read_run(path: Path) -> dict[str, tuple[str, ...]]:
    """The documents of each query, as trec_eval orders them: by score, equal scores by name, both falling.

    Raises ValueError for a line that does not have six fields, or a document that is listed twice.
    """
    number: dict[str, int] = {}  # of each document, so that a name is kept once however many queries list it
    scores: dict[str, array[float]] = defaultdict(lambda: array("d"))
    documents: dict[str, array[int]] = defaultdict(lambda: array("q"))
    for line, (query, _, document, _, score, _) in _read(path, RUN):
        if not is_number(score):
            raise ValueError(f"line {line}: the score {score[:40]!r} is not a number")
        scores[query].append(float(score))
        documents[query].append(number.setdefault(document, len(number)))
    names = list(number)
    falling = np.empty(len(names), np.int64)  # the place of each name, Z before A
    falling[sorted(range(len(names)), key=names.__getitem__, reverse=True)] = np.arange(len(names))
    ordered = {}
    for query, listed in documents.items():
        found = np.frombuffer(listed, np.int64)
        if len(np.unique(found)) < len(found):
            raise ValueError(f"query {query!r} lists a document twice")
        order = np.lexsort([falling[found], -np.frombuffer(scores[query])])
        ordered[query] = tuple(names[place] for place in found[order].tolist())
    return ordered


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """The relevance of the judged documents of each query."""
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    for number, (query, _, document, relevance) in _read(path, QRELS):
        if not relevance.lstrip("-").isdigit():
            raise ValueError(f"line {number}: the relevance {relevance[:40]!r} is not a whole number")
        judged[query][document] = int(relevance)
    return dict(judged)


def to_run(lists: Mapping[str, Sequence[str]]) -> bytes:
    """A run whose scores fall with the rank."""
    content = bytearray()
    for query, documents in lists.items():
        lines = (
            f"{query} Q0 {document} {rank} {len(documents) - rank} vreid-bench\n"
            for rank, document in enumerate(documents, 1)
        )
        content += "".join(lines).encode()
    return bytes(content)


def to_qrels(matches: Mapping[str, Sequence[str]]) -> bytes:
    """The matches of each query, with relevance 1."""
    return "".join(f"{query} 0 {document} 1\n" for query, found in matches.items() for document in found).encode()


def _read(path: Path, size: int) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line, with its number."""
    with path.open(encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            fields = line.split()
            if fields and len(fields) != size:
                raise ValueError(f"line {number} has {len(fields)} fields, expected {size}")
            if fields:
                yield number, fields
