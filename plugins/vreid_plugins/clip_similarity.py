"""Learned clip similarity (Matiyali and Sharma, "Video Person Re-Identification using Learned Clip Similarity
Aggregation", WACV 2020), in the paper's order: section 3.1, Eq. 9 of section 4.4, appendix A, then its tables.

All methods share the first stage: I3D is trained on clips of four frames with triplet and cross-entropy loss. They
differ in how they compare the clips of two tracklets, and in the second stage, which trains this comparison with I3D
frozen:

- `clip-average`, `clip-average-1`, `-2`, `-4`: the mean of the unit vectors of 8, 1, 2 or 4 clips (Fig. 4, Table 6);
  `clip-average-raw`: the mean of 8 clips without scaling to unit length.
- `clip-top`: the mean over the most similar 60 % of the 64 pairs of clips, in the test only (`top-t%-eval`);
  `clip-top-trained`: over the most similar half, also in training (`top-t%-traineval`).
- `clip-learned`: a network weighs one pair after another.
- `clip-top-corrupted`, `clip-top-trained-corrupted`, `clip-learned-corrupted`: the same with the second stage trained
  on corrupted clips, M_c^max = 7.

Table 2 trains this second stage for each M_c^max, from 0 to 7. M_c^max is a setting of the last three, and each column
is that of the method with that setting under the same condition of the test. This command makes all rows of Table 2
from one I3D, which is trained once:

    vreid-bench run --protocol mars-corruption --plugin clip-top-corrupted --plugin clip-top-trained-corrupted
        --plugin clip-learned-corrupted --sweep stages.1.corruption.most=0-7

The paper's other variations are settings of these methods: how a single clip is cut (Table 1, Fig. 3) is test.sampler
and test.T of `clip-average-1`, where its consec, random, evenly and all are random-consecutive, random, evenly and all;
the length of clips (Table 6) is test.T and stages.0.clipping.T; t (Fig. 6, Table 2) is
matcher.top. A printed row stands beside the method with these settings, and only there.

The file is long because a third of it is the paper's printed tables.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import (
    ClipCorruption,
    Clipping,
    ClipRule,
    Clips,
    ClipSide,
    Epochs,
    Hardest,
    InputError,
    Method,
    Optimizer,
    PairScores,
    Part,
    Preset,
    Reported,
    Schedule,
    Train,
    add_query_clip,
    batch_hard,
    clip_batch_hard,
    clip_distance,
    count_top,
    hookimpl,
    pair_importance,
    part,
    reported_row,
    reported_table,
    sequential_similarity,
    shrink_method,
    shrink_training,
)

PAPER = "Matiyali, Sharma: Video Person Re-Identification using Learned Clip Similarity Aggregation, WACV 2020"

LEARNED = ClipRule(mode="learned", normalize=False)  # clips have unit length already


class Learned(nn.Module):
    """A weighted mean over all pairs of clips; a network weighs each pair by its difference from the mean so far.

        alpha_t = g(r_{t-1} - c_t)                                    Eq. 1, c_t = f_q * f_g, elementwise
        r_t = (A_{t-1} r_{t-1} + alpha_t c_t) / A_t                   Eq. 2, A_t the sum of the first t alphas
        s = sum of the elements of r after the last pair              Eq. 4, which is Eq. 3 for unit vectors

    hidden: units in each of the two hidden layers of g; 0 means the length of a clip's embedding.
    dropout: probability, after each hidden layer.

    Where the paper is silent or unclear:
    - Eq. 1 prints f_q * f_q. This uses f_q * f_g, as the definition of r_1 does.
    - The order of the M^2 pairs changes the result. Here the first query clip meets every gallery clip in turn, then
      the second does, and so on.
    - alpha_1 = 1, because Eq. 1 needs an r_0. With r_0 = r_1 alpha_1 would be g(0). Batch normalisation puts this
      constant input exactly on the kink of the ReLU, where gradients differ between machines.
    - "dropout and batch normalisation after both hidden layers": the order is linear, normalisation, ReLU, dropout.
      In training the statistics of a step are over all pairs of tracklets of the batch, each tracklet with itself
      included. In the test they are the running ones, where the last pairs of the last batches count most.
    """

    metric = "cosine"  # 1 - a mean of cosine similarities

    def __init__(self, dim: int, hidden: int = 0, dropout: float = 0.5) -> None:
        super().__init__()
        hidden = hidden or dim
        layers: list[nn.Module] = []
        for width in (dim, hidden):
            layers += [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout)]
        self.g = nn.Sequential(*layers, nn.Linear(hidden, 1), nn.Softplus())

    def represent(self, clips: Clips) -> Clips:
        """Every clip [N, C, E] scaled to unit length, as Eq. 4 requires."""
        return clips.with_embedding(F.normalize(clips.embedding, dim=-1))

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> 1 - s [Q, G], not symmetric. Training normalises by the batch's statistics."""
        if self.training:
            left, right = _side(query), _side(gallery)
            each = ClipSide(left.clips[:, None], left.valid[:, None]), ClipSide(right.clips[None], right.valid[None])
            return 1 - sequential_similarity(*each, self._compute_importance)
        masks = query.valid, gallery.valid
        return clip_distance(query.embedding, gallery.embedding, self.fused_weights(), *masks, rule=LEARNED)

    def hardest(self, represented: Clips, pids: Tensor) -> Hardest:
        """The farthest positive and nearest negative of each of N tracklets."""
        if self.training:  # batch normalisation sees all pairs, so that all of them have gradients
            return batch_hard(self.distance(represented, represented), pids)
        clips, valid = represented.embedding, represented.valid
        return clip_batch_hard(clips, pids, self.fused_weights(), valid, rule=LEARNED)

    def importance(self, query: Clips, gallery: Clips) -> Tensor:
        """How much each query clip counts, [N, C], for N represented query and gallery tracklets, row by row.

        It is the mean, over the pairs of the clip, of alpha divided by the sum of all alphas (Eq. 2). The first pair
        of all is left out of the mean, because its weight is set and not learned.
        """
        alpha = self.alphas(query, gallery)
        learned = _pair(query, gallery)  # [N, C, K]
        learned[:, 0, 0] = False
        share = alpha / alpha.sum((1, 2), keepdim=True)
        return (share * learned).sum(2) / learned.sum(2).clamp_min(1)

    def alphas(self, query: Clips, gallery: Clips) -> Tensor:
        """Eq. 1 for N represented query and gallery tracklets, row by row: [N, C, K], 0 where a clip is missing."""
        network, found = self.fused_weights(), []

        def kept(difference: Tensor, _: Tensor) -> Tensor:
            found.append(pair_importance(difference, network))
            return found[-1]

        left, right = _side(query), _side(gallery)
        sequential_similarity(left, right, kept)
        pair = _pair(query, gallery).flatten(1)  # [N, C K]
        first = pair.cumsum(1) == 1
        alpha = torch.where(first, 1, torch.stack(found, 1)) * pair
        return alpha.reshape(len(query), query.valid.shape[1], gallery.valid.shape[1])

    def score_pairs(self, query: Clips, gallery: Clips) -> PairScores:
        """Eq. 1 for N represented query and gallery tracklets, row by row: c_t summed, and alpha_t, [N, C, K] each."""
        return PairScores(_compare_clips(query, gallery), self.alphas(query, gallery))

    def bounds(self, query: Clips, gallery: Clips) -> tuple[Tensor, Tensor]:
        """The smallest and the largest distance [Q, G] that any weights can give.

        A weighted mean over pairs of clips lies between the distances of the nearest and the farthest pair.
        """
        product = torch.einsum("qae,gbe->qgab", query.embedding, gallery.embedding)
        pair = query.valid[:, None, :, None] & gallery.valid[None, :, None]  # [Q, G, C, K]
        return 1 - product.masked_fill(~pair, -2).amax((2, 3)), 1 - product.masked_fill(~pair, 2).amin((2, 3))

    def narrowing(self, query: Clips, gallery: Clips) -> Generator[tuple[Tensor, Tensor], Tensor, None]:
        """Lower and upper bounds [P] of the distances of P pairs of tracklets, after each of the query clips.

        After the last query clip both bounds are the distance. The caller sends back a mask [P] of the pairs that it
        still needs; the generator goes on with those.
        """
        network = self.fused_weights()
        left, right = _side(query), _side(gallery)
        product = torch.einsum("pae,pbe->pab", left.clips, right.clips)  # [P, C, K]
        pair = (left.valid[:, :, None] * right.valid[:, None]) > 0
        most = product.masked_fill(~pair, -2).amax(2).flip(1).cummax(1).values.flip(1)  # [P, C] of a clip and the later
        least = product.masked_fill(~pair, 2).amin(2).flip(1).cummin(1).values.flip(1)
        mean, total = torch.zeros_like(left.clips[:, 0]), torch.zeros_like(left.valid[:, 0])
        for a in range(left.clips.shape[1]):
            own = ClipSide(left.clips[:, a], left.valid[:, a])
            state = mean, total
            mean, total = add_query_clip(own, right, state, lambda difference, _: pair_importance(difference, network))
            similarity = mean.sum(-1)  # [P]
            low, high = similarity, similarity
            if a + 1 < left.clips.shape[1]:  # each later pair moves the mean towards its own similarity
                low = torch.where(total > 0, torch.minimum(similarity, least[:, a + 1]), least[:, a + 1])
                high = torch.where(total > 0, torch.maximum(similarity, most[:, a + 1]), most[:, a + 1])
            kept = yield 1 - high, 1 - low
            left, right = left.rows(kept), right.rows(kept)
            most, least, mean, total = most[kept], least[kept], mean[kept], total[kept]

    def fused_weights(self) -> list[Tensor]:
        """The weights of g in the order of `clip_distance`, with batch normalisation fused into its linear layers."""
        g: Any = self.g  # typed as holding modules, not linear layers
        weights: list[Tensor] = []
        for at in (0, 4):
            linear, norm = g[at], g[at + 1]
            scale = norm.weight / (norm.running_var + norm.eps).sqrt()  # [H]
            weights += [linear.weight * scale[:, None], (linear.bias - norm.running_mean) * scale + norm.bias]
        return [*weights, g[8].weight, g[8].bias]

    def _compute_importance(self, difference: Tensor, mask: Tensor) -> Tensor:
        """Importances of the pairs in `mask` [...] bool, 0 elsewhere; the batch statistics are of these pairs only."""
        if not mask.any():
            return torch.zeros_like(difference[..., 0])
        found = self.g(difference[mask])[:, 0]
        return torch.zeros_like(difference[..., 0]).masked_scatter(mask, found)


def _pair(query: Clips, gallery: Clips) -> Tensor:
    """Which pairs of clips there are, [N, C, K] bool, of N query and gallery tracklets, row by row."""
    return query.valid[:, :, None] & gallery.valid[:, None]


def _compare_clips(query: Clips, gallery: Clips) -> Tensor:
    """Eq. 3: the cosine [N, C, K] of each pair of represented clips; 0 where a clip is missing."""
    return torch.einsum("nae,nbe->nab", query.embedding, gallery.embedding) * _pair(query, gallery)


def _side(clips: Clips) -> ClipSide:
    return ClipSide(torch.where(clips.valid[..., None], clips.embedding, 0), clips.valid.to(clips.embedding.dtype))


class Top(nn.Module):
    """The mean cosine similarity over the most similar pairs of clips, after an optional projection (Eq. 9).

    top: the share t / 100 of the valid pairs that count; their number is rounded up.
    train_top: the same in training; null means `top`. The paper's `top-t%-eval` trains with all pairs, 1.0.
    project: whether a linear layer from D to D features without bias comes first. It starts as the identity, because
        the features are already good, and 12 epochs at 3e-5 would hardly lead a random layer back to them.
    """

    metric = "cosine"  # 1 - a mean of cosine similarities

    def __init__(self, dim: int, top: float = 0.2, train_top: float | None = None, project: bool = False) -> None:
        super().__init__()
        for name, value in (("top", top), ("train_top", train_top)):
            if value is not None and not 0 < value <= 1:
                raise InputError(f"matcher top: {name} must be above 0 and at most 1, got {value!r}")
        self.top, self.train_top = top, top if train_top is None else train_top
        self.project = nn.Linear(dim, dim, bias=False) if project else nn.Identity()
        if isinstance(self.project, nn.Linear):
            nn.init.eye_(self.project.weight)

    def represent(self, clips: Clips) -> Clips:
        """Every clip [N, C, E], projected and scaled to unit length."""
        return clips.with_embedding(F.normalize(self.project(clips.embedding), dim=-1))

    def distance(self, query: Clips, gallery: Clips) -> Tensor:
        """Represented tracklets -> 1 - s [Q, G]."""
        masks = query.valid, gallery.valid
        return clip_distance(query.embedding, gallery.embedding, (), *masks, rule=self._rule())

    def hardest(self, represented: Clips, pids: Tensor) -> Hardest:
        """The farthest positive and nearest negative of each of N tracklets."""
        return clip_batch_hard(represented.embedding, pids, (), represented.valid, rule=self._rule())

    def score_pairs(self, query: Clips, gallery: Clips) -> PairScores:
        """Eq. 9 for N represented query and gallery tracklets, row by row: 1 for each pair that counts, else 0."""
        similarity = _compare_clips(query, gallery)  # [N, C, K]
        pair = _pair(query, gallery)
        order = similarity.masked_fill(~pair, -torch.inf).flatten(1).argsort(dim=1, descending=True, stable=True)
        rank = order.argsort(1).reshape(similarity.shape)  # [N, C, K]
        counted = rank < count_top(pair.sum((1, 2)), self._rule())[:, None, None]
        return PairScores(similarity, counted.to(similarity.dtype))

    def _rule(self) -> ClipRule:
        return ClipRule(mode="top", top=self.train_top if self.training else self.top, normalize=False)


AVERAGE = part("mean", metric="euclidean", normalize=True)  # section 4.3: distances between means of unit vectors
SIMILARITY = part("triplet", margin=1.0)  # A.2: Eq. 7 with the negative similarity, the matcher's distance
CORRUPTION = ClipCorruption(most=7, kind="low-resolution", strength=5.0)  # section 4.4
CLIPS = 8  # M
SECOND = 100  # steps of the second stage at preset `small`, where a third of all would be too few by far


def clip_average(preset: Preset) -> Method:
    """The mean of eight clips' unit vectors, from I3D (Matiyali and Sharma 2020, section 4.3)."""
    return replace(_method(preset), matcher=AVERAGE, reported=table_6(CLIPS))


def clip_average_raw(preset: Preset) -> Method:
    """The mean of eight clips' vectors, not scaled to unit length, from I3D."""
    return replace(_method(preset), matcher=part("mean", metric="euclidean"))  # a curve of Fig. 4, in no table


def clip_top(preset: Preset) -> Method:
    """The most similar 60 % of the pairs of clips, in the test only (section 4.4, top-t%-eval)."""
    matcher = part("top", top=0.6, train_top=1.0, project=True)
    return replace(_second(preset, matcher), reported=top_rows("topt-e", 60))


def clip_top_trained(preset: Preset) -> Method:
    """The most similar half of the pairs of clips, in training and test (section 4.4, top-t%-traineval)."""
    matcher = part("top", top=0.5, project=True)
    return replace(_second(preset, matcher), reported=top_rows("topt-te", 50))


def clip_top_corrupted(preset: Preset) -> Method:
    """The most similar 60 % of the pairs of clips, in the test only, from training on corrupted clips."""
    return _corrupt(clip_top(preset), top_rows("topt-e", 60, corrupted=True))


def clip_top_trained_corrupted(preset: Preset) -> Method:
    """The most similar half of the pairs of clips, in the test and in training, which is on corrupted clips."""
    return _corrupt(clip_top_trained(preset), top_rows("topt-te", 50, corrupted=True))


def clip_learned(preset: Preset) -> Method:
    """A learned network weighs the pairs of clips one after another (Matiyali and Sharma 2020)."""
    reported = (*table_2("Ours"), *TABLES_3_TO_5)
    matcher = part("learned") if preset == "paper" else part("learned", hidden=32)
    return replace(_second(preset, matcher), reported=reported, quoted=QUOTED)


def clip_learned_corrupted(preset: Preset) -> Method:
    """Learned weights of pairs of clips, from training on corrupted clips."""
    return replace(_corrupt(clip_learned(preset), table_2("Ours", corrupted=True)), quoted=())


def _clips(number: int) -> Callable[[Preset], Method]:
    def method(preset: Preset) -> Method:
        whole = clip_average(preset)
        return replace(whole, test=replace(whole.test, clips=number), reported=table_6(number))

    method.__doc__ = f"The mean of {number} clips' unit vectors, from I3D: `clip-average` with M = {number}."
    return method


def _corrupt(method: Method, reported: tuple[Reported, ...]) -> Method:
    """The method with its second stage on corrupted clips; the first stays, as the paper trains one I3D."""
    first, second = method.stages
    assert isinstance(second, Train)
    return replace(method, stages=(first, replace(second, corruption=CORRUPTION)), reported=reported)


def _second(preset: Preset, matcher: Part) -> Method:
    """Both stages; the second trains the matcher on M clips of each tracklet, with I3D frozen (A.2).

    Printed: P = 12, K = 4, AMSGrad, weight decay 5e-4, 12 epochs at 3e-5 and a tenth of it after 8; for which data sets
    is not said, here for all three.

    Unlike the paper, I3D sees each clip four times, each time with a new flip and crop, and a step takes each clip from
    one of these four views. Running I3D in every step would cost 48 x 8 clips a step. Corrupted clips have four views
    of their own. As in the paper, every tracklet of every step draws how many of its clips are corrupted, and which.
    """
    method = _method(preset)
    (first,) = method.stages
    assert isinstance(first, Train)
    second = replace(
        first,
        clipping=method.test,
        losses={"similarity": 1.0},
        steps=Epochs(12),
        P=12,
        schedule=Schedule("step", 3e-5, every=Epochs(8), factor=0.1),
        train=("matcher.*",),
        matcher=None,
        cached=4,
    )
    if preset == "small":
        second = shrink_training(second, SECOND)
        second = replace(second, schedule=replace(second.schedule, rate=1e-3))  # 9e-5 leaves the matcher as it began
    first = replace(first, freeze=("matcher.*",))
    return replace(method, matcher=matcher, losses={**method.losses, "similarity": SIMILARITY}, stages=(first, second))


def _method(preset: Preset) -> Method:
    return _paper() if preset == "paper" else _small()


def _paper() -> Method:
    """The first stage (section 3.2 and A.1).

    Printed: AMSGrad, weight decay 5e-4, P = 8, K = 4, "for training on MARS" 1,200 epochs at 3e-4 and a tenth of it
    every 400, margin 0.3, flips, and frames "resized to 144 x 288 (H x W)", of which 128 x 256 are cropped. That must
    mean W x H: a person stands. DukeMTMC-VideoReID and PRID2011, for which no length is printed, get the same epochs;
    what an epoch is, `Epochs` says. The losses are means where Eq. 7 and 8 print sums, and the classifier has a bias
    that Eq. 8 does not print.
    """
    stage = Train(
        clipping=Clipping("consecutive", 4),
        losses={"cross-entropy": 1.0, "triplet": 1.0},
        steps=Epochs(1200),
        P=8,
        K=4,
        schedule=Schedule("step", 3e-4, every=Epochs(400), factor=0.1),
        optimizer=Optimizer("Adam", {"betas": (0.9, 0.999), "weight_decay": 5e-4, "amsgrad": True}),
        augment=(part("crop", enlarge=1.125, p=1.0), part("flip")),
        matcher=part("mean", metric="euclidean"),
    )
    return Method(
        encoder=part("i3d"),
        aggregator=part("average"),  # "a global average pooling layer", over the remaining time steps as well
        matcher=AVERAGE,
        test=Clipping("uniform", 4, clips=CLIPS),
        size=(256, 128),
        losses={"cross-entropy": part("cross-entropy"), "triplet": part("triplet", margin=0.3)},
        stages=(stage,),
        paper=PAPER,
        begins={"encoder": ("*",)},  # 3.2: "pretrained on the Kinetics action recognition dataset"
    )


def _small() -> Method:
    """The same recipe scaled down: an eighth of I3D's channels, one block of each size, and a stride of 8."""
    return shrink_method(_paper(), encoder=part("i3d", shrink=8, depths=(1, 1, 1), pools=("3a", "4a")))


MOST = "stages.1.corruption.most"  # the setting that is M_c^max
DOUBT = "gallery and queries without a match are not said"

# Table 2: variant and t -> the row as printed, mAP at M_c^max from 0 to 7 and then rank 1.
TABLE_2: Mapping[tuple[str, int], str] = {
    ("topt-e", 10): "73.9 72.6 71.3 68.5 63.9 57.0 53.5 49.2  78.9 78.3 78.0 76.9 73.0 67.5 64.7 62.4",
    ("topt-e", 20): "75.2 74.7 73.7 72.3 68.0 60.6 56.7 49.3  80.9 80.7 80.9 80.0 76.8 70.7 67.6 62.1",
    ("topt-e", 30): "75.6 75.1 74.6 73.7 70.6 62.5 58.2 49.0  81.2 81.1 81.6 81.1 79.7 73.7 69.3 61.8",
    ("topt-e", 40): "75.9 75.3 75.0 74.1 71.5 63.2 58.4 48.7  81.8 81.5 82.6 81.6 80.2 73.9 70.1 61.5",
    ("topt-e", 50): "76.0 75.4 75.1 74.3 71.6 63.2 58.3 48.3  82.5 81.5 82.6 82.2 80.3 73.9 70.0 61.3",
    ("topt-e", 60): "76.1 75.4 74.8 74.1 71.2 63.0 58.1 47.9  83.2 82.3 82.2 82.2 79.7 72.9 70.1 60.7",
    ("topt-e", 70): "76.1 75.2 74.5 73.4 70.6 62.7 57.7 47.5  83.2 82.2 82.4 81.4 79.2 72.8 69.6 60.4",
    ("topt-e", 80): "75.8 75.0 73.9 72.7 69.7 61.9 57.5 47.3  82.9 82.1 82.2 81.0 78.6 72.2 69.4 60.2",
    ("topt-e", 90): "75.4 74.5 73.3 71.9 68.8 61.3 57.1 47.0  82.6 82.0 82.0 80.4 77.6 71.9 68.5 60.4",
    ("topt-e", 100): "74.8 73.6 72.5 70.9 67.6 60.5 56.6 47.1  82.2 81.2 81.1 79.4 76.8 71.5 67.9 59.9",
    ("topt-te", 20): "74.7 74.7 74.4 74.1 72.0 67.7 64.7 53.8  80.5 80.7 80.5 80.9 79.1 77.1 74.9 67.1",
    ("topt-te", 50): "75.7 75.4 75.2 74.7 72.1 64.9 60.4 49.1  82.2 81.6 82.6 82.4 79.9 75.0 72.0 63.0",
    ("topt-te", 70): "75.7 75.3 74.4 73.3 70.0 62.3 58.4 47.4  82.9 82.3 82.7 81.8 78.5 73.5 70.6 60.7",
    ("topt-te", 100): "74.6 73.4 72.3 70.5 66.9 59.5 56.3 46.6  82.5 81.0 81.7 79.0 76.7 70.7 67.9 59.9",
    # the text of section 4.4 says 69.6 for the last mAP
    ("Ours", 0): "75.9 75.4 75.2 75.2 74.4 73.7 73.1 69.9  82.7 81.4 81.4 81.5 79.8 80.0 80.3 78.6",
}


QUALITY = "the quality of the JPEG is not said"


def table_2(variant: str, t: int = 0, corrupted: bool = False) -> tuple[Reported, ...]:
    """A row of Table 2: the column of M_c^max = 0, or with `corrupted` all columns.

    The former stands beside a method that trains on clean clips, and is the score on clean MARS as well. Each of the
    latter is of the method with that M_c^max in training, under the condition with the same in the test.
    """
    where = f"Table 2, {variant}" + (f", t = {t}" if t else "")
    numbers = [float(number) for number in TABLE_2[variant, t].split()]
    found = []
    for metric, values in (("mAP", numbers[:8]), ("R1", numbers[8:])):
        for most in range(CLIPS) if corrupted else (0,):
            column, value = f"{where}, M_c^max = {most}", round(values[most] / 100, 4)
            settings = {MOST: most} if corrupted and most != CORRUPTION.most else {}
            of = Reported("mars-corruption", metric, value, column, QUALITY, condition=spoiled(most), settings=settings)
            found.append(of)
            if not corrupted:
                found.append(replace(of, dataset="mars", note=DOUBT, condition=""))
    return tuple(found)


def spoiled(most: int) -> str:
    """The condition of `mars-corruption` that has this M_c^max."""
    return f"up to {most} of {CLIPS} clips"


def _at(settings: Mapping[str, Any], rows: Iterable[Reported]) -> Iterator[Reported]:
    """The same numbers, of the method with these settings, too."""
    return (replace(number, settings={**number.settings, **settings}) for number in rows)


MARS, DUKE, PRID = {"mars": "mAP R1 R5 R20"}, {"duke-video": "mAP R1 R5 R20"}, {"prid2011": "R1 R5 R20"}
TABLES_3_TO_5 = (
    *reported_row("Table 3, Ours", MARS, "- - 94.0 97.2", DOUBT),  # mAP and rank 1 are those of Table 2
    # The paper does not say how it re-ranks. Its similarity is not symmetric; here the distances among the gallery are
    # the mean of both directions.
    *reported_row("Table 3, Ours + Reranking", MARS, "83.3 83.4 93.4 97.4", DOUBT, reranked=True),
    *reported_row("Table 4, Ours", DUKE, "88.5 89.3 98.3 99.4"),
    *reported_row("Table 5, Ours", PRID, "82.9 95.8 99.1", "mean over ten random splits that are not published"),
)
# Table 6, the mAP of averaging M clips: M -> as printed, for clips of 4, 8 and 16 frames in training and test.
TABLE_6 = {1: "63.3 68.5 69.8", 2: "70.1 73.0 72.9", 4: "74.5 74.9 73.7", 8: "74.9 75.0 73.7"}


def table_6(M: int) -> tuple[Reported, ...]:
    """A row of Table 6: M clips of 4 frames, and with other settings of 8 and 16."""
    found: list[Reported] = []
    for L, value in zip((4, 8, 16), TABLE_6[M].split(), strict=True):
        cell = reported_row(f"Table 6, L = {L}, M = {M}", {"mars": "mAP"}, value, DOUBT)
        found += _at({} if L == 4 else {"test.T": L, "stages.0.clipping.T": L}, cell)
    return tuple(found)


def top_rows(variant: str, own: int, corrupted: bool = False) -> tuple[Reported, ...]:
    """The rows of Table 2 of a variant of top-t: the one of t = `own`, and with other settings of every other t."""
    every = sorted(t for name, t in TABLE_2 if name == variant)
    rows = (_at({} if t == own else {"matcher.top": t / 100}, table_2(variant, t, corrupted)) for t in every)
    return tuple(number for row in rows for number in row)


OTHERS = "quoted from its own paper"
# The paper's numbers of other systems.
QUOTED = (
    *reported_table(
        "Table 3",
        MARS,
        {
            "RQEN+XQDA+Reranking": "71.1 77.8 88.8 94.3",
            "TriNet + Reranking": "77.4 81.2 90.8 -",
            "DuATM": "67.7 81.1 92.5 -",
            "MGCAN-Siamese": "71.2 77.2 - -",
            "PSE": "56.9 72.1 - -",
            "PSE + ECN": "71.8 76.7 - -",
            "RRU + STIM": "72.7 84.4 93.2 96.3",
            "Two-Stream M3D": "74.1 84.4 93.8 97.7",
            "PABR": "75.9 84.7 94.4 97.5",
            "PABR + Reranking": "83.9 85.1 94.2 97.4",
            "CSSA-CSE + Flow": "76.1 86.3 94.7 98.2",
            "STA": "80.8 86.3 95.7 98.1",
            "STA + Reranking": "87.7 87.2 96.2 98.6",
            "D + GE + D_G": "81.8 87.3 96.0 98.1",
        },
        OTHERS,
        # ECN, "expanded cross neighborhood", re-ranks, too
        ["RQEN+XQDA+Reranking", "TriNet + Reranking", "PSE + ECN", "PABR + Reranking", "STA + Reranking"],
    ),
    *reported_table(
        "Table 4",
        DUKE,
        {
            "ETAP-Net": "78.3 83.6 94.6 97.6",
            "STA": "94.9 96.2 99.3 99.6",
            "R + GE + D_G": "94.9 95.6 99.3 99.9",
        },
        OTHERS,
    ),
    *reported_table(
        "Table 5",
        PRID,
        {
            "CNN + XQDA": "77.3 93.5 99.3",
            "E2E AMOC+EpicFlow": "83.7 98.3 100.0",
            "QAN": "90.3 98.2 100.0",
            "M3D+RAL": "91.0 - -",
            "CSSA-CSE": "88.6 99.1 -",
            "Two-Stream M3D": "94.4 100.0 -",
            "CSSA-CSE + Flow": "93.0 99.3 100.0",
        },
        OTHERS,
    ),
)


@hookimpl
def vreid_matchers() -> Mapping[str, Callable[..., Any]]:
    """`learned` and `top`."""
    return {"learned": Learned, "top": Top}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """Averaging, the most similar pairs, and learned weights."""
    return {
        "clip-average": clip_average,
        "clip-average-raw": clip_average_raw,
        **{f"clip-average-{number}": _clips(number) for number in (1, 2, 4)},
        "clip-top": clip_top,
        "clip-top-trained": clip_top_trained,
        "clip-top-corrupted": clip_top_corrupted,
        "clip-top-trained-corrupted": clip_top_trained_corrupted,
        "clip-learned": clip_learned,
        "clip-learned-corrupted": clip_learned_corrupted,
    }
