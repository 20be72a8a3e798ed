"""3D PersonVLAD (Wu et al., "3D PersonVLAD: Learning Deep Global Representations for Video-based Person
Re-identification", IEEE TNNLS 2019), in the paper's order: sections III-A and III-B, the systems of section IV-B that
they compare it with, the recipe of III-C, and a method for each of the authors' own rows in the tables.

The file is long because it holds the paper's printed tables and five aggregators that share code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vreid_bench import (
    STEPS,
    ClipFeatures,
    Clipping,
    Fit,
    InputError,
    Method,
    Optimizer,
    Part,
    Preset,
    Published,
    Reported,
    Schedule,
    Train,
    hookimpl,
    part,
    reported_row,
    reported_table,
    shrink_method,
)
from vreid_plugins.aggregators.vlad import MOST_DESCRIPTORS, Vlad, kmeans, sample_rows
from vreid_plugins.encoders.c3d import SPORTS_1M


class PartMaps(nn.Conv3d):
    """Learned maps that say how much each place belongs to each of B body parts (section III-B, Eq. 1)."""

    def __init__(self, dim: int, parts: int) -> None:
        super().__init__(dim, parts, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """maps F [B, T', D, h, w] -> M_b [B, parts, T', h, w], each in (0, 1)."""
        return torch.sigmoid(super().forward(maps.transpose(1, 2)))


class Branches(nn.Module):
    """The fully connected layers of each part: f_b = ReLU(W_b (W6_b f_b)) (Fig. 3, section III-B a).

    "These fully-connected layers on each branch do not share parameters". The paper prints no bias, and no ReLU between
    the two layers. A factor of the features is one of the output, too.
    """

    def __init__(self, parts: int, dim: int, hidden: int, width: int) -> None:
        super().__init__()
        self.fc6 = nn.ModuleList(nn.Linear(dim, hidden, bias=False) for _ in range(parts))
        self.fc = nn.ModuleList(nn.Linear(hidden, width, bias=False) for _ in range(parts))

    def forward(self, features: Tensor) -> Tensor:
        """features [B, parts, ..., D] -> [B, parts, ..., width]."""
        branches = zip(features.unbind(1), self.fc6, self.fc, strict=True)
        return torch.stack([torch.relu(fc(fc6(f))) for f, fc6, fc in branches], dim=1)


class PersonVlad(Vlad):
    """Features weighted by body-part maps, and their residuals to each "person word" summed (section III-B, Fig. 2, 3).

    parts: B, the number of part detectors.
    words: K, the number of centres.
    alpha: sharpness of the soft assignment of a descriptor to the words.
    descriptors: what Eq. 3-5 sum over. `locations`: every place of every part map. `pooled`: one mean for each part.
        The equations sum over b only, but the text sums "over the entire video", discusses pooling as an alternative
        (III-B a), and B = 6 vectors could not fill K = 64 words.
    empty: what intra-normalisation does to a word that is almost empty. With the hard assignment of Eq. 3 a word has no
        descriptor, and a column of zeros, or at least one, and a column of unit length. With soft assignment every
        word has the tails of the softmax. `assigned`: a column is as long as the descriptors assigned to it, at most
        1, so that the tails stay near zero and both ends are those of Eq. 3. `short`: a column is scaled to unit
        length unless its residuals sum to less than 1e-3; a hundredth of a descriptor then counts as much as a hundred.
    normalize: scale the features to unit length before Eq. 2. alpha = 1000 comes from ActionVLAD, which does so. After
        Eq. 2, it would undo the weight that a part map gives.
    fully_connected: `Branches` between Eq. 2 and 3, from D to D numbers, as K D = 16,384 needs. The paper contradicts
        itself: by III-B the branches are "followed by their respective fully-connected layers", but Eq. 3-5 sum what
        Eq. 2 gives, Fig. 2 lists no such layer, and IV-C has "fewer parameters to train, in comparison to other methods
        which have several fully-connected layers". Their only equation is for pooled parts (III-B a). So there are none
        unless this is set.
    """

    def __init__(  # noqa: PLR0913  # each argument is a choice that the paper leaves open
        self,
        shape: tuple[int, ...],
        parts: int = 6,
        words: int = 64,
        alpha: float = 1000.0,
        descriptors: str = "locations",
        normalize: bool = True,
        empty: str = "assigned",
        fully_connected: bool = False,
    ) -> None:
        super().__init__()
        if descriptors not in ("locations", "pooled"):
            raise InputError(f"aggregator personvlad: descriptors must be locations or pooled, got {descriptors!r}")
        self.descriptors, self.normalize = descriptors, normalize
        self.detector: nn.Module = PartMaps(shape[0], parts)
        D = shape[0]
        self.branches: nn.Module = Branches(parts, D, D, D) if fully_connected else nn.Identity()
        self.add_words(shape[0], words, alpha, empty)

    def part_maps(self, maps: Tensor) -> Tensor:
        """Eq. 1, Fig. 8: maps F [B, T', D, h, w] -> M_b [B, parts, T', h, w]."""
        masks: Tensor = self.detector(maps)
        return masks

    def part_features(self, maps: Tensor) -> Tensor:
        """Eq. 2: maps F [B, T', D, h, w] -> descriptors f_b [B, S, D]; S = parts T' h w, or parts if pooled."""
        masks = self.part_maps(maps)  # [B, parts, T', h, w]
        cubic = maps.transpose(1, 2)  # [B, D, T', h, w]
        if self.normalize:
            cubic = F.normalize(cubic, dim=1)
        parts = (cubic[:, None] * masks[:, :, None]).flatten(3)  # [B, parts, D, T' h w]
        pooled = self.descriptors == "pooled"
        features = parts.mean(3)[:, :, None] if pooled else parts.transpose(2, 3)  # [B, parts, 1 or T' h w, D]
        descriptors: Tensor = self.branches(features).flatten(1, 2)
        return descriptors

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> v [B, K D] of unit length."""
        with torch.autocast(maps.device.type, enabled=False):  # residuals are small differences, too
            f = self.part_features(maps if maps.dtype == torch.float64 else maps.float())  # [B, S, D]
            return self.aggregate(f)

    def fit(self, maps: Iterable[Tensor]) -> None:
        """Place the person words by k-means over the descriptors of batches of maps [B, T', D, h, w]."""
        with torch.no_grad():
            descriptors = sample_rows((self.part_features(m).flatten(0, 1) for m in maps), MOST_DESCRIPTORS)
            self.place(kmeans(descriptors, len(self.c)))


class Regions(nn.Module):
    """The maps of a fixed grid of rows x columns regions, in place of learned part maps (section IV-B b).

    A map holds, for each place, the share of its area that lies in the region. C3D leaves 6 x 3 places, and 6 is not
    divisible by the paper's 5 rows.
    """

    maps: Tensor  # [rows columns, h, w]

    def __init__(self, rows: int, columns: int, h: int, w: int) -> None:
        super().__init__()
        shares = _shares(rows, h)[:, None, :, None] * _shares(columns, w)[None, :, None, :]
        self.register_buffer("maps", shares.flatten(0, 1), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """maps F [B, T', D, h, w] -> M_b [B, parts, T', h, w], the same for all clips; they sum to 1 over the parts."""
        return self.maps.to(maps.dtype)[None, :, None].expand(len(maps), -1, maps.shape[1], -1, -1)


class RegionVlad(PersonVlad):
    """PersonVLAD with fixed regions instead of learned parts (section IV-B b, Table III).

    rows, columns: 5 x 1 for the paper's horizontal stripes, 5 x 5 for its grid.
    descriptors: `locations`, as with learned parts: "the new region maps are used to replace the part masks". Every
        place of a region is a descriptor of it, weighted by its share; a place outside has a weight of 0 and is none.
        At the paper's 6 x 3 places there are 30 of stripes and 70 of a grid, because many places lie in two or more
        regions; six learned parts give 108, and no parts 18. `pooled` is the mean over the frames and places of a
        region: 5 and 25. The paper does not say whether these rows pool, nor whether Eq. 3-5 sum the zeros outside a
        region, 60 of 90 descriptors of stripes and 380 of 450 of a grid. They would fill a word of their own, and
        drown all descriptors that lie near it.
    words, alpha, normalize, empty, fully_connected: as in `PersonVlad`.

    By Eq. 3-5 all parts share the words, so with `locations` a place that lies in one region adds what it adds without
    regions. Only places that regions share differ. With `fully_connected`, each region has layers of its own.
    """

    def __init__(  # noqa: PLR0913  # as above
        self,
        shape: tuple[int, ...],
        rows: int = 5,
        columns: int = 1,
        words: int = 64,
        alpha: float = 1000.0,
        descriptors: str = "locations",
        normalize: bool = True,
        empty: str = "assigned",
        fully_connected: bool = False,
    ) -> None:
        super().__init__(shape, rows * columns, words, alpha, descriptors, normalize, empty, fully_connected)
        self.detector: Regions = Regions(rows, columns, *shape[1:])

    def part_features(self, maps: Tensor) -> Tensor:
        """Eq. 2: maps F [B, T', D, h, w] -> descriptors f_b [B, S, D]; S = places inside times T', or parts."""
        features, shares = super().part_features(maps), self.detector.maps  # [parts, h, w]
        if self.descriptors == "pooled":  # from a mean over all places to a mean over the region
            return features / shares.to(maps.dtype).mean((1, 2))[:, None]
        inside = (shares > 0)[:, None].expand(-1, maps.shape[1], -1, -1)  # [parts, T', h, w]
        return features[:, inside.flatten()]


def _shares(parts: int, places: int) -> Tensor:
    """Cut a line into `parts` and into `places` equal pieces: the share of each place in each part [parts, places]."""
    cut = torch.arange(parts + 1, dtype=torch.float64)[:, None] * places / parts  # exact where it is between two places
    place = torch.arange(places, dtype=torch.float64)
    overlap = torch.minimum(cut[1:], place + 1) - torch.maximum(cut[:-1], place)
    return overlap.clamp_min(0).float()


class PartPooling(nn.Module):
    """Global pooling of each part instead of the words, "3D ConvNets + GP" (section III-B a, Table III).

    parts: B, as in `PersonVlad`.
    hidden, width: outputs of the two fully connected layers of each part. The paper calls the latter "d" without a
        number; both are D = 256 here.
    pooling: `average` or `max`.
    """

    def __init__(
        self, shape: tuple[int, ...], parts: int = 6, hidden: int = 256, width: int = 256, pooling: str = "average"
    ) -> None:
        super().__init__()
        if pooling not in ("average", "max"):
            raise InputError(f"aggregator part-pooling: pooling must be average or max, got {pooling!r}")
        self.pooling = pooling
        self.detector = PartMaps(shape[0], parts)
        self.branches = Branches(parts, shape[0], hidden, width)

    def part_maps(self, maps: Tensor) -> Tensor:
        """Eq. 1, Fig. 8: maps F [B, T', D, h, w] -> M_b [B, parts, T', h, w]."""
        masks: Tensor = self.detector(maps)
        return masks

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> f [B, parts width]."""
        cubic = maps.transpose(1, 2)[:, None]  # [B, 1, D, T', h, w]
        parts = (cubic * self.part_maps(maps)[:, :, None]).flatten(3)  # Eq. 2: [B, parts, D, T' h w]
        pooled = parts.mean(3) if self.pooling == "average" else parts.amax(3)  # [B, parts, D]
        f: Tensor = self.branches(pooled).flatten(1)
        return f


def rename_classifier(tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The names `classifier.0` and `classifier.3` -> `fc6` and `fc7`."""
    names = {"classifier.0": "fc6", "classifier.3": "fc7"}
    layers = ((name.rpartition("."), value) for name, value in tensors.items())
    return {f"{names.get(layer, layer)}{dot}{kind}": value for (layer, dot, kind), value in layers}


class C3dHead(nn.Module):
    """The fully connected layers of C3D (Tran et al. 2015), which section IV-B c fine-tunes as a baseline.

    width: outputs of fc6 and of fc7.
    dropout: probability, after fc6 and after fc7, as published.

    `--weights aggregator=FILE` takes both layers from the file that has the convolutions.

    The embedding is fc6, the "C3D feature"; fc7 is an extra, for the classifier. The published fc6 takes maps of
    512 x 4 x 4, so its weights fit no other frame size. A clip of more than 16 frames leaves several maps; fc6 takes
    their mean.
    """

    published = (
        Published("DavideA/c3d-pytorch", head=("fc8.",), others=("conv",), file=SPORTS_1M),
        Published("jfzhang95/pytorch-video-recognition", others=("features.",), own=rename_classifier),
    )

    def __init__(self, shape: tuple[int, ...], width: int = 4096, dropout: float = 0.5) -> None:
        super().__init__()
        D, h, w = shape
        self.fc6 = nn.Linear(D * h * w, width)
        self.fc7 = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T', D, h, w] -> embedding fc6 [B, width], and the extra fc7 [B, width]."""
        fc6 = torch.relu(self.fc6(maps.mean(1).flatten(1)))
        fc7 = torch.relu(self.fc7(self.dropout(fc6)))
        return ClipFeatures(fc6, extra={"fc7": self.dropout(fc7)})


CENTRES = ("aggregator.w", "aggregator.z", "aggregator.c")
WORDS: Mapping[Preset, Mapping[str, Any]] = {
    "paper": {"words": 64, "alpha": 1000.0},
    "small": {"words": 8, "alpha": 1000.0},  # with 64 words, 32 channels and few people score 7 points less
}


def personvlad(preset: Preset) -> Method:
    """Body parts of a 3D network, aggregated over a vocabulary of person words (Wu et al. 2019).

    Three stages (section III-C): k-means places the words, then OIM trains all but the words, then OIM trains all.
    """
    return _paper() if preset == "paper" else _small()


def _paper() -> Method:
    """The recipe of section III-C as printed, except where the print cannot be meant or says nothing.

    - III-A prints "5 convolution layers" of 64, 128, 256, 256, 256 filters. Fig. 2 and the pre-trained C3D have 8
      convolutions, up to 512 wide. This has eight, with the printed widths: only D = 256 makes the K D = 16,384 of
      III-B.
    - "90 x 180" is read as width x height, because a person stands.
    - Step 1 "only trains the classifier", but OIM has no parameters, so nothing would be trained. Here step 1 trains
      everything but the words. `--set 'stages.1.train=["loss.*"]'` is the step as printed, and says so; with a loss
      that has a classifier (`--set losses.oim=cross-entropy`) it trains that.
    - Halving 0.003 every 1,000 of 50,000 steps ends at 0.003 / 2^49; the last 40,000 steps change nothing.
    - The batch of 15 is 5 persons with 3 tracklets each, and step 2 is as long as step 1; the paper states neither.
    - U of Eq. 6 has features of "unlabeled identities", and the training part of MARS has none, so no step draws any:
      `unlabelled` of a stage is 0. With a training list that has some, `--set stages.1.unlabelled=N` draws N a step.
    - Lengths are printed in iterations, so they are the same on every data set. Fine-tuning on iLIDS-VID and PRID2011
      takes both steps again, as long as on MARS; the paper states no length for it.
    - "We use C3D as the initialization for all the 3D convolutions", trained on Sports-1M. At the printed widths, the
      first four of eight have C3D's shapes; these are taken, and the other four begin from random weights.
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
        freeze=CENTRES,
        augment=(part("flip", p=0.5),),
    )
    joint = replace(words_fixed, schedule=Schedule("constant", 1e-4), freeze=())
    return Method(
        encoder=part("c3d", widths=(64, 128, 256, 256, 256)),
        aggregator=part("personvlad", parts=6, **WORDS["paper"]),
        matcher=part("mean", metric="euclidean"),  # IV-B: the "tracklet activation" is the mean of its clips
        test=Clipping("dense", 16, step=8),
        size=(180, 90),
        losses={"oim": part("oim", temperature=0.1, queue_size=5000)},
        stages=(Fit("aggregator", Clipping("uniform", 16)), words_fixed, joint),
        reported=REPORTED,
        quoted=QUOTED,
        begins={"encoder": ("conv1.*", "conv2.*", "conv3?.*")},
        paper="Wu, Wang, Shao, Wang: 3D PersonVLAD, IEEE TNNLS 2019",
    )


def _small() -> Method:
    """The same recipe scaled down, with clips of 8 frames, 8 words, and one halving of the rate in the first stage.

    C3D is batch-normalised, and pools to 16 x 8 places instead of 6 x 3, so that parts have room. The printed first
    stage halves its rate 49 times, which at this length would end it after a tenth. Its rate stays the printed one,
    0.003: three times as much leaves nothing of the weights that C3D begins from.
    """
    pools = ((1, 2, 2), (2, 2, 2), (2, 1, 1), (1, 1, 1), (1, 1, 1))
    small = shrink_method(_paper(), encoder=part("c3d", widths=(8, 16, 32, 32, 32), pools=pools, norm=True))
    words, words_fixed, joint = small.stages
    assert isinstance(words_fixed, Train)
    assert isinstance(joint, Train)
    clip = Clipping("consecutive", 8)
    schedule = Schedule("step", 0.003, every=75, factor=0.5)
    stages = (
        replace(words, clipping=Clipping("uniform", 8)),
        replace(words_fixed, clipping=clip, schedule=schedule),
        replace(joint, clipping=clip),
    )
    aggregator = part("personvlad", parts=6, **WORDS["small"])
    return replace(small, aggregator=aggregator, test=Clipping("dense", 8, step=4), stages=stages)


@dataclass(frozen=True)
class Variant:
    """`personvlad` with one thing changed; calling it with a preset returns the method."""

    summary: str  # for `vreid-bench list`
    aggregator: Part | None = None  # in place of PersonVLAD's; options of the words are added
    subsample: int = 0  # option of OIM
    matcher: Part | None = None  # fitted on the trained network's tracklets
    reported: tuple[Reported, ...] = ()

    def __call__(self, preset: Preset) -> Method:
        """The recipe of this variant at a preset."""
        method = replace(personvlad(preset), reported=self.reported, quoted=())
        if self.aggregator is not None:
            method = replace(method, aggregator=part(self.aggregator.name, **self.aggregator.options, **WORDS[preset]))
        if self.subsample:
            oim = method.losses["oim"]
            method = replace(method, losses={"oim": part("oim", **oim.options, subsample=self.subsample)})
        if self.matcher is not None:
            method = replace(method, matcher=self.matcher, stages=(*method.stages, Fit("matcher", method.test)))
        return method


def global_pooling(preset: Preset) -> Method:
    """Learned parts, each pooled and embedded separately, without words (3D ConvNets + GP)."""
    method = personvlad(preset)
    return replace(
        method,
        aggregator=part("part-pooling", parts=6, hidden=256, width=256),
        # clips scaled to unit length, as PersonVLAD's already are and as OIM compares them
        matcher=part("mean", metric="euclidean", normalize=True),
        # it has no words, so there is nothing to fit and nothing to freeze
        stages=tuple(replace(stage, freeze=()) for stage in method.stages if isinstance(stage, Train)),
        reported=POOLED,
        quoted=(),
    )


def c3d_baseline(preset: Preset) -> Method:
    """C3D fine-tuned to classify the identities, compared by fc6 (Wu et al. 2019, Table V).

    Section IV-B c): "use the pre-trained model and fine-tune the parameters on MARS" to "predict class labels belonging
    to 625 identities". The paper states the 16 frames of a clip and nothing else; batch, rate and steps are those of
    PersonVLAD's second step. Frames are 112 x 112 as in C3D, because the pre-trained fc6 fits no other size. A
    tracklet's descriptor is the mean of its clips' fc6, compared by the cosine, because Tran et al. 2015 (section
    3.3) scale C3D features to unit length.
    """
    method = personvlad(preset)
    last = method.stages[-1]
    assert isinstance(last, Train)
    # Adam's own epsilon: the paper's 1e-4 "is required as the PersonVLAD output is L2-normalized", and fc7 is not
    stage = replace(last, optimizer=Optimizer("Adam"))
    losses = {"cross-entropy": part("cross-entropy", on="fc7")}
    encoder, head = part("c3d"), part("c3d-head", width=4096, dropout=0.5)
    size, begins = (112, 112), {"encoder": ("*",), "aggregator": ("*",)}
    if preset == "small":
        size, begins, encoder, head = method.size, {}, method.encoder, part("c3d-head", width=512, dropout=0.5)
        stage = replace(stage, steps=STEPS)
    return replace(
        method,
        encoder=encoder,
        aggregator=head,
        matcher=part("mean", metric="cosine"),
        size=size,
        begins=begins,
        losses=losses,
        stages=(replace(stage, losses={"cross-entropy": 1.0}),),
        reported=C3D,
        quoted=(),
    )


# Tables II to X. On MARS the paper compares one descriptor of a probe person with one of each gallery person, which is
# the protocol `mars-tracklet-selection`; Table IV does so on halves of the training people, which is `mars-half`.
#
# None of its mAPs on MARS can come from this protocol. With one match in the gallery, the average precision of a query
# is 1 / rank, so the mAP is at least R1 + (R5 - R1) / 5: 83.5 % for PersonVLAD, where 63.4 % is printed. The paper does
# not say under which protocol it has them. They stand here with this note, because all its other numbers do.

MARS, HALF = "mars-tracklet-selection", "mars-half"
ILIDS, PRID = "mars-to-ilids-vid", "mars-to-prid2011"
ILIDS_TUNED, PRID_TUNED = f"{ILIDS}-fine-tuned", f"{PRID}-fine-tuned"
CURVE = "R1 R5 R10 R20"

CAMERAS = "whether tracklets of the probe's camera are left out is not said"
IMPOSSIBLE = (
    "impossible under this protocol: with one match for each query its mAP is at least its R1, which is {}; "
    "which protocol it belongs to is not said"
)
UNLIKE = "one random probe tracklet against the mean of a person's gallery tracklets, 10 draws: not comparable"
HALVES = "trained on half of the training set, tested on the other half"
SAME = f"{HALVES}; the same numbers as Table III"
TUNED = "trained on MARS, then on half of this dataset"


def _mars(where: str, numbers: str, columns: str = CURVE) -> tuple[Reported, ...]:
    return reported_row(where, {MARS: columns}, numbers, CAMERAS)


def _impossible(where: str, mAP: str, R1: str) -> tuple[Reported, ...]:
    return reported_row(where, {MARS: "mAP"}, mAP, IMPOSSIBLE.format(R1))


def _table_2() -> tuple[Reported, ...]:
    """Table II has no number for all tracklets of a probe against a random one of the gallery."""
    printed = {"random against all": "80.8", "random against random": "74.1", "all against all": "80.2"}
    cells = ((name, _mars("Table II", number, "R1")) for name, number in printed.items())
    return tuple(replace(number, condition=name) for name, cell in cells for number in cell)


def _elsewhere(where: str, columns: Mapping[str, str], numbers: str, note: str) -> tuple[Reported, ...]:
    return reported_row(where, columns, numbers, f"{UNLIKE}; {note}")


def _half(parts: int, numbers: str, note: str = HALVES) -> tuple[Reported, ...]:
    return reported_row(f"Table IV, B = {parts}", {HALF: CURVE}, numbers, note)


TABLE_4 = {
    1: _half(1, "74.7 91.8 94.3 96.4"),
    2: _half(2, "76.4 92.2 94.3 97.2"),
    4: _half(4, "77.8 92.4 95.5 98.7"),
    6: _half(6, "80.8 94.5 96.9 99.0", SAME),
    8: _half(8, "78.8 91.9 95.7 98.2"),
}
REPORTED = (
    *_mars("Table III, PersonVLAD (again in V, VII, VIII, IX)", "80.8 94.5 96.9 99.0"),
    *_impossible("Table IX, PersonVLAD (again in X)", "63.4", "80.8"),
    *_table_2(),
    *_elsewhere("Table VI, MARS -> iLIDS-VID", {ILIDS: "R1 R5 R20"}, "56.3 78.2 93.7", "trained on MARS only"),
    *_elsewhere("Table VI, iLIDS-VID (again in VII, VIII, IX)", {ILIDS_TUNED: "R1 R5 R20"}, "69.4 87.6 99.2", TUNED),
    *_elsewhere("Table IX, PersonVLAD", {ILIDS_TUNED: "R10"}, "96.7", TUNED),
    *_elsewhere("Table VI, MARS -> PRID2011", {PRID: "R1 R5 R20"}, "71.7 85.6 94.1", "trained on MARS only"),
    *_elsewhere("Table VI, PRID2011 (again in VII, VIII, IX)", {PRID_TUNED: "R1 R5"}, "87.6 96.1", TUNED),
    *_elsewhere("Table VI, PRID2011", {PRID_TUNED: "R20"}, "98.7", f"{TUNED}; Table IX prints this for rank 10"),
    *_elsewhere("Table IX, PersonVLAD", {PRID_TUNED: "R10 R20"}, "98.7 99.8", f"{TUNED}; Table VI differs"),
)
STRIPES = _mars("Table III, stripe", "68.3 87.2 90.0 94.6")
GRID = _mars("Table III, grid", "67.1 86.0 89.5 94.0")
POOLED = _mars("Table III, 3D ConvNets+GP", "74.8 90.6 92.9 95.1")
C3D = (
    *_mars("Table V, C3D (again in VIII)", "58.9 81.0 93.7", "R1 R5 R20"),
    *_impossible("Table X, C3D", "58.9", "58.9, with an R5 of 81.0"),
    *_elsewhere("Table VIII, C3D", {ILIDS_TUNED: "R1"}, "60.4", TUNED),
    *_elsewhere("Table VIII, C3D", {PRID_TUNED: "R1"}, "73.8", TUNED),
)
XQDA = (
    *_mars("Table IX, PersonVLAD + XQDA", "82.8 94.9 99.0", "R1 R5 R20"),
    *_impossible("Table IX, PersonVLAD + XQDA", "64.7", "82.8"),
    *_elsewhere("Table IX, PersonVLAD + XQDA", {ILIDS_TUNED: CURVE}, "70.7 88.2 97.1 99.2", TUNED),
    *_elsewhere("Table IX, PersonVLAD + XQDA", {PRID_TUNED: CURVE}, "88.0 96.2 98.6 99.7", TUNED),
)


OTHERS = "as Wu et al. print it; whose protocol is not said"
# The paper's numbers of other systems.
QUOTED = (
    *reported_table(
        "Table VII",
        {"ilids-vid": "R1", "prid2011": "R1", "mars": "R1"},
        {
            "FstCN": "59.1 76.8 68.3",
            "VideoDarwin": "62.5 81.1 73.4",
            "RNN+FV": "58.4 78.3 70.2",
        },
        OTHERS,
    ),
    *reported_table(
        "Table VIII",
        {"ilids-vid": "R1", "prid2011": "R1", "mars": "R1"},
        {
            "LTC": "61.7 75.2 67.4",
            "iDT+FV": "60.8 76.7 59.8",
            "LRCN": "59.5 73.0 58.1",
            "Spatio-Temporal ConvNet": "58.1 68.4 51.6",
            "Composite LSTM": "54.8 65.4 53.1",
            "SpaAtn+TemAtn": "69.7 88.4 77.1",
        },
        OTHERS,
    ),
    *reported_table(
        "Table IX",
        {"ilids-vid": CURVE, "prid2011": CURVE, "mars": "R1 R5 R20 mAP"},
        {
            "HOG3D+DVR": "23.3 42.4 55.3 68.4 28.9 55.3 65.5 82.8 12.4 33.2 71.8 9.6",
            "TDL": "56.3 87.6 95.6 98.3 56.7 80.0 87.6 93.6 - - - -",
            "RFA-net": "49.3 76.8 85.3 90.0 58.2 85.8 93.4 97.9 - - - -",
            "SI2DL": "48.7 81.1 89.2 97.3 76.7 95.6 96.7 98.9 - - - -",
            "PaMM": "30.3 56.3 70.3 82.7 56.5 85.7 96.3 97.0 - - - -",
            "TS-DTW": "31.5 62.1 72.8 82.4 41.7 67.1 79.4 90.1 - - - -",
            "JST": "55.2 86.5 91.0 97.0 79.4 94.4 97.0 99.3 70.6 90.0 97.6 50.7",
            "RCN": "58.0 84.0 91.0 96.0 70.0 90.0 95.0 97.0 54.7 79.1 88.4 37.4",
            "IDE + KISSME": "47.6 76.1 86.1 92.5 66.3 88.5 93.9 98.2 65.0 81.1 88.9 45.6",
            "MSCAN + XQDA": "- - - - - - - - 71.7 86.5 93.1 56.0",
            "ASTPN": "62.0 86.0 94.0 98.0 77.0 95.0 99.0 99.0 44.0 70.0 81.0 -",
            "Two-stream": "60.0 86.0 93.0 97.0 78.0 94.0 97.0 99.0 - - - -",
        },
        OTHERS,
    ),
)


def _parts(parts: int) -> Variant:
    summary = f"`personvlad` with {parts} body part{'s' if parts > 1 else ''} (Table IV)."
    return Variant(summary, part("personvlad", parts=parts), reported=TABLE_4[parts])


def _subsampled(size: int) -> Variant:
    # Fig. 10 draws curves of mAP and prints no number. MARS' training part has no unlabelled tracklets for the queue:
    # a size of 1000 keeps all of its 625 identities, and all 120 of its twin.
    return Variant(f"`personvlad` with {size} rows in the denominator of OIM (Fig. 10).", subsample=size)


METHODS: Mapping[str, Callable[[Preset], Method]] = {
    "personvlad": personvlad,
    # Table III
    "personvlad-stripes": Variant(
        "`personvlad` over five horizontal stripes in place of learned parts.",
        part("region-vlad", rows=5, columns=1),
        reported=STRIPES,
    ),
    "personvlad-stripes-pooled": Variant(
        "`personvlad-stripes` with one descriptor for each stripe, the mean of its places.",
        part("region-vlad", rows=5, columns=1, descriptors="pooled"),
    ),
    "personvlad-grid": Variant(
        "`personvlad` over a grid of 5 x 5 in place of learned parts.",
        part("region-vlad", rows=5, columns=5),
        reported=GRID,
    ),
    "personvlad-grid-pooled": Variant(
        "`personvlad-grid` with one descriptor for each cell, the mean of its places.",
        part("region-vlad", rows=5, columns=5, descriptors="pooled"),
    ),
    "personvlad-global-pooling": global_pooling,
    # Table IV
    **{f"personvlad-b{parts}": _parts(parts) for parts in TABLE_4},
    # Table V
    "c3d-baseline": c3d_baseline,
    # Table IX
    "personvlad-xqda": Variant(
        "`personvlad` compared by XQDA, learned from its descriptors.", matcher=part("xqda"), reported=XQDA
    ),
    # Fig. 10
    **{f"personvlad-oim{size}": _subsampled(size) for size in (10, 100, 1000)},
}


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`personvlad`, `region-vlad`, `part-pooling` and `c3d-head`."""
    return {"personvlad": PersonVlad, "region-vlad": RegionVlad, "part-pooling": PartPooling, "c3d-head": C3dHead}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """`personvlad`, its variants, and the C3D baseline."""
    return METHODS
