"""Distances by a matcher, from features computed elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from vreid_bench.contracts.parts import Clips, FitsClips, Matcher
from vreid_bench.contracts.recipe import Part
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ranks.counting import Counts
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class MatcherDistances:
    """Distances between the clips of all test tracklets, by a matcher that needs no training."""

    matcher: Matcher
    clips: Clips  # of all N test tracklets

    @classmethod
    def of(cls, name: str, metric: str | None, features: LabelledFeatures, registry: Registry) -> MatcherDistances:
        """The matcher of that name with its default options, or with another `metric`, on features [N].

        Raises InputError for a matcher that has to be fitted or trained first.
        """
        part = registry.resolve("matchers", Part(name, {"metric": metric} if metric else {}))
        clips = _as_clips(features)
        matcher = registry.factory("matchers", part)(clips.embedding.shape[-1])
        if isinstance(matcher, FitsClips) or any(True for _ in matcher.parameters()):
            raise InputError(
                f"--matcher {name}: it must be fitted on training tracklets first; choose a matcher without fit()"
            )
        return cls(matcher, clips)

    def count(self, labels: Labels) -> Counts:
        """As `Distances.count`."""
        with torch.inference_mode():
            represented = self.matcher.represent(self.clips)
            return rank_by_matcher(self.matcher, (represented, represented), labels)


def _as_clips(features: LabelledFeatures) -> Clips:
    if features.embedding is None:
        raise InputError(f"{features.origin}: has no array 'embedding'; expected one, because embeddings are compared")
    embedding = torch.from_numpy(features.embedding).float()
    if embedding.ndim == 2:
        return Clips.single(embedding)
    shape = embedding.shape[:2]
    valid = torch.ones(shape, dtype=torch.bool) if features.valid is None else torch.from_numpy(features.valid)
    importance = torch.ones(shape) if features.importance is None else torch.from_numpy(features.importance).float()
    return Clips(embedding * valid[..., None], importance, valid)
