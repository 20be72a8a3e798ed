"""The text files of TREC: `run` (query Q0 document rank score tag) and `qrels` (query 0 document relevance)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

RUN, QRELS = 6, 4  # fields in a line


def find_form(head: str) -> int:
    """How many fields the lines have: RUN, QRELS, or 0 for a text that is neither."""
    lines = [line.split() for line in head.splitlines()[:-1] or head.splitlines() if line.strip()]
    for size, score in ((RUN, 4), (QRELS, 3)):
        if lines and all(len(line) == size and _is_number(line[score]) for line in lines):
            return size
    return 0


def read_run(path: Path) -> dict[str, list[str]]:
    """The documents of each query, as trec_eval orders them: by score, equal scores by name, both falling.

    Raises ValueError for a line that does not have six fields, or a document that is listed twice.
    """
    lists: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for number, (query, _, document, _, score, _) in enumerate(_read(path, RUN), 1):
        if not _is_number(score):
            raise ValueError(f"line {number}: the score {score[:40]!r} is not a number")
        lists[query].append((float(score), document))
    ordered = {query: [document for _, document in sorted(found, reverse=True)] for query, found in lists.items()}
    for query, documents in ordered.items():
        if len(set(documents)) < len(documents):
            raise ValueError(f"query {query!r} lists a document twice")
    return ordered


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """The relevance of the judged documents of each query."""
    judged: dict[str, dict[str, int]] = defaultdict(dict)
    for number, (query, _, document, relevance) in enumerate(_read(path, QRELS), 1):
        if not relevance.lstrip("-").isdigit():
            raise ValueError(f"line {number}: the relevance {relevance[:40]!r} is not a whole number")
        judged[query][document] = int(relevance)
    return dict(judged)


def to_run(lists: Mapping[str, Sequence[str]]) -> bytes:
    """A run whose scores fall with the rank."""
    lines = [
        f"{query} Q0 {document} {rank} {len(documents) - rank} vreid-bench"
        for query, documents in lists.items()
        for rank, document in enumerate(documents, 1)
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def to_qrels(matches: Mapping[str, Sequence[str]]) -> bytes:
    """The matches of each query, with relevance 1."""
    return "".join(f"{query} 0 {document} 1\n" for query, found in matches.items() for document in found).encode()


def _read(path: Path, size: int) -> list[list[str]]:
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        fields = line.split()
        if fields and len(fields) != size:
            raise ValueError(f"line {number} has {len(fields)} fields, expected {size}")
        if fields:
            rows.append(fields)
    return rows


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
