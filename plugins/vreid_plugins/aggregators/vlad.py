"""VLAD with soft assignment (Arandjelovic et al., "NetVLAD", 2016): residuals of descriptors to words, and k-means."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import InputError, pairwise_distance

SHORT = 1e-3  # a sum of residuals that is shorter than this is not scaled to unit length
MOST_DESCRIPTORS = 100_000  # the most that k-means uses: 100 MB of C3D's


class Vlad(nn.Module):
    """K words, and the sum of the residuals of descriptors to them; the equations are those of Wu et al. 2019."""

    def add_words(self, width: int, words: int, alpha: float, empty: str = "assigned") -> None:
        """Add K = `words` words of D = `width` numbers; alpha: sharpness of the soft assignment of a descriptor.

        empty: what becomes of a word that is almost empty. `assigned`: its column is as long as the descriptors
        assigned to it, at most 1. `short`: it has unit length, unless its residuals sum to less than 1e-3.
        """
        if empty not in ("assigned", "short"):
            raise InputError(f"aggregator personvlad: empty must be assigned or short, got {empty!r}")
        self.alpha, self.empty = alpha, empty
        self.w = nn.Parameter(torch.empty(words, width))  # w_k, z_k and c_k of Eq. 5; they train independently
        self.z = nn.Parameter(torch.empty(words))
        self.c = nn.Parameter(torch.empty(words, width))
        self.place(F.normalize(torch.randn(words, width), dim=1))  # until they are fitted

    def assignment(self, f: Tensor) -> Tensor:
        """Eq. 5, left: descriptors f [B, S, D] -> soft assignment [B, S, K]; each row sums to 1."""
        # w f and z are about alpha |c|^2 each, up to 1e6, and their small difference decides: float32 has too few
        # digits for it. Softmax subtracts the greatest before it takes the exponential, so nothing overflows.
        logits = f.double() @ self.w.double().T + self.z.double()
        return logits.softmax(2).to(f.dtype)

    def aggregate(self, f: Tensor) -> Tensor:
        """Descriptors f [B, S, D] in single or double precision -> v [B, K D] of unit length."""
        a = self.assignment(f)  # [B, S, K]
        # Eq. 5, right: V = sum a (f - c), the descriptors' part less the centres'
        residuals = a.transpose(1, 2) @ f - a.sum(1)[:, :, None] * self.c  # [B, K, D]
        # Intra-normalisation. Scaled to unit length, an empty word would be the noise of the softmax's tails.
        columns = residuals / residuals.norm(dim=2, keepdim=True).clamp_min(SHORT)
        if self.empty == "assigned":
            columns = columns * a.sum(1)[:, :, None].clamp_max(1)
        return F.normalize(columns.flatten(1), dim=1)

    @torch.no_grad()
    def place(self, centres: Tensor) -> None:
        """Set all words from centres [K, D]: with w_k = 2 alpha c_k and z_k = -alpha |c_k|^2, Eq. 5 is Eq. 4."""
        self.c.copy_(centres)
        self.w.copy_(2 * self.alpha * centres)
        self.z.copy_(-self.alpha * centres.square().sum(1))


def sample_rows(batches: Iterable[Tensor], most: int) -> Tensor:
    """A uniform random sample of `most` rows from any number of batches [n, D], or all rows if there are fewer.

    It never holds more than twice `most` rows and one batch.
    """
    rows: list[Tensor] = []
    keys: list[Tensor] = []  # a row stays if its random key is among the `most` greatest
    for batch in batches:
        rows.append(batch)
        keys.append(torch.rand(len(batch), dtype=torch.float64))
        if sum(map(len, keys)) > 2 * most:
            best = torch.cat(keys).topk(most)
            rows, keys = [torch.cat(rows)[best.indices.to(batch.device)]], [best.values]
    if not sum(map(len, keys)):
        raise InputError("aggregator: fit() got no maps, so there is nothing to place the words on")
    best = torch.cat(keys).topk(min(most, sum(map(len, keys))))
    return torch.cat(rows)[best.indices.to(rows[0].device)]


def kmeans(x: Tensor, words: int, rounds: int = 30) -> Tensor:
    """Centres [words, D] of x [n, D] by k-means, from a k-means++ start drawn with torch's global generator.

    If x has fewer distinct rows than words, some centres are equal; equal words share their descriptors.
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
