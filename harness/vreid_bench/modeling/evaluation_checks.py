"""What is checked of encoder, aggregator and matcher in evaluation, before anything trains.

A clip's output must not depend on the batch, nor change from call to call; it must be finite and differ between clips;
and clips of one frame and tracklets with different numbers of clips must work. All checks together cost one clip and
one frame through the network, besides the two clips by which the model is sized.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import ClipFeatures, Clips, FitsClips, FitsMaps
from vreid_bench.modeling.probe import CONSTANT, Pair, check_numbers, compare_alone, differ, draw_like, is_rounding
from vreid_bench.registry.entry import blame
from vreid_bench.system.errors import InputError

COUNTS = (2, 1, 3)  # clips of the tracklets on which a matcher is tried


class CheckedMaps(NamedTuple):
    """What the checks of the later parts need of an encoder."""

    short: Tensor  # [1, T', D, h, w], the maps of a clip of one frame
    range: tuple[float, float]  # the smallest and the largest value of the maps


def check_encoder(encoder: nn.Module, title: str, clips: Tensor, maps: Tensor) -> CheckedMaps:
    """Check an encoder whose output for random clips [2, T, P, H, W] is maps [2, T', D, h, w].

    Raises InputError that names the encoder.
    """
    check_numbers(maps, f"{title}: maps")
    compare_alone(encoder, title, maps, clips, lambda part, given: part(given))
    _check_varied(maps, title, "maps")
    with blame(f"{title}, for a clip of one frame,"):
        short: Any = encoder(clips[:1, :1])
    if not isinstance(short, Tensor) or short.ndim != 5 or short.shape[2:] != maps.shape[2:]:
        found = list(short.shape) if isinstance(short, Tensor) else type(short).__name__
        expected = ", ".join(map(str, (1, "T'", *maps.shape[2:])))
        raise InputError(
            f"{title}, for a clip of one frame: maps: expected [{expected}], got {found}; D, h and w must not "
            "depend on the number of frames"
        )
    check_numbers(short, f"{title}, for a clip of one frame: maps")
    return CheckedMaps(short, (float(maps.min()), float(maps.max())))


def check_aggregator(aggregator: nn.Module, title: str, maps: Tensor, features: ClipFeatures, short: Tensor) -> None:
    """Check an aggregator that gives these features for maps [2, T', D, h, w].

    short: the maps [1, T', D, h, w] of a clip of one frame. Raises InputError that names the aggregator.
    """
    outputs = {"embedding": features.embedding} | {f"extra {name!r}": value for name, value in features.extra.items()}
    if features.importance is not None:
        outputs["importance"] = features.importance
    for name, value in outputs.items():
        if name.startswith("extra") and (not isinstance(value, Tensor) or not value.ndim or len(value) != len(maps)):
            found = list(value.shape) if isinstance(value, Tensor) else type(value).__name__
            raise InputError(
                f"{title}: {name}: expected a tensor [B, ...] for B = {len(maps)}, got {found}; return a row for each "
                "clip"
            )
        if not name.startswith("extra") or value.is_floating_point():
            check_numbers(value, f"{title}: {name}")
    compare_alone(aggregator, title, _stack(features), maps, lambda part, given: _stack(part(given)))
    if not isinstance(aggregator, FitsMaps):  # before its fit, an aggregator may know nothing
        _check_varied(features.embedding, title, "embeddings")
    with blame(f"{title}, for a clip of one frame,"):
        embedding, importance, _ = _features(aggregator(short))
    if embedding.shape != (1, features.embedding.shape[1]):
        raise InputError(
            f"{title}, for a clip of one frame: embedding: expected [1, {features.embedding.shape[1]}], "
            f"got {list(embedding.shape)}; the width must not depend on the number of frames"
        )
    check_numbers(embedding, f"{title}, for a clip of one frame: embedding")
    if importance is not None:
        check_numbers(importance, f"{title}, for a clip of one frame: importance")


def check_matcher(matcher: Any, title: str, features: ClipFeatures) -> None:
    """Check a matcher on tracklets with different numbers of clips, drawn like these features of B clips.

    Raises InputError that names the matcher.
    """
    each = [_draw(features, count, seed) for seed, count in enumerate(COUNTS)]
    with blame(f"{title}, for tracklets with different numbers of clips,"):
        represented = matcher.represent(pad_features(each, COUNTS))
        distance = matcher.distance(represented, represented)
    check_numbers(represented.embedding, f"{title}: represented clips")
    check_numbers(distance, f"{title}: distance")
    if distance.shape != (len(COUNTS), len(COUNTS)):
        raise InputError(
            f"{title}: distance: expected [Q, G] for Q = G = {len(COUNTS)}, got {list(distance.shape)}; return a "
            "number for each pair of a query and a gallery tracklet"
        )
    _check_sides(matcher, title, represented, matcher.represent(pad_features(each[:1], COUNTS[:1])))
    learns = isinstance(matcher, FitsClips) or any(True for _ in matcher.parameters())
    others = distance.masked_fill(torch.eye(len(COUNTS), dtype=torch.bool), -torch.inf)
    if not learns and bool((distance.diagonal() > others.amax(1)).all()):
        raise InputError(
            f"{title} gives every tracklet a larger distance to itself than to any other; expected that smaller is "
            "closer: return the negative of a similarity"
        )
    if not isinstance(matcher, FitsClips) and bool((represented.embedding[0] == represented.embedding[2]).all()):
        raise InputError(
            f"{title} represents two different tracklets by the same numbers; expected numbers that depend on its clips"
        )

    with blame(title):
        beside, alone = _compare(matcher, each)
        if not differ(beside, alone):
            return
        repeated = matcher.represent(pad_features(each, COUNTS))
        if differ(distance, matcher.distance(repeated, repeated)):
            raise InputError(
                f"{title} gives two different distances for the same tracklets in evaluation; expected the same "
                "numbers in each call: draw random numbers only if self.training is true"
            )
        if not is_rounding(matcher, _unpack(each), lambda part, given: _compare(part, _pack(each, given))):
            raise InputError(
                f"{title} gives two tracklets a different distance if other tracklets stand in the batch; expected "
                "that it depends on the two alone: leave out the clips where `valid` is False, and use no statistics "
                "of the batch"
            )


def _check_sides(matcher: Any, title: str, gallery: Clips, query: Clips) -> None:
    """Raise InputError unless the distances from one tracklet to all are one row."""
    with blame(title):
        found = list(matcher.distance(query, gallery).shape)
    if found != [1, len(COUNTS)]:
        raise InputError(
            f"{title}: distance: expected [Q, G] for Q = 1 and G = {len(COUNTS)}, got {found}; return a row for each "
            "query and a column for each gallery tracklet"
        )


def _compare(matcher: Any, each: Sequence[ClipFeatures]) -> Pair:
    """The distances between different tracklets, in one batch with all of them and in a batch of the two alone."""
    everyone = matcher.represent(pad_features(each, COUNTS))
    pair = [matcher.represent(pad_features([one], [count])) for one, count in zip(each, COUNTS, strict=True)]
    beside = matcher.distance(everyone, everyone)
    alone = torch.cat([torch.cat([matcher.distance(q, g) for g in pair], 1) for q in pair])
    off = ~torch.eye(len(COUNTS), dtype=torch.bool)  # the distance of a tracklet to itself is rounding only
    return beside[off], alone[off]


def _unpack(each: Sequence[ClipFeatures]) -> list[Tensor]:
    """The embeddings, then the importances if there are any."""
    embeddings, importances = [one.embedding for one in each], [one.importance for one in each]
    return embeddings + [importance for importance in importances if importance is not None]


def _pack(each: Sequence[ClipFeatures], values: Sequence[Tensor]) -> list[ClipFeatures]:
    """The features with these values of `_unpack` in place of their own."""
    weights: Sequence[Tensor | None] = values[len(each) :] or [one.importance for one in each]
    changed = zip(each, values[: len(each)], weights, strict=True)
    return [one._replace(embedding=embedding, importance=weight) for one, embedding, weight in changed]


def _check_varied(value: Tensor, title: str, what: str) -> None:
    first, second = value[0], value[1]
    if (first - second).abs().max() <= CONSTANT * torch.maximum(first.abs().max(), second.abs().max()):
        raise InputError(
            f"{title} gives the same {what} for two different clips; expected {what} that depend on the clip: "
            "with these, no tracklet can be told from another"
        )


def _features(output: Any) -> ClipFeatures:
    return output if isinstance(output, ClipFeatures) else ClipFeatures(output)


def _stack(output: Any) -> Tensor:
    """All that the test uses of an aggregator's output, [B, E] or [B, E + 1]."""
    features = _features(output)
    if features.importance is None:
        return features.embedding
    return torch.cat([features.embedding, features.importance[:, None].to(features.embedding.dtype)], 1)


def _draw(features: ClipFeatures, count: int, seed: int) -> ClipFeatures:
    importance = None if features.importance is None else draw_like(features.importance[:, None], count, seed)[:, 0]
    extra = {name: draw_like(value, count, seed) for name, value in features.extra.items()}
    return ClipFeatures(draw_like(features.embedding, count, seed), importance, extra)
