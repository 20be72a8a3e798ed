"""A matcher on features made anywhere."""

from __future__ import annotations

import torch

from vreid_bench.contracts.parts import Clips, FitsClips
from vreid_bench.contracts.recipe import Part
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.features import Features
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError


def matched(features: Features, labels: Labels, name: str, metric: str | None) -> Counts:
    """Rank by the matcher of that name with its default options, or with another `metric`.

    features: of all test tracklets. Raises InputError for a matcher that has to be fitted or trained first.
    """
    registry = Registry.installed()
    part = registry.resolve("matchers", Part(name, {"metric": metric} if metric else {}))
    clips = _clips(features)
    matcher = registry.factory("matchers", part)(clips.embedding.shape[-1])
    if isinstance(matcher, FitsClips) or any(True for _ in matcher.parameters()):
        raise InputError(f"--matcher {name}: it has to be fitted on training tracklets first, which are not given here")
    with torch.inference_mode():
        represented = matcher.represent(clips)
        return rank_by_matcher(matcher, (represented, represented), labels)


def _clips(features: Features) -> Clips:
    if features.embedding is None:
        raise InputError(f"{features.origin}: has no array 'embedding', which is what is compared")
    embedding = torch.from_numpy(features.embedding).float()
    if embedding.ndim == 2:
        return Clips.single(embedding)
    shape = embedding.shape[:2]
    valid = torch.ones(shape, dtype=torch.bool) if features.valid is None else torch.from_numpy(features.valid)
    importance = torch.ones(shape) if features.importance is None else torch.from_numpy(features.importance).float()
    return Clips(embedding * valid[..., None], importance, valid)
