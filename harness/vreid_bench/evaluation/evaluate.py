"""How trained weights are tested: on the data as it is, or under each condition of the protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import DISTRACTOR, JUNK, Split
from vreid_bench.contracts.parts import Clips, ComparesVectors
from vreid_bench.contracts.protocol import Corruption, Selection
from vreid_bench.modeling.corruption import spoiled
from vreid_bench.modeling.embed import Cut, embed, embed_clips
from vreid_bench.modeling.model import Model
from vreid_bench.planning.work import Run, Work
from vreid_bench.records.feature_store import Store
from vreid_bench.scoring.clusters import mean_diameter
from vreid_bench.scoring.metrics import NotComputable, Outcome, judge
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

Ranking = Callable[[tuple[Clips, Clips], Labels], Outcome]


@dataclass(frozen=True)
class Tested:
    """One test of one fold: under which condition, its scores, and the length of each test tracklet."""

    condition: str
    outcome: Outcome
    frames: Sequence[int]  # [N]
    diameter: float | None  # of persons' clusters as they are ranked; None where pairs of clips are


@dataclass(frozen=True)
class Features:
    """The test tracklets of a fold: represented; or, where some clips are to be spoiled, every clip twice."""

    kept: Store
    spoiled: Store | None = None


def embedded(this: Run, model: Model, work: Work) -> Features:
    """The features of all test tracklets, from the folder if they are there already: no clip is encoded twice."""
    test, clipping, directory = work.fold.test, this.plan.method.test, work.directory
    corruption = this.plan.protocol.corruption
    ways: list[tuple[Any, Callable[..., Store]]]
    if corruption is None:
        ways = [(directory.features, partial(embed, model, test.test, clipping, this.reader))]
    else:
        cuts = {directory.features: Cut(clipping), directory.spoiled: Cut(clipping, corruption)}
        ways = [(path, partial(embed_clips, model, test.test, cut, this.reader)) for path, cut in cuts.items()]
    missing = [(path, make) for path, make in ways if not path.exists()]
    if missing:
        with work.meter.stage("embed"):
            for path, make in missing:
                write_atomic(path, make().to_bytes(Labels.of(test), model.matcher))
    return Features(*(Store.from_file(path) for path, _ in ways))


def tested(this: Run, model: Model, features: Features, work: Work) -> list[Tested]:
    """Every condition's ranking of every query, scored under every convention."""
    protocol, test = this.plan.protocol, work.fold.test
    ranking = partial(ranked, this, model)
    with work.meter.stage("score"):
        if protocol.corruption is not None:
            return list(_corrupted(this, model, features, test, protocol.corruption))
        everyone = features.kept.to(this.reader.device).clips(slice(None))
        if protocol.selection is not None:
            return list(_selected(ranking, everyone, test, protocol.selection))
        lengths = [len(tracklet.frames) for tracklet in test.test]
        labels = Labels.of(test)
        return [Tested("", ranking((everyone, everyone), labels), lengths, diameter(model, everyone, labels))]


def ranked(this: Run, model: Model, sides: tuple[Clips, Clips], labels: Labels) -> Outcome:
    """One ranking, judged. Raises InputError if the convention that heads the protocol cannot be applied."""
    part, headline = this.plan.reranker, this.plan.protocol.headline
    reranker = None if part is None else this.registry.factory("rerankers", part)()
    counts = rank_by_matcher(model.matcher, sides, labels, reranker, this.plan.memory, this.reader.quiet)
    judged = judge(counts, this.plan.conventions)
    if isinstance(verdict := judged[headline], NotComputable):
        raise InputError(f"{headline}, which heads this protocol: not computable, {verdict.reason}")
    return Outcome(labels, counts, judged)


def diameter(model: Model, clips: Clips, labels: Labels) -> float | None:
    """`mean_diameter` of represented test tracklets, where each is one vector."""
    if not isinstance(model.matcher, ComparesVectors):
        return None
    with torch.inference_mode():
        return mean_diameter(model.matcher.vectors(clips).float().cpu().numpy(), labels.pids)


def _corrupted(this: Run, model: Model, features: Features, test: Split, corruption: Corruption) -> Iterator[Tested]:
    """The same clips at every condition, more and more of them spoiled."""
    assert features.spoiled is not None, "a protocol with a corruption embeds every clip twice"
    labels, lengths, device = Labels.of(test), [len(tracklet.frames) for tracklet in test.test], this.reader.device
    kept, bad = features.kept.to(device), features.spoiled.to(device)

    def represented(store: Store) -> Clips:
        return store.represented(model.matcher).to(device).clips(slice(None))

    clean = represented(kept) if corruption.side == "query" else None
    for condition, mask in masks(corruption, test, kept.counts):
        mixed = represented(kept.replaced(bad, mask))
        sides = mixed, mixed if clean is None else clean
        yield Tested(condition, ranked(this, model, sides, labels), lengths, diameter(model, sides[1], labels))


def masks(corruption: Corruption, test: Split, counts: Sequence[int]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Under each condition, which clips [S] of all test tracklets are spoiled; `counts` [N] clips of each, S in all."""
    for condition, most in zip(corruption.conditions, corruption.most, strict=True):
        which = [spoiled(corruption, t, most, n) for t, n in zip(test.test, counts, strict=True)]
        yield condition, np.concatenate(which)


def _selected(ranking: Ranking, everyone: Clips, test: Split, selection: Selection) -> Iterator[Tested]:
    """One descriptor for each identity, of one tracklet or of all; nothing random is repeated once."""
    if everyone.embedding.shape[1] != 1:
        raise InputError("tracklet selection averages one vector a tracklet; this matcher keeps clips to pair them")
    asked = set(test.query)
    probes = _identities(test, test.query)
    gallery = _identities(test, [row for row in test.gallery if row not in asked])
    for condition, (probe, other) in zip(selection.conditions, selection.pairs, strict=True):
        for repeat in range(selection.repeats if "random" in (probe, other) else 1):
            sides = [(probes, probe, "probe"), (gallery, other, "gallery")]
            rows = [
                _chosen(person, number, f"{selection.seed} {repeat} {side}") if how == "random" else person
                for people, how, side in sides
                for number, person in enumerate(people)
            ]
            vectors = torch.stack([everyone.embedding[row, 0].mean(0) for row in rows])  # [probes + gallery, E]
            pids = np.array([test.test[row[0]].pid for row in rows])
            first = len(probes)
            side = np.arange(len(rows)) >= first  # cameras play no part: every match is before another one
            labels = Labels(pids, side.astype(np.int64), np.arange(first), np.arange(first, len(rows)))
            lengths = [sum(len(test.test[r].frames) for r in row) for row in rows]
            clips = Clips.single(vectors)
            spread = mean_diameter(vectors.cpu().numpy(), pids)
            yield Tested(condition, ranking((clips, clips), labels), lengths, spread)


def _identities(test: Split, rows: Sequence[int]) -> list[list[int]]:
    """The rows of each person, by pid, then each distractor alone; junk is nobody's."""
    persons: dict[int, list[int]] = {}
    for row in rows:
        persons.setdefault(test.test[row].pid, []).append(row)
    alone = [[row] for row in persons.pop(DISTRACTOR, [])]
    persons.pop(JUNK, None)
    return [persons[pid] for pid in sorted(persons)] + alone


def _chosen(rows: Sequence[int], number: int, purpose: str) -> list[int]:
    """One of the rows, drawn from what is named alone, so that every method meets the same choice."""
    draw = hashlib.sha256(f"{purpose} {number}".encode()).digest()[:8]
    return [rows[int.from_bytes(draw) * len(rows) >> 64]]
