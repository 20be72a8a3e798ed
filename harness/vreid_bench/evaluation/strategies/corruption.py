"""Spoils some clips of each test tracklet (Matiyali & Sharma 2020, section 4.4)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from vreid_bench.contracts.corruption import Distortion, Kind
from vreid_bench.evaluation.strategies.strategy import Case, lengths
from vreid_bench.modeling.corruption import distort
from vreid_bench.modeling.view import View
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.errors import InputError

if TYPE_CHECKING:  # torch, which protocols are listed without
    from vreid_bench.contracts.dataset import Split, Tracklet
    from vreid_bench.contracts.parts import Clips, Matcher
    from vreid_bench.records.feature_store import FeatureStore


@dataclass(frozen=True)
class Corruption:
    """Spoils M_c clips of each test tracklet; M_c is drawn uniformly from 0 to a maximum.

    Each value of `most` is such a maximum and a condition of the test. The draws depend only on `seed` and the
    tracklet's name, so every method gets the same spoiled clips. Raises InputError for settings that are not valid.
    """

    name: ClassVar[str] = "corruption"

    kind: Kind
    side: Literal["both", "query"]  # whose clips are spoiled: those of the queries only, or also those of the gallery
    strength: float  # as in `Distortion`
    quality: int = 20
    clips: int = 8  # M; if a method cuts a tracklet into C clips, C * M_c / M of them are spoiled
    most: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6, 7)
    seed: int = 0
    drawn: bool = True  # False: M_c is the maximum itself, for every tracklet

    def __post_init__(self) -> None:
        Distortion(self.kind, self.strength, self.quality)
        if not self.most or not all(0 <= most <= self.clips for most in self.most):
            raise InputError(f"corruption {self.kind}: each of `most` must be 0 to {self.clips}, got {self.most}")

    @property
    def conditions(self) -> tuple[str, ...]:
        """A name for each of `most`."""
        upto = "up to " if self.drawn else ""
        return tuple(f"{upto}{most} of {self.clips} clips" for most in self.most)

    @property
    def leading(self) -> int:
        """The row averages all conditions."""
        return len(self.most)

    def describe(self) -> list[tuple[str, str]]:
        """The corruption, and which tracklets it spoils."""
        stored = f", stored as JPEG of quality {self.quality}" if self.kind == "low-resolution" else ""
        who = "query and gallery tracklets" if self.side == "both" else "query tracklets alone"
        return [("corruption", f"{self.kind} of strength {self.strength:g}{stored}, of {who}")]

    def views(self) -> Mapping[str, View]:
        """Two views of every clip: unchanged, and spoiled."""
        decides = f"{self.kind} {self.strength} {self.quality} {self.seed}"
        return {"features": View(represented=False), "spoiled": View(False, self.spoil, decides)}

    def cases(self, features: Mapping[str, FeatureStore], matcher: Matcher, test: Split) -> Iterator[Case]:
        """The same clips under every condition; each condition spoils more of them."""
        kept, bad = features["features"], features["spoiled"]
        labels, device = Labels.of(test), kept.embedding.device

        def represent(store: FeatureStore) -> Clips:
            return store.represent(matcher).to(device).clips(slice(None))

        clean = represent(kept) if self.side == "query" else None
        for condition, mask in self.masks(test, kept.counts):
            mixed = represent(kept.replace(bad, mask))
            yield Case(condition, mixed, mixed if clean is None else clean, labels, lengths(test))

    def masks(self, test: Split, counts: Sequence[int]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """For each condition, a mask [S] of the spoiled clips; counts: [N] clips of each test tracklet."""
        for condition, most in zip(self.conditions, self.most, strict=True):
            which = [self.choose_spoiled(t, most, n) for t, n in zip(test.test, counts, strict=True)]
            yield condition, np.concatenate(which)

    def choose_spoiled(self, tracklet: Tracklet, most: int, clips: int) -> NDArray[np.bool_]:
        """A mask [C] of a tracklet's spoiled clips, where at most `most` of M are spoiled.

        The clips of a tracklet that are spoiled at a lower `most` stay spoiled at a higher one.
        """
        draws = self._draw(tracklet, "which", 2 + clips)
        number = int(draws[0] * (most + 1)) if self.drawn else most  # M_c, drawn uniformly from 0 to `most`
        # exact for C = M; otherwise the share is rounded at random, so that its mean is right
        number = min(int(number * clips / self.clips + draws[1]), clips)
        mask = np.zeros(clips, bool)
        mask[np.argsort(draws[2:], kind="stable")[:number]] = True
        return mask

    def spoil(self, tracklet: Tracklet, clips: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Every clip [C, T, H, W, 3] of the tracklet, spoiled."""
        draws = self._draw(tracklet, "how", 2 * len(clips)).reshape(-1, 2)
        return distort(Distortion(self.kind, self.strength, self.quality), clips, draws)

    def _draw(self, tracklet: Tracklet, purpose: str, count: int) -> NDArray[np.float64]:
        """Numbers in [0, 1) [count] that depend only on the seed, the tracklet and the purpose."""
        name = f"{self.seed} {purpose} {tracklet.name}"
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16])
        # numpy keeps a bit generator's raw stream the same in every version and on every machine
        return np.asarray(np.random.Philox(key=key).random_raw(count) >> np.uint64(11)) * 2.0**-53
