"""What each part of a method takes and returns. Structural types: no base class is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vreid_bench.contracts.weight_file import WeightFile
from vreid_bench.ops.distance import Hardest, batch_hard
from vreid_bench.ops.metric import Metric

PLANES = {"rgb": 3, "flow": 2}  # the planes that an encoder can use, and the channels of each


class ClipFeatures(NamedTuple):
    """What an aggregator computes from one batch of clips."""

    embedding: Tensor  # [B, E]
    importance: Tensor | None = None  # [B], the weight of a clip within its tracklet
    extra: Mapping[str, Tensor] = {}  # name -> [B, ...]: what is not the test embedding (BN-neck's "before")


@dataclass(frozen=True)
class Clips:
    """The clips of N tracklets, padded to the largest number of clips; `valid` is False at the padding."""

    embedding: Tensor  # [N, C, E]
    importance: Tensor  # [N, C]
    valid: Tensor  # [N, C] bool
    extra: Mapping[str, Tensor] = field(default_factory=dict)  # name -> [N, C, ...]

    @classmethod
    def single(cls, vectors: Tensor) -> Clips:
        """One vector a tracklet: [N, E] -> Clips with C = 1."""
        ones = vectors.new_ones(len(vectors), 1)
        return cls(vectors[:, None], ones, torch.ones_like(ones, dtype=torch.bool))

    def __len__(self) -> int:
        return len(self.embedding)

    def with_embedding(self, embedding: Tensor) -> Clips:
        """The same clips with another embedding [N, C, E']."""
        return replace(self, embedding=embedding)

    def rows(self, rows: Sequence[int]) -> Clips:
        """The tracklets of these rows."""
        chosen = torch.tensor(rows, device=self.embedding.device)
        extra = {name: value[chosen] for name, value in self.extra.items()}
        return Clips(self.embedding[chosen], self.importance[chosen], self.valid[chosen], extra)

    def mean(self) -> Tensor:
        """Mean over the valid clips: [N, E]."""
        valid = self.valid.to(self.embedding.dtype)  # [N, C]
        return (self.embedding * valid[..., None]).sum(1) / valid.sum(1, keepdim=True)


class Published(NamedTuple):
    """A kind of file with pre-trained weights that a part takes: one of its `published`.

    An encoder, aggregator or matcher may have `published`, a sequence of these. Without it, `--weights` takes files
    that use the part's own names.

    `own` returns the file's tensors under the part's names, converted if an encoder scales its input differently;
    tensors with unknown names are returned unchanged. It returns {} if it sees that the file is of another kind.
    """

    names: str  # the network whose names such a file uses, in words: "torchvision resnet50"
    head: tuple[str, ...] = ()  # prefixes of the names that the part does not use: the classifier
    own: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict
    others: tuple[str, ...] = ()  # prefixes of the names that belong to another part
    file: WeightFile | None = None  # the file that papers begin from; None: the part states names only


@runtime_checkable
class Encoder(Protocol):
    """clips [B, T, P, H, W] -> maps [B, T', D, h, w]; normalises its own input.

    May have `planes`, a tuple of names in `PLANES` that its factory has as well; without it an encoder takes ("rgb",).
    Colours are in [0, 1]. Flow is the displacement to the next frame of the tracklet, to the right and downwards, in
    units of 20 pixels of the frame on disk, clipped to [-1, 1]. May have `published`, a sequence of `Published`;
    without it `--weights` takes files that use the encoder's own names. May have `shipped`, the paths of files of
    its package that `vreid-bench pretrain` wrote: a method that says so begins from the one for its options.
    """

    def __call__(self, clips: Tensor, /) -> Tensor: ...


@runtime_checkable
class Aggregator(Protocol):
    """`factory(shape=(D, h, w), **options)`; maps [B, T', D, h, w] -> [B, E] or ClipFeatures.

    May have `fit(maps)`, which takes an iterable of batches of maps (k-means centres).
    """

    def __call__(self, maps: Tensor, /) -> Tensor | ClipFeatures: ...


@runtime_checkable
class Matcher(Protocol):
    """`factory(dim=E, **options)`: from the clips of tracklets to distances.

    May have `fit(represented, pids, camids)`, a fused `hardest(represented, pids) -> Hardest`, and what
    `ComparesVectors` requires. May have `metric`: what its distances are like, for re-ranking; euclidean without it.
    """

    def represent(self, clips: Clips, /) -> Clips:
        """What is stored for a tracklet: C = 1 if one vector is enough, all clips if pairs of clips are scored."""
        ...

    def distance(self, query: Clips, gallery: Clips, /) -> Tensor:
        """Represented clips of Q and G tracklets -> [Q, G], smaller is closer."""
        ...


@runtime_checkable
class Loss(Protocol):
    """`factory(dims, identities, **options)`; owns its classifier, look-up table or queue.

    dims: {"embedding": E of the represented tracklet, "clips": E of a clip, **extra}. May have `takes_unlabelled`;
    if it is true, the batch also has the unlabelled tracklets of the step, with label -1 (`Train.unlabelled`).
    """

    def __call__(self, batch: Batch, /) -> Tensor: ...


Augmentation = Callable[[Tensor, torch.Generator, Sequence[str]], Tensor]
"""(clips [B, T, P, H, W] as an encoder takes them, generator, planes) -> clips; the generator is on the CPU."""


@runtime_checkable
class Reranker(Protocol):
    """`factory(**options)`: distances of query and gallery, corrected by the neighbours of each item.

    Only the options decide the numbers, so that a record can hold them; `threads` (0: all cores) and `memory` change
    no number. Items are the queries, then the gallery as the caller ranks it: a tracklet that is both
    is two items. Both methods return [Q, G] float32, smaller is closer, and raise InputError for what they cannot do.
    """

    def rerank(
        self, query_query: Any, query_gallery: Any, gallery_gallery: Any, metric: Metric, *, threads: int = 0
    ) -> NDArray[np.float32]:
        """From distances [Q, Q], [Q, G] and [G, G] in a metric; the first and last are symmetric."""
        ...

    def from_features(
        self, query: Any, gallery: Any, metric: Metric, *, memory: int = ..., threads: int = 0
    ) -> NDArray[np.float32]:
        """From features [Q, E] and [G, E], in `memory` bytes besides them and the result."""
        ...


@dataclass(frozen=True)
class Batch:
    """A PK batch, as losses receive it. Values that several losses need are computed once, on demand."""

    clips: Clips
    pids: Tensor  # [N] labels 0..identities-1, -1 for a tracklet without a label
    camids: Tensor  # [N]
    matcher: Matcher

    def seen_by(self, loss: Any) -> Batch:
        """The batch as this loss receives it: without the unlabelled tracklets, unless it takes them."""
        return self if getattr(loss, "takes_unlabelled", False) else self.labelled

    @cached_property
    def labelled(self) -> Batch:
        """The batch without its unlabelled tracklets; itself if it has none."""
        known = self.pids >= 0
        if known.all():
            return self
        rows = known.nonzero()[:, 0].tolist()
        batch = Batch(self.clips.rows(rows), self.pids[known], self.camids[known], self.matcher)
        vars(batch)["represented"] = self.represented.rows(rows)  # computed once for all losses
        return batch

    @cached_property
    def represented(self) -> Clips:
        """The clips as the matcher represents them."""
        return self.matcher.represent(self.clips)

    @cached_property
    def embedding(self) -> Tensor:
        """One vector a tracklet: [N, E]."""
        return self.represented.mean()

    @cached_property
    def distance(self) -> Tensor:
        """Distances of the matcher: [N, N]."""
        return self.matcher.distance(self.represented, self.represented)

    @cached_property
    def hardest(self) -> Hardest:
        """Batch-hard mining with the matcher's distances; uses the matcher's fused `hardest` if it has one."""
        fused = getattr(self.matcher, "hardest", None)
        if fused is not None:
            result: Hardest = fused(self.represented, self.pids)
            return result
        return batch_hard(self.distance, self.pids)

    def select(self, name: str) -> Tensor:
        """`embedding`, `clips` (the mean of the clip embeddings) or an aggregator's extra: [N, E]."""
        if name == "embedding":
            return self.embedding
        if name == "clips":
            return self.clips.mean()
        return self.clips.with_embedding(self.clips.extra[name]).mean()


@runtime_checkable
class FitsMaps(Protocol):
    """An aggregator with a closed-form stage."""

    def fit(self, maps: Iterable[Tensor], /) -> None:
        """Set the aggregator's buffers from batches of maps [B, T', D, h, w]."""
        ...


@runtime_checkable
class FitsClips(Protocol):
    """A matcher with a closed-form stage."""

    def fit(self, represented: Clips, pids: Tensor, camids: Tensor, /) -> None:
        """Set the matcher's buffers from represented training tracklets, pids [N], camids [N]."""
        ...


@runtime_checkable
class WeighsFrames(Protocol):
    """An aggregator, or one within it, that can return the weight of each frame."""

    def attention(self, maps: Tensor, /) -> Tensor:
        """maps [B, T', D, h, w] -> weights [B, T']; they can be compared only within a clip."""
        ...


@runtime_checkable
class LocatesParts(Protocol):
    """An aggregator, or one within it, that has maps of body parts."""

    def part_maps(self, maps: Tensor, /) -> Tensor:
        """maps [B, T', D, h, w] -> how much each place belongs to each of P parts, [B, P, T', h, w]."""
        ...


@runtime_checkable
class WeighsClips(Protocol):
    """A matcher whose weight of a clip depends on the clips that it is compared with."""

    def importance(self, query: Clips, gallery: Clips, /) -> Tensor:
        """N represented queries, each paired with one gallery tracklet -> the weight of each query clip, [N, C]."""
        ...


class PairScores(NamedTuple):
    """The pairs of clips of N query and N gallery tracklets, row by row; both are 0 where a clip is missing.

    The similarity of two tracklets is the mean of `similarity`, weighted by `importance`.
    """

    similarity: Tensor  # [N, C, K]
    importance: Tensor  # [N, C, K]


@runtime_checkable
class ScoresPairs(Protocol):
    """A matcher that compares the clips of two tracklets in pairs."""

    def score_pairs(self, query: Clips, gallery: Clips, /) -> PairScores:
        """N represented queries, each paired with one gallery tracklet -> how alike and how important each pair is."""
        ...


@runtime_checkable
class ComparesVectors(Protocol):
    """A matcher whose `distance` is a metric between one vector a tracklet: it ranks without storing all distances."""

    metric: Metric

    def vectors(self, represented: Clips, /) -> Tensor:
        """Represented clips of N tracklets -> [N, E]."""
        ...
