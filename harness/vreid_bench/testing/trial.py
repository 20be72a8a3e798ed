"""A part with random input: what it is called with and what it returns, alike for every kind that is a module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench.contracts.packing import mark_valid, pad
from vreid_bench.contracts.parts import Batch, ClipFeatures, Clips, FitsClips, FitsMaps
from vreid_bench.modeling.probe import begin_stream, keep_streams
from vreid_bench.testing.subject import Subject

COUNTS = (2, 1, 3, 2, 1, 2, 3, 2)  # clips of the tracklets of a batch
PIDS, CAMIDS = (0, 0, 1, 1, 2, 2, 3, 3), (1, 2, 1, 2, 1, 2, 1, 2)  # of a batch


@dataclass(frozen=True)
class Trial:
    """How a part of one kind is called.

    Its input is a list of tensors of floating-point numbers; what it returns are named tensors. `rows` names those
    with a row for each clip or tracklet of the input.
    """

    subject: Subject

    @cached_property
    def given(self) -> list[Tensor]:
        """Random input."""
        raise NotImplementedError

    def call(self, part: Any, given: Sequence[Tensor]) -> dict[str, Tensor]:
        """What the part returns for that input."""
        raise NotImplementedError

    def fit(self, part: Any) -> bool:
        """Fit the part to random features, if it can be fitted; tells whether it can."""
        return False


class EncoderTrial(Trial):
    """Clips in, maps out."""

    @cached_property
    def given(self) -> list[Tensor]:
        clips = self.subject.draw_clips(3)
        clips[0, :, :3] = clips[0, :, :3].mean(1, keepdim=True)  # grey, as infrared clips are
        return [clips]

    def call(self, part: Any, given: Sequence[Tensor]) -> dict[str, Tensor]:
        return {"maps": part(given[0])}


class AggregatorTrial(Trial):
    """Maps in; embedding, importance and extras out."""

    @cached_property
    def given(self) -> list[Tensor]:
        return [self.subject.maps]

    def call(self, part: Any, given: Sequence[Tensor]) -> dict[str, Tensor]:
        output = part(given[0])
        features = output if isinstance(output, ClipFeatures) else ClipFeatures(output)
        named = {"embedding": features.embedding, "importance": features.importance, **features.extra}
        return {name: value for name, value in named.items() if value is not None and value.is_floating_point()}

    def fit(self, part: Any) -> bool:
        if isinstance(part, FitsMaps):
            maps = self.subject.maps
            part.fit(maps * (1 + 0.1 * number) for number in range(8))
            return True
        return False


class MatcherTrial(Trial):
    """Clips of tracklets in, distances out."""

    @cached_property
    def features(self) -> ClipFeatures:
        """Of all clips of a batch."""
        return self.subject.draw_features(sum(COUNTS))

    @cached_property
    def given(self) -> list[Tensor]:
        weight = self.features.importance
        values = [self.features.embedding, *([] if weight is None else [weight])]
        return [*values, *(each for each in self.features.extra.values() if each.is_floating_point())]

    def pack(self, given: Sequence[Tensor], counts: Sequence[int] = COUNTS) -> Clips:
        """The clips of tracklets that this input describes: `counts` of each."""
        embedding, *more = given
        weight = more.pop(0) if self.features.importance is not None else torch.ones_like(embedding[:, 0])
        names = (name for name, each in self.features.extra.items() if each.is_floating_point())
        extra = {name: pad(value, counts) for name, value in zip(names, more, strict=True)}
        fixed = {name: each for name, each in self.features.extra.items() if not each.is_floating_point()}
        extra |= {name: pad(each.to(embedding.device), counts) for name, each in fixed.items()}
        return Clips(pad(embedding, counts), pad(weight, counts), mark_valid(counts, embedding.device), extra)

    def call(self, part: Any, given: Sequence[Tensor]) -> dict[str, Tensor]:
        represented = part.represent(self.pack(given))
        return {"distance": part.distance(represented, represented), "represented": represented.embedding}

    def fit(self, part: Any) -> bool:
        if isinstance(part, FitsClips):
            people, each = 24, 4
            clips = self.subject.draw_features(people * each, seed=7)
            weights = [] if clips.importance is None else [clips.importance]
            values = [clips.embedding, *weights, *(v for v in clips.extra.values() if v.is_floating_point())]
            matcher: Any = part
            with torch.no_grad():
                represented = matcher.represent(self.pack(values, [1] * (people * each)))
            pids = torch.arange(people).repeat_interleave(each)
            part.fit(represented, pids, 1 + torch.arange(len(pids)) % 2)
            return True
        return False


class LossTrial(MatcherTrial):
    """A batch in, a scalar out: of the second call, as a loss with a memory has nothing to compare with at first."""

    def batch(self, given: Sequence[Tensor], pids: Sequence[int] = PIDS, counts: Sequence[int] = COUNTS) -> Batch:
        """A batch of tracklets of these people, with the matcher of the method."""
        clips = self.pack(given, counts)
        with keep_streams():
            begin_stream(0, "matcher")
            matcher = self.subject.factories.matcher(clips.embedding.shape[2]).to(clips.embedding)
        camids = [CAMIDS[row % len(CAMIDS)] for row in range(len(pids))]
        device = clips.embedding.device
        return Batch(clips, torch.tensor(pids, device=device), torch.tensor(camids, device=device), matcher)

    def call(self, part: Any, given: Sequence[Tensor]) -> dict[str, Tensor]:
        part(self.batch(given))
        return {"loss": part(self.batch(given))}


TRIALS: Mapping[str, type[Trial]] = {
    "encoders": EncoderTrial,
    "aggregators": AggregatorTrial,
    "matchers": MatcherTrial,
    "losses": LossTrial,
}


def try_out(subject: Subject) -> Trial:
    """How the part is called."""
    return TRIALS[subject.kind](subject)


def list_trained(part: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that learn, by name."""
    return {name: p for name, p in part.named_parameters() if p.requires_grad and p.is_floating_point()}
