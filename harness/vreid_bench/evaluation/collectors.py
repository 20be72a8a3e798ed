"""The arrays that a trained model gives for some tracklets, by the name in `INSPECTIONS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.evaluation.curves import Arrays
from vreid_bench.evaluation.pair_scores import collect_pair_scores
from vreid_bench.evaluation.saliency import collect_saliency
from vreid_bench.evaluation.subject import CLIPS, REPRESENTED, Subject
from vreid_bench.modeling.frames import read_clips
from vreid_bench.modeling.listening import find_able, find_layers, listen, listen_to_attention
from vreid_bench.system.errors import InputError


def collect_embeddings(subject: Subject) -> Arrays:
    """One vector for each tracklet: the one that is ranked, or the mean of its clips as the matcher compares them."""
    device, matcher = subject.trained.reader.device, subject.model.matcher
    represented = subject.trained.embed(subject.tracklets, REPRESENTED).to(device).clips(slice(None))
    with torch.inference_mode():
        vectors = matcher.vectors(represented) if isinstance(matcher, ComparesVectors) else represented.mean()
    return {"embedding": vectors.float().cpu().numpy()}


def collect_clip_embeddings(subject: Subject) -> Arrays:
    """The embedding of each clip, as the aggregator returns it."""
    return {"embedding": subject.trained.embed(subject.tracklets, CLIPS).embedding.numpy()}


def collect_frame_embeddings(subject: Subject) -> Arrays:
    """The mean over the places of each frame's maps."""
    with listen(subject.model.encoder, lambda _, maps: maps.mean((3, 4))) as heard:
        subject.trained.embed(subject.tracklets, CLIPS)
    return {"embedding": _join(heard)}


def collect_clip_weights(subject: Subject) -> Arrays:
    """The importance of each clip, as the aggregator returns it."""
    return {"weight": subject.trained.embed(subject.tracklets, CLIPS).importance.numpy()}


def collect_attention(subject: Subject) -> Arrays:
    """The attention to the frames of each clip."""
    with listen_to_attention(subject.model.aggregator) as heard:
        subject.trained.embed(subject.tracklets, CLIPS)
    return {"attention": _join(heard)}


def collect_part_maps(subject: Subject) -> Arrays:
    """The part maps of each clip."""
    part: Any = find_able(subject.model.aggregator, "part_maps")
    with listen(part, lambda given, _: part.part_maps(*given)) as heard:
        subject.trained.embed(subject.tracklets, CLIPS)
    return {"part_map": _join(heard)}


def collect_responses(subject: Subject) -> Arrays:
    """What each layer returns for each clip. Raises InputError for a chosen layer that returns no maps of each clip."""
    encoder, total = subject.model.encoder, sum(map(len, subject.indices))
    layers = find_layers(encoder)
    with ExitStack() as stack:
        heard = {
            name: stack.enter_context(listen(layers[name], lambda _, found: _keep_maps(found)))
            for name in subject.layers or layers
        }
        calls = stack.enter_context(listen(encoder, lambda *_: torch.empty(0)))
        subject.trained.embed(subject.tracklets, CLIPS)
    arrays = {
        f"response.{name}": _order(torch.cat(pieces), total)
        for name, pieces in heard.items()
        if len(pieces) == len(calls) and all(map(len, pieces))  # it ran once for each batch, and returned maps
    }
    for name in subject.layers:
        if f"response.{name}" not in arrays:
            raise InputError(f"--layer {name}: returns no maps of each clip; leave it out")
    return arrays


def _keep_maps(found: Any) -> Tensor:
    """What a layer returned, if it is maps [B T, D, h, w] or [B, D, t, h, w]; else nothing, [0]."""
    return found if isinstance(found, Tensor) and found.ndim in (4, 5) else torch.empty(0)


def _order(maps: Tensor, clips: int) -> NDArray[Any]:
    """The maps of a layer over frames [S T, D, h, w] or clips [S, D, t, h, w] -> [S, t, D, h, w], as encoders do."""
    ordered = torch.unflatten(maps, 0, (clips, -1)) if maps.ndim == 4 else maps.transpose(1, 2)
    return _join([ordered])


def collect_pixels(subject: Subject) -> Arrays:
    """The frames of each clip as the encoder gets them, and as the protocol's corruption spoils them."""
    reader, spoil = subject.trained.reader, subject.corruption and subject.corruption.spoil
    both = list(zip(subject.tracklets, subject.indices, strict=True))
    clips = [read_clips(reader.root, tracklet, list(indices), reader.size) for tracklet, indices in both]
    arrays = {"pixels": np.concatenate(clips)}
    if spoil:
        spoiled = [spoil(tracklet, each) for tracklet, each in zip(subject.tracklets, clips, strict=True)]
        arrays["spoiled"] = np.concatenate(spoiled)
    return arrays


def collect_visibility(subject: Subject) -> Arrays:
    """The share of the person that can be seen in each frame, which rendered data knows."""
    truth = subject.truth
    assert truth is not None, "asked for only where it is known"
    both = zip(subject.tracklets, subject.indices, strict=True)
    return {"visibility": np.array([[truth[t.frames[i]] for i in clip] for t, clips in both for clip in clips])}


def collect_pairs(subject: Subject) -> Arrays:
    """The pairs of clips of a query and a gallery tracklet, and the distance of the two."""
    device, matcher = subject.trained.reader.device, subject.model.matcher
    store = subject.trained.embed(subject.tracklets, REPRESENTED).to(device)
    query, gallery = store.clips(slice(0, 1)), store.clips(slice(1, 2))
    with torch.inference_mode():
        scores = matcher.score_pairs(query, gallery)
        distance = matcher.distance(query, gallery)
    tensors = {"similarity": scores.similarity[0], "importance": scores.importance[0], "distance": distance[0, 0]}
    return {name: value.float().cpu().numpy() for name, value in tensors.items()}


def _join(pieces: Sequence[Tensor]) -> NDArray[Any]:
    """Batches of clips as one array [S, ...]."""
    joined: NDArray[Any] = torch.cat(list(pieces)).float().numpy()
    return joined


COLLECT: Mapping[str, Callable[[Subject], Arrays]] = {
    "embeddings": collect_embeddings,
    "clip-embeddings": collect_clip_embeddings,
    "frame-embeddings": collect_frame_embeddings,
    "clip-weights": collect_clip_weights,
    "frame-attention": collect_attention,
    "part-maps": collect_part_maps,
    "responses": collect_responses,
    "saliency": collect_saliency,
    "pixels": collect_pixels,
    "visibility": collect_visibility,
    "pairs": collect_pairs,
    "pair-scores": collect_pair_scores,
}
