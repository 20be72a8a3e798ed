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
    """Attention to body parts, and the residuals of their features summed by "person word" (section III-B, Fig. 2, 3).

    parts: B, how many part detectors. words: K, how many centres. alpha: sharpness of the assignment.
    descriptors: what Eq. 3-5 sum over. `locations` takes every place of every part map, `pooled` one mean per
        part. The equations' index runs over b alone, but the text sums "over the entire video", discusses
        pooling as the alternative (III-B a), and B = 6 vectors could not fill K = 64 words.
    Fig. 3 and the text also give each branch "fully-connected layers". Their one equation, f_b = W (W6 mean f_b),
        stands in III-B a) for pooled parts, and its output would not be the D = 256 numbers that K D = 16,384 needs;
        Eq. 2-5 sum the re-weighted features themselves. There are none here.
    normalize: scale the features to unit length, as alpha = 1000 supposes (it is ActionVLAD's, which does). It
        has to come before Eq. 2: after it, the length that a part map gave would be divided out again.
    """

    def __init__(
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


WORDS = ("aggregator.w", "aggregator.z", "aggregator.c")


def personvlad(preset: Preset) -> Method:
    """Body parts of a 3D network, aggregated over a vocabulary of person words (Wu et al. 2019).

    Section III-C: the words by k-means, then all but the words by OIM, then everything by OIM.
    """
    return _paper() if preset == "paper" else _small()


def _paper() -> Method:
    """As printed, apart from what cannot be meant.

    - III-A prints "5 convolution layers" of 64, 128, 256, 256, 256 filters; Fig. 2 and the pre-trained C3D have 8
      convolutions, up to 512 wide. Eight it is, at the printed widths: only D = 256 gives the K D = 16,384 of III-B.
    - "90 x 180" is read as width by height; a person stands.
    - Step 1 "only trains the classifier", but OIM has no parameters, so nothing would learn: all but the words does.
    - Halving 0.003 every 1,000 of 50,000 steps leaves 0.003 / 2^49; the last 40,000 steps no longer move anything.
    - The batch of 15 is 5 persons of 3 tracklets, and step 2 is as long as step 1; the paper says neither.
    - C3D's Sports-1M weights are not shipped; without them this starts from random ones.
    """
    clip = Clipping("consecutive", 16)
    adam = Optimizer("Adam", {"eps": 1e-4})
    words_fixed = Train(
        clipping=clip,
        losses={"oim": 1.0},
        steps=50_000,
        P=5,
        K=3,
        schedule=Schedule("step", 0.003, every=1000, factor=0.5),
        optimizer=adam,
        freeze=WORDS,
        augment=(part("flip", p=0.5),),
    )
    joint = replace(words_fixed, schedule=Schedule("constant", 1e-4), freeze=())
    return Method(
        encoder=part("c3d", widths=(64, 128, 256, 256, 256)),
        aggregator=part("personvlad", parts=6, words=64, alpha=1000.0),
        matcher=part("mean", metric="euclidean"),  # IV-B: "tracklet activation", the mean of its clips
        test=Clipping("dense", 16, step=8),
        size=(180, 90),
        losses={"oim": part("oim", temperature=0.1, queue_size=5000)},
        stages=(Fit("aggregator", Clipping("uniform", 16)), words_fixed, joint),
        reported=REPORTED,
        paper="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019",
    )


def _small() -> Method:
    """The same three stages for 64 x 32 crops and random weights. C3D is narrow, batch-normalised, and pools to 16 x 8
    places instead of 6 x 3, so that parts have room. The batch holds 16 persons: with few of them OIM, which learns
    from the other persons' rows, hardly starts without pre-training."""
    paper = _paper()
    clip = Clipping("consecutive", 8)
    words_fixed = Train(
        clipping=clip,
        losses={"oim": 1.0},
        steps=200,
        P=16,
        K=2,
        schedule=Schedule("step", 0.003, every=100, factor=0.5),
        optimizer=Optimizer("Adam", {"eps": 1e-4}),
        freeze=WORDS,
        augment=(part("flip", p=0.5),),
    )
    joint = replace(words_fixed, steps=500, schedule=Schedule("constant", 1e-3), freeze=())
    pools = ((1, 2, 2), (2, 2, 2), (2, 1, 1), (1, 1, 1), (1, 1, 1))
    return replace(
        paper,
        encoder=part("c3d", widths=(8, 16, 32, 32, 32), pools=pools, norm=True),
        aggregator=part("personvlad", parts=4, words=8, alpha=1000.0),
        test=Clipping("dense", 8, step=4),
        size=(64, 32),
        stages=(Fit("aggregator", Clipping("uniform", 8)), words_fixed, joint),
    )


def _rows(dataset: str, where: str, note: str = "", **values: float) -> tuple[Reported, ...]:
    unlike = "one random probe tracklet against the mean of a person's gallery tracklets, 10 draws: not comparable"
    note = f"{unlike}; {note}" if note else unlike
    return tuple(Reported(dataset, metric, round(value / 100, 4), where, note) for metric, value in values.items())


HALF = "trained on half of the training set, tested on the other half"
TUNED = "trained on MARS, then on half of this dataset"
REPORTED = (
    *_rows("mars", "Table III, PersonVLAD", R1=80.8, R5=94.5, R10=96.9, R20=99.0),
    *_rows("mars", "Table IX, PersonVLAD", mAP=63.4),
    *_rows("mars", "Table II, random / random", "gallery also one random tracklet each", R1=74.1),
    *_rows("mars", "Table II, all / all", "probe also the mean of all its tracklets", R1=80.2),
    *_rows("mars", "Table IV, B = 6", f"{HALF}; the same numbers as Table III", R1=80.8, R5=94.5, R10=96.9, R20=99.0),
    *_rows("ilids-vid", "Table VI, MARS -> iLIDS-VID", "trained on MARS only", R1=56.3, R5=78.2, R20=93.7),
    *_rows("ilids-vid", "Table VI, fine-tuned", TUNED, R1=69.4, R5=87.6, R20=99.2),
    *_rows("prid2011", "Table VI, MARS -> PRID2011", "trained on MARS only", R1=71.7, R5=85.6, R20=94.1),
    *_rows("prid2011", "Table VI, fine-tuned", TUNED, R1=87.6, R5=96.1, R20=98.7),
)


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`personvlad`."""
    return {"personvlad": PersonVlad}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """`personvlad`."""
    return {"personvlad": personvlad}
