"""3D PersonVLAD (Wu et al., "3D PersonVLAD: Learning Deep Global Representations for Video-based Person
Re-identification", IEEE TNNLS 2019), in the paper's order: section III-A and B, III-C, then its tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import (
    Clipping,
    Fit,
    InputError,
    Method,
    Optimizer,
    Preset,
    Reported,
    Schedule,
    Train,
    hookimpl,
    pairwise_distance,
    part,
)

EMPTY = 1e-3  # a word whose residuals sum to less than this length is as good as empty
MOST_DESCRIPTORS = 100_000  # that k-means looks at: 100 MB of C3D's


class PersonVlad(nn.Module):
    """Section III-B: body parts are found, and all their features summed by "person word" (Fig. 2 and 3).

    parts: B, how many part detectors. words: K, how many centres. alpha: sharpness of the assignment.
    descriptors: what Eq. 3-5 sum over. `locations` takes every place of every part map, `pooled` one mean per
        part. The equations' index runs over b alone, but the text sums "over the entire video", discusses
        pooling as the alternative (III-B a), and B = 6 vectors could not fill K = 64 words.
    normalize: scale the features to unit length, as alpha = 1000 supposes (it is ActionVLAD's, which does). It
        has to come before Eq. 2: after it, the length that a part map gave would be divided out again.
    """

    def __init__(  # noqa: PLR0913 - a shape, and every setting by its name
        self,
        shape: tuple[int, ...],
        parts: int = 6,
        words: int = 64,
        alpha: float = 1000.0,
        descriptors: str = "locations",
        normalize: bool = True,
    ) -> None:
        super().__init__()
        if descriptors not in ("locations", "pooled"):
            raise InputError(f"aggregator personvlad: descriptors must be locations or pooled, got {descriptors!r}")
        self.alpha, self.descriptors, self.normalize = alpha, descriptors, normalize
        self.detector = nn.Conv3d(shape[0], parts, 1)
        self.w = nn.Parameter(torch.empty(words, shape[0]))  # w_k, z_k and c_k of Eq. 5, independent once set
        self.z = nn.Parameter(torch.empty(words))
        self.c = nn.Parameter(torch.empty(words, shape[0]))
        self._place(F.normalize(torch.randn(words, shape[0]), dim=1))  # until `fit`

    def part_maps(self, maps: Tensor) -> Tensor:
        """Eq. 1: maps F [B, T', D, h, w] -> M_b [B, parts, T', h, w], each in (0, 1)."""
        return torch.sigmoid(self.detector(maps.transpose(1, 2)))

    def part_features(self, maps: Tensor) -> Tensor:
        """Eq. 2: maps F [B, T', D, h, w] -> descriptors f_b [B, S, D]; S = parts, times T' h w places."""
        masks = self.part_maps(maps)  # [B, parts, T', h, w]
        cubic = maps.transpose(1, 2)  # [B, D, T', h, w]
        if self.normalize:
            cubic = F.normalize(cubic, dim=1)
        parts = (cubic[:, None] * masks[:, :, None]).flatten(3)  # [B, parts, D, T' h w]
        if self.descriptors == "pooled":
            return parts.mean(3)  # [B, parts, D]
        return parts.transpose(2, 3).flatten(1, 2)  # [B, parts T' h w, D]

    def assignment(self, f: Tensor) -> Tensor:
        """Eq. 5, left: descriptors f [B, S, D] -> soft assignment [B, S, K]; each row sums to 1."""
        # w f and z are about alpha |c|^2 each, up to 1e6, and their small difference decides: float32 has too few
        # digits for it. Softmax subtracts the greatest before it takes the exponential, so nothing overflows.
        logits = f.double() @ self.w.double().T + self.z.double()
        return logits.softmax(2).to(f.dtype)

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> v [B, K D] of unit length."""
        with torch.autocast(maps.device.type, enabled=False):  # residuals are small differences, too
            f = self.part_features(maps if maps.dtype == torch.float64 else maps.float())  # [B, S, D]
            a = self.assignment(f)  # [B, S, K]
            # Eq. 5, right: V = sum a (f - c), the descriptors' part less the centres'
            residuals = a.transpose(1, 2) @ f - a.sum(1)[:, :, None] * self.c  # [B, K, D]
            # Intra-normalisation. A word that nothing belongs to stays near zero, as in VLAD with hard assignment,
            # where scaling it to unit length would blow up the tail of the softmax.
            columns = residuals / residuals.norm(dim=2, keepdim=True).clamp_min(EMPTY)
            return F.normalize(columns.flatten(1), dim=1)

    def fit(self, maps: Iterable[Tensor]) -> None:
        """Set the person words by k-means over the descriptors of batches of maps [B, T', D, h, w]."""
        with torch.no_grad():
            descriptors = _sample((self.part_features(m).flatten(0, 1) for m in maps), MOST_DESCRIPTORS)
            self._place(kmeans(descriptors, len(self.c)))

    @torch.no_grad()
    def _place(self, centres: Tensor) -> None:
        """Below Eq. 5: w_k = 2 alpha c_k and z_k = -alpha |c_k|^2 make it Eq. 4."""
        self.c.copy_(centres)
        self.w.copy_(2 * self.alpha * centres)
        self.z.copy_(-self.alpha * centres.square().sum(1))


def _sample(batches: Iterable[Tensor], most: int) -> Tensor:
    """`most` rows drawn evenly from batches [n, D] of unknown number; never holds many more than twice that."""
    rows: list[Tensor] = []
    keys: list[Tensor] = []  # a row stays if its random key is among the greatest
    least = 0.0
    for batch in batches:
        key = torch.rand(len(batch), dtype=torch.float64)
        chosen = key > least
        rows.append(batch[chosen.to(batch.device)])
        keys.append(key[chosen])
        if sum(map(len, keys)) > 2 * most:
            best = torch.cat(keys).topk(most)
            rows, keys = [torch.cat(rows)[best.indices.to(batch.device)]], [best.values]
            least = float(best.values[-1])
    if not sum(map(len, keys)):
        raise InputError("aggregator personvlad: fit() got no maps, so there is nothing to place the words on")
    best = torch.cat(keys).topk(min(most, sum(map(len, keys))))
    return torch.cat(rows)[best.indices.to(rows[0].device)]


def kmeans(x: Tensor, words: int, rounds: int = 30) -> Tensor:
    """Centres [words, D] of x [n, D], from a k-means++ start drawn with torch's generator.

    With fewer distinct rows than words the rest of the centres repeat rows; repeated words share descriptors.
    """
    centres = x[torch.randint(len(x), (1,))]  # [1, D]
    for _ in range(words - 1):
        far = pairwise_distance(x, centres, "sqeuclidean").amin(1).cpu().double()  # [n]
        far = far if far.sum() > 0 else torch.ones_like(far)
        centres = torch.cat([centres, x[far.multinomial(1)]])
    last = None
    for _ in range(rounds):
        nearest = pairwise_distance(x, centres, "sqeuclidean").argmin(1)  # [n]
        if last is not None and torch.equal(nearest, last):
            break
        last = nearest
        one_hot = F.one_hot(nearest, words).to(x.dtype)  # [n, words]
        count = one_hot.sum(0)[:, None]  # [words, 1]
        centres = torch.where(count > 0, one_hot.T @ x / count.clamp_min(1), centres)  # an empty word stays
    return centres
