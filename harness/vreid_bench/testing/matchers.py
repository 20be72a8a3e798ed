"""Laws of matchers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from unittest import SkipTest

import torch
from torch import Tensor

from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.modeling.probe import differ, draw_like
from vreid_bench.ops.distance import batch_hard, pairwise_distance
from vreid_bench.system.errors import InputError
from vreid_bench.testing.modules import MODULE
from vreid_bench.testing.subject import Subject
from vreid_bench.testing.trial import COUNTS, PIDS, MatcherTrial

QUERIES = (4, 0, 2)  # tracklets of the batch, in an order of their own


def check_padding(subject: Subject) -> None:
    """Clips that are not valid change no distance, whatever stands in their place."""
    trial, matcher = MatcherTrial(subject), subject.build()
    clips = trial.pack(trial.given)
    spoiled = replace(
        clips,
        embedding=_spoil(clips.embedding, clips.valid),
        importance=_spoil(clips.importance, clips.valid),
        extra={name: _spoil(value, clips.valid) for name, value in clips.extra.items()},
    )
    with torch.no_grad():
        plain, other = (matcher.represent(each) for each in (clips, spoiled))
        same = not differ(matcher.distance(plain, plain), matcher.distance(other, other))
    if not same:
        raise InputError(
            f"{subject.title}: distances change with numbers at places where `valid` is False, expected that these "
            "are left out; multiply by clips.valid, or use clips.mean()"
        )


def check_rows(subject: Subject) -> None:
    """Rows of the distances follow the queries and columns the gallery, in any order and any number of each."""
    trial, matcher = MatcherTrial(subject), subject.build()
    with torch.no_grad():
        every = matcher.represent(trial.pack(trial.given))
        distance = matcher.distance(every, every)
        order = list(range(len(every)))[::-1]
        for query, gallery in ((list(QUERIES), order), (order, list(QUERIES)), ([3], [1]), ([1], [3])):
            found = matcher.distance(every.rows(query), every.rows(gallery))
            if found.shape != (len(query), len(gallery)):
                raise InputError(
                    f"{subject.title}: distance: found {list(found.shape)} for Q = {len(query)} and "
                    f"G = {len(gallery)}, expected [Q, G]; return a row for each query"
                )
            _compare(subject, distance, found, query, gallery)


def check_represented_alone(subject: Subject) -> None:
    """A tracklet is represented the same whether it stands alone or beside longer ones."""
    trial, matcher = MatcherTrial(subject), subject.build()
    short = [row for row, count in enumerate(COUNTS) if count == 1]
    clips = trial.pack(trial.given)
    alone = replace(
        clips.rows(short),
        embedding=clips.embedding[short][:, :1],
        importance=clips.importance[short][:, :1],
        valid=clips.valid[short][:, :1],
        extra={name: value[short][:, :1] for name, value in clips.extra.items()},
    )
    with torch.no_grad():
        beside, apart = matcher.represent(clips), matcher.represent(alone)
        full = matcher.represent(clips)
        if differ(matcher.distance(beside.rows(short), full), matcher.distance(apart, full)):
            raise InputError(
                f"{subject.title}: a tracklet of one clip has other distances if longer tracklets stand in its batch, "
                "expected the same; leave out the clips where `valid` is False"
            )


def check_hardest(subject: Subject) -> None:
    """Its own `hardest`, if it has one, finds what batch-hard finds in its distances."""
    trial, matcher = MatcherTrial(subject), subject.build()
    fused = getattr(matcher, "hardest", None)
    if fused is None:
        raise SkipTest("it has no hardest() of its own")
    pids = torch.tensor(PIDS)
    with torch.no_grad():
        represented = matcher.represent(trial.pack(trial.given))
        found, expected = fused(represented, pids), batch_hard(matcher.distance(represented, represented), pids)
    for name in ("positive", "negative"):
        if differ(getattr(expected, name), getattr(found, name)):
            raise InputError(
                f"{subject.title}: hardest() has another {name} than the distances, expected the farthest of the same "
                "person and the nearest of another; leave hardest() out, and the distances are searched"
            )


def check_vectors(subject: Subject) -> None:
    """Its `vectors` and `metric`, if it has them, give its distances."""
    trial = MatcherTrial(subject)
    matcher: Any = subject.build()
    trial.fit(matcher)
    if not _compares_vectors(matcher):
        raise SkipTest("it has no vectors() and metric")
    with torch.no_grad():
        represented = matcher.represent(trial.pack(trial.given))
        vectors = matcher.vectors(represented)
        expected = matcher.distance(represented, represented)
        found = pairwise_distance(vectors, vectors, matcher.metric)
        off = ~torch.eye(len(vectors), dtype=torch.bool)
    if differ(expected[off], found[off]):
        raise InputError(
            f"{subject.title}: the {matcher.metric} distances of vectors() are other ones than those of distance(), "
            "expected the same ranking from both; correct `metric`, or leave vectors() out"
        )


MATCHER = (
    *MODULE,
    check_padding,
    check_rows,
    check_represented_alone,
    check_hardest,
    check_vectors,
)


def _compares_vectors(matcher: Any) -> bool:
    return isinstance(matcher, ComparesVectors)


def _spoil(value: Tensor, valid: Tensor) -> Tensor:
    """Other numbers in the places that are not valid; values that are no floating-point numbers stay."""
    if not value.is_floating_point():
        return value
    other = draw_like(value.flatten(0, 1), valid.numel(), seed=3).reshape(value.shape) + 1
    keep = valid.reshape(*valid.shape, *[1] * (value.ndim - 2))
    return torch.where(keep, value, other)


def _compare(subject: Subject, distance: Tensor, found: Tensor, query: Sequence[int], gallery: Sequence[int]) -> None:
    expected = distance[list(query)][:, list(gallery)]
    other = torch.tensor(query)[:, None] != torch.tensor(gallery)  # to itself, a distance is rounding alone
    scale = distance.abs().max()
    if other.any() and float((expected - found)[other].abs().max()) > 1e-3 * float(scale):
        raise InputError(
            f"{subject.title}: the distance of a query to a gallery tracklet changes with the order or the number of "
            "the others, expected that rows follow the queries and columns the gallery; use each pair alone"
        )
