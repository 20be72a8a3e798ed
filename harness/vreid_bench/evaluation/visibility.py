"""Compares the weights of frames and clips with the true visibility of the person, which rendered data contains.

Weights can only be compared within a clip or a tracklet: attention sums to 1 over the frames of a clip, learned
importance over the pairs of clips of two tracklets. So frames are ranked within their clip, and clips within their
tracklet. Only query tracklets are measured. The visibility of a clip is the mean over its frames; that of a spoiled
clip is 0, however it was spoiled, and so its frames are not ranked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vreid_bench.contracts.dataset import Dataset, Split, VisibilityReader
from vreid_bench.contracts.parts import Clips, WeighsClips
from vreid_bench.contracts.recipe import Clipping
from vreid_bench.evaluation.agreement import Agreement, Floats, Groups, Key
from vreid_bench.evaluation.strategies.corruption import Corruption
from vreid_bench.evaluation.trained_model import TrainedModel
from vreid_bench.modeling.clips import clip_indices
from vreid_bench.modeling.listening import find_able, listen_to_attention
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.view import View
from vreid_bench.planning.plan import RunRequest, plan_run
from vreid_bench.records.entries import DatasetEntry
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.registry.registry import Registry
from vreid_bench.system.environment import prepare
from vreid_bench.system.errors import InputError

FRAMES, CLIPS, PAIRS = "attention to frames", "attention to clips", "importance in pairs of clips"


@dataclass(frozen=True)
class TrackletVisibility:
    """A test tracklet: its person, its clips among all test clips, and the visibility of each of their frames."""

    pid: int
    clips: slice
    visibility: Floats  # [C, T]


@dataclass(frozen=True)
class ClipWeights:
    """The weights and the features of all S test clips under one condition."""

    condition: str
    spoiled: NDArray[np.bool_]  # [S]
    importance: Floats  # [S], from the aggregator
    query: Clips  # represented, all test tracklets on the query side
    gallery: Clips  # represented, only those of the gallery


def measure_visibility(run: Path, runs: Path, protocol: str | None = None, **options: Any) -> dict[Key, Agreement]:
    """How well the weights of a finished run agree with visibility; `options` are fields of `RunRequest`.

    Raises InputError if the data has no visibility, or if the method has no weights that vary.
    """
    request = RunRequest(name=None, protocol=protocol, source=run, runs=runs, **options)
    machine = prepare(request.device, request.threads, quiet=request.quiet)
    plan = plan_run(Registry.installed(), request)
    truth = read_visibility(plan.registry, plan.dataset)
    method, strategy = plan.chosen.method, plan.protocol.test
    corruption = strategy if isinstance(strategy, Corruption) else None
    found: defaultdict[Key, Groups] = defaultdict(Groups)
    for fold in plan.folds:
        model = Model(method, plan.registry.factories(method))
        if not (
            model.weighs_clips or isinstance(model.matcher, WeighsClips) or find_able(model.aggregator, "attention")
        ):
            raise InputError(
                f"{plan.chosen.name} weighs neither frames nor clips; name a run of a method with attention or learned "
                "importance"
            )
        trained = TrainedModel.load(model, method, plan.source, fold, machine)
        for key, weights, visible, pid in compare_fold(trained, corruption, fold.test, truth):
            found[key].add(weights, visible, pid)
    agreements = {key: agreement for key, groups in found.items() if (agreement := groups.agreement())}
    if not agreements:
        raise InputError(
            f"{plan.chosen.name} under {plan.protocol.name}: no weights of frames or clips vary where visibility "
            "varies; name a run of a method with attention or learned importance"
        )
    return agreements


def knows_visibility(registry: Registry, dataset: Dataset | DatasetEntry) -> bool:
    """Is it rendered data whose reader tells the visibility?"""
    return dataset.source == "synthetic" and isinstance(registry.get("datasets", dataset.name), VisibilityReader)


def read_visibility(registry: Registry, dataset: Dataset) -> Mapping[str, float]:
    """The visibility of each frame by its path. Raises InputError if the data has none."""
    reader = registry.get("datasets", dataset.name)
    if not isinstance(reader, VisibilityReader):
        raise InputError(f"{dataset.name} has no visibility of persons; use the synthetic twin of mars")
    return reader.visibility(dataset.root)


def compare_fold(
    trained: TrainedModel, corruption: Corruption | None, test: Split, truth: Mapping[str, float]
) -> Iterator[tuple[Key, Floats, Floats, int]]:
    """Yields weights and visibility, of the frames of a clip or of the clips of a tracklet, and the person's pid."""
    everyone = list(_read_truth(test, trained.clipping, truth))
    matcher = trained.model.matcher
    with listen_to_attention(trained.model.aggregator) as heard:
        kept = trained.embed(test.test, View(represented=False))
    attention = [row.double().numpy() for piece in heard for row in piece]  # S arrays [T'], or none
    for clip_weights in _weigh(trained, corruption, test, kept):
        for row in test.query:
            tracklet = everyone[row]
            spoiled = clip_weights.spoiled[tracklet.clips]  # [C]
            for weights, frames, bad in zip(attention[tracklet.clips], tracklet.visibility, spoiled, strict=False):
                if len(weights) != len(frames):
                    raise InputError(
                        f"attention: found {len(weights)} weights for {len(frames)} frames, expected one each"
                    )
                if not bad:  # the attention was read from the clips before they were spoiled
                    yield (clip_weights.condition, FRAMES), weights, frames, tracklet.pid
            clips = tracklet.visibility.mean(1) * ~spoiled  # [C]
            yield (clip_weights.condition, CLIPS), clip_weights.importance[tracklet.clips], clips, tracklet.pid
            if isinstance(matcher, WeighsClips):
                weights = importance(matcher, clip_weights.query.rows([row]), clip_weights.gallery)[: len(clips)]
                yield (clip_weights.condition, PAIRS), weights, clips, tracklet.pid


def _read_truth(test: Split, clipping: Clipping, truth: Mapping[str, float]) -> Iterator[TrackletVisibility]:
    first = 0
    for tracklet in test.test:
        cut = clip_indices(clipping, len(tracklet.frames), None)
        visible = np.array([[truth[tracklet.frames[i]] for i in clip] for clip in cut])  # [C, T]
        yield TrackletVisibility(tracklet.pid, slice(first, first + len(cut)), visible)
        first += len(cut)


def _weigh(
    trained: TrainedModel, corruption: Corruption | None, test: Split, kept: FeatureStore
) -> Iterator[ClipWeights]:
    """The clips under each condition; `kept`: the clips without corruption, before the matcher."""
    device, matcher = trained.reader.device, trained.model.matcher

    def represent(store: FeatureStore) -> Clips:
        return store.to(device).represent(matcher).to(device).clips(slice(None))

    clean, gallery = represent(kept), list(test.gallery)
    if corruption is None:
        none = np.zeros(len(kept.importance), bool)
        yield ClipWeights("", none, kept.importance.double().numpy(), clean, clean.rows(gallery))
        return
    bad = trained.embed(test.test, View(False, corruption.spoil))
    for condition, mask in corruption.masks(test, kept.counts):
        mixed = kept.replace(bad, mask)
        query = represent(mixed)
        ranked = (query if corruption.side == "both" else clean).rows(gallery)
        yield ClipWeights(condition, mask, mixed.importance.double().numpy(), query, ranked)


def importance(matcher: WeighsClips, query: Clips, gallery: Clips) -> Floats:
    """How much each clip [C] of one query tracklet counts, mean over the gallery tracklets."""
    with torch.inference_mode():
        each = matcher.importance(query.rows([0] * len(gallery)), gallery)  # [G, C]
    return each.mean(0).double().cpu().numpy()
