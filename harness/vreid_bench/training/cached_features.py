"""The features of every training tracklet, computed once, for stages that freeze the encoder and the aggregator."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import ClipFeatures, Clips
from vreid_bench.modeling.corruption import Mask
from vreid_bench.system.errors import InputError


@dataclass(frozen=True)
class Cache:
    """Views of each clip of N training tracklets, each augmented independently, and as many of the spoiled clips.

    It holds embeddings and importances only: a loss on an aggregator's `extra` needs a stage without a cache.
    """

    embedding: Tensor  # [V, S, E], on the CPU
    importance: Tensor | None  # [V, S]
    counts: tuple[int, ...]  # [N] clips of each tracklet, summing to S
    clean: int  # views of unchanged clips; those of spoiled ones, if there are any, come after them in the same order

    @classmethod
    def of(cls, views: Sequence[Iterable[ClipFeatures]], clean: int) -> Cache:
        """Build the cache; each view iterates over the features of its tracklets."""
        each = [list(view) for view in views]
        weights = [[f.importance for f in view if f.importance is not None] for view in each]
        return cls(
            torch.stack([torch.cat([f.embedding for f in view]) for view in each]).cpu(),
            torch.stack([torch.cat(view) for view in weights]).cpu() if weights[0] else None,
            tuple(len(f.embedding) for f in each[0]),
            clean,
        )

    def clips(
        self,
        rows: Sequence[int],
        spoiled: Sequence[Mask],
        generator: torch.Generator,
        device: torch.device,
    ) -> Clips:
        """The clips of the tracklets in these rows; the view of each clip is drawn at random.

        spoiled: for each row a mask [C] of the clips that are taken from a spoiled view.
        """
        starts = torch.tensor([0, *self.counts]).cumsum(0)
        counts = [self.counts[row] for row in rows]
        places = torch.cat([torch.arange(int(starts[row]), int(starts[row + 1])) for row in rows])  # [s]
        view = torch.randint(self.clean, (len(places),), generator=generator)  # [s]
        if len(self.embedding) > self.clean:
            view += self.clean * torch.from_numpy(np.concatenate(spoiled))
        importance = None if self.importance is None else self.importance[view, places].to(device)
        return pad_features([ClipFeatures(self.embedding[view, places].to(device), importance)], counts)


def fill_cache(
    views: int, clean: int, tracklets: int, features: Callable[[int, int], ClipFeatures], done: Callable[[], None]
) -> Cache:
    """Call `features(view, row)` for every tracklet in every view, and `done` after each; `clean` is as in `Cache`."""

    def view(number: int) -> Iterator[ClipFeatures]:
        for row in range(tracklets):
            yield features(number, row)
            done()

    with torch.no_grad():
        return Cache.of([list(view(number)) for number in range(views)], clean)


def check_frozen(learning: Iterable[str]) -> None:
    """Raises InputError if a learning parameter belongs to the encoder or the aggregator."""
    moving = [name for name in learning if name.startswith(("encoder.", "aggregator."))]
    if moving:
        raise InputError(
            f"stage: features can be cached only if encoder and aggregator are frozen, but {moving[0]} learns; "
            "freeze them, or set cached=0"
        )
