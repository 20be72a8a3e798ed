"""Does a method weigh frames and clips by what can be seen in them? Against the true visibility of rendered data.

Weights mean something beside others of the same clip or tracklet alone: attention sums to 1 over the frames of a clip,
learned importance over the pairs of clips of two tracklets. So frames are ranked within their clip, clips within their
tracklet. Query tracklets are asked, each clip of them by the mean visibility of its frames; of a spoiled clip nothing
counts as visible, however it was spoiled, and so its frames are not ranked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vreid_bench.contracts.dataset import Split, VisibilityReader
from vreid_bench.contracts.parts import Clips, WeighsClips, WeighsFrames
from vreid_bench.contracts.recipe import Clipping
from vreid_bench.evaluation.agreement import Agreement, Floats, Groups, Key
from vreid_bench.evaluation.evaluate import masks
from vreid_bench.modeling.clips import clip_indices
from vreid_bench.modeling.embed import Cut, Reader, embed_clips
from vreid_bench.modeling.model import Model
from vreid_bench.planning.plan import Plan, Request, plan_run, source_run
from vreid_bench.records.feature_store import Store
from vreid_bench.records.record import Record
from vreid_bench.registry.registry import Registry
from vreid_bench.system.environment import cores, pick_device, prepare
from vreid_bench.system.errors import InputError
from vreid_bench.training.checkpoint import load_weights
from vreid_bench.training.train import check_source, source_weights

FRAMES, CLIPS, PAIRS = "attention to frames", "attention to clips", "importance in pairs of clips"


@dataclass(frozen=True)
class Seen:
    """A test tracklet: who it is of, which of all clips are its own, and what can be seen in each of these."""

    pid: int
    clips: slice
    visibility: Floats  # [C, T]


@dataclass(frozen=True)
class Weighed:
    """What a model makes of all test clips, S, under one condition."""

    condition: str
    spoiled: NDArray[np.bool_]  # [S]
    importance: Floats  # [S] of each clip by itself
    asking: Clips  # represented, as they query
    ranked: Clips  # represented, the gallery


def visibility(source: Path, runs: Path, protocol: str | None = None, **options: Any) -> dict[Key, Agreement]:
    """How the weights of a finished run agree with visibility; `options` are fields of `Request`.

    Raises InputError for data that does not tell what can be seen, and for a method that weighs nothing.
    """
    registry = Registry.installed()
    protocol = protocol or Record.from_file(source_run(source, runs) / "record.json").protocol.name
    request = Request(name=None, protocol=protocol, source=source, runs=runs, **options)
    device, threads = pick_device(request.device), request.threads or cores()
    prepare(device, threads)
    plan = plan_run(registry, request)
    check_source(plan)
    dataset = registry.get("datasets", plan.dataset.name)
    if not isinstance(dataset, VisibilityReader):
        raise InputError(f"{plan.dataset.name} does not tell what can be seen in its frames; the twin of mars does")
    truth = dataset.visibility(plan.dataset.root)
    reader = Reader(plan.dataset.root, plan.method.size, device, threads, request.quiet)
    found: defaultdict[Key, Groups] = defaultdict(Groups)
    for number in plan.chosen:
        model = Model(plan.method, registry)
        load_weights(source_weights(plan, number), model)
        _compare(plan, plan.folds[number].test, model.to(device).eval(), reader, truth, found)
    agreements = {key: agreement for key, groups in found.items() if (agreement := groups.agreement())}
    if not agreements:
        raise InputError(
            f"{plan.name} under {protocol}: no weights of frames or clips vary where visibility does; name a run of "
            "a method with attention or learned importance"
        )
    return agreements


def _compare(
    plan: Plan,
    test: Split,
    model: Model,
    reader: Reader,
    truth: Mapping[str, float],
    found: defaultdict[Key, Groups],
) -> None:
    clipping = plan.method.test
    everyone = list(_seen(test, clipping, truth))
    with attention_of(model.aggregator) as attention:  # [S] of [T'], or nothing
        kept = embed_clips(model, test.test, Cut(clipping), reader)
    for weighed in _conditions(plan, test, model, reader, kept):
        for row in test.query:
            tracklet = everyone[row]
            spoiled = weighed.spoiled[tracklet.clips]  # [C]
            for weights, frames, bad in zip(attention[tracklet.clips], tracklet.visibility, spoiled, strict=False):
                if len(weights) != len(frames):
                    raise InputError(
                        f"{plan.name} attends to {len(weights)} steps of {len(frames)} frames, not to each"
                    )
                if not bad:  # the attention is that to the clip as it is, and in a spoiled one all frames are alike
                    found[weighed.condition, FRAMES].add(weights, frames, tracklet.pid)
            clips = tracklet.visibility.mean(1) * ~spoiled  # [C]
            found[weighed.condition, CLIPS].add(weighed.importance[tracklet.clips], clips, tracklet.pid)
            if isinstance(model.matcher, WeighsClips):
                weights = importance(model.matcher, weighed.asking.rows([row]), weighed.ranked)[: len(clips)]
                found[weighed.condition, PAIRS].add(weights, clips, tracklet.pid)


def _seen(test: Split, clipping: Clipping, truth: Mapping[str, float]) -> Iterator[Seen]:
    first = 0
    for tracklet in test.test:
        cut = clip_indices(clipping, len(tracklet.frames), None)
        shown = np.array([[truth[tracklet.frames[i]] for i in clip] for clip in cut])  # [C, T]
        yield Seen(tracklet.pid, slice(first, first + len(cut)), shown)
        first += len(cut)


def _conditions(plan: Plan, test: Split, model: Model, reader: Reader, kept: Store) -> Iterator[Weighed]:
    """The clips as they are tested under each condition; `kept` has them as they are, before the matcher."""
    corruption = plan.protocol.corruption

    def represented(store: Store) -> Clips:
        return store.to(reader.device).represented(model.matcher).to(reader.device).clips(slice(None))

    clean = represented(kept)
    gallery = list(test.gallery)
    if corruption is None:
        none = np.zeros(len(kept.importance), bool)
        yield Weighed("", none, kept.importance.double().numpy(), clean, clean.rows(gallery))
        return
    bad = embed_clips(model, test.test, Cut(plan.method.test, corruption), reader)
    for condition, mask in masks(corruption, test, kept.counts):
        mixed = kept.replaced(bad, mask)
        asking = represented(mixed)
        ranked = (asking if corruption.side == "both" else clean).rows(gallery)
        yield Weighed(condition, mask, mixed.importance.double().numpy(), asking, ranked)


@contextmanager
def attention_of(aggregator: nn.Module) -> Iterator[list[Floats]]:
    """The attention [T'] to the frames of each clip that the aggregator is given meanwhile, clip after clip.

    Stays empty if neither it nor an aggregator within it tells any.
    """
    heard: list[Floats] = []

    def listen(part: Any, given: tuple[Tensor, ...], _: Any) -> None:
        heard.extend(part.attention(*given).double().cpu().numpy())

    # a layer that is called attention is an attribute, too, but no method
    parts = [
        part for part in aggregator.modules() if isinstance(part, WeighsFrames) and hasattr(type(part), "attention")
    ]
    hooks = [part.register_forward_hook(listen) for part in parts[:1]]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def importance(matcher: WeighsClips, query: Clips, gallery: Clips) -> Floats:
    """How much each clip [C] of one query tracklet counts, mean over the gallery tracklets."""
    with torch.inference_mode():
        each = matcher.importance(query.rows([0] * len(gallery)), gallery)  # [G, C]
    return each.mean(0).double().cpu().numpy()
