"""ICA with synchronous augmentation (Isobe et al., "Intra-Clip Aggregation for Video Person Re-identification", ICIP
2020), in the paper's order: sections 2.1 and 2.2, a control that it lacks, 3.2, then its tables.

The four models of Table 1 are `ica-baseline`, `ica-baseline-synchronous`, `ica-asynchronous` and `ica`; the other
backbones of Table 2 are `ica-baseline-alexnet`, `ica-baseline-inception-v3`, `ica-alexnet` and `ica-inception-v3`.
`ica-bn-neck` is the control: the baseline with one batch normalisation after its pooling. Other papers gain about as
much by this alone as this paper gains by ICA.

The file is long because a third of it is the paper's printed tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from vreid_bench import (
    ClipFeatures,
    Clipping,
    Epochs,
    InputError,
    Method,
    Optimizer,
    Part,
    Preset,
    Reported,
    Schedule,
    Train,
    hookimpl,
    part,
    reported_row,
    reported_table,
    shrink_method,
)

PAPER = "Isobe et al.: Intra-Clip Aggregation for Video Person Re-identification, ICIP 2020"


class Asynchronous:
    """Augments every frame of a clip independently, {psi_k(f_k)} (Eq. 1).

    inner: an augmentation that draws once for a clip, as `crop`, `flip` and `one-coin` do. Used directly it is Eq. 2,
        {psi(f_k)}. Here it gets each frame as a clip of one frame.
    """

    def __init__(self, inner: Callable[..., Any]) -> None:
        self.inner = inner()

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, P, H, W] -> the same shape."""
        frames: Tensor = self.inner(clips.flatten(0, 1)[:, None], generator, planes)  # [B T, 1, P, H, W]
        return frames.reshape(clips.shape)


class OneCoin:
    """Either leaves a clip unchanged or transforms it, by one coin for all its transformations (section 2.1).

    p: probability that a clip is transformed.
    crop, rotation, flip, erasing: the transformations, in this order.
    """

    def __init__(
        self,
        crop: Callable[..., Any],
        rotation: Callable[..., Any],
        flip: Callable[..., Any],
        erasing: Callable[..., Any],
        p: float = 0.5,
    ) -> None:
        if not 0 <= p <= 1:
            raise InputError(f"augmentation one-coin: p must be between 0 and 1, got {p!r}")
        self.p, self.each = p, [build() for build in (crop, rotation, flip, erasing)]

    def __call__(self, clips: Tensor, generator: torch.Generator, planes: Sequence[str]) -> Tensor:
        """clips [B, T, P, H, W] -> the same shape."""
        chosen = torch.rand(len(clips), generator=generator) < self.p  # [B]
        transformed = clips
        for transform in self.each:
            transformed = transform(transformed, generator, planes)
        return torch.where(chosen.to(clips.device)[:, None, None, None, None], transformed, clips)


class Ica(nn.Module):
    """The mean of a clip's maps, then a bottleneck of fully connected layers and batch normalisation (section 2.2).

    middle: width between the two layers.
    dim: length of Y.

    The introduction puts the learnable block before the pooling. Eq. 3 and 4 put it after, and so does this class.
    """

    def __init__(self, shape: tuple[int, ...], middle: int = 512, dim: int = 2048) -> None:
        super().__init__()
        if middle < 1 or dim < 1:
            raise InputError(f"aggregator ica: expected middle and dim of at least 1, got {middle!r} and {dim!r}")
        self.project = nn.Sequential(
            nn.Linear(shape[0], middle, bias=False),  # the normalisation that follows removes any bias
            nn.BatchNorm1d(middle),
            nn.ReLU(),
            nn.Linear(middle, dim, bias=False),
            nn.BatchNorm1d(dim),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """maps X [B, T, D, h, w] -> embedding Y [B, dim]."""
        Z = maps.mean((1, 3, 4))  # Eq. 3 [B, D]
        Y: Tensor = self.project(Z)  # Eq. 4
        return Y


class BnNeck(nn.Module):
    """The mean of a clip's maps, then one batch normalisation (Luo et al., "Bag of Tricks", 2019, Fig. 5).

    The feature before the normalisation is the extra `before`, which the triplet loss uses. Luo et al. fix the shift
    of the normalisation at zero and use a classifier without bias; here both are learned.
    """

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(shape[0])

    def forward(self, maps: Tensor) -> ClipFeatures:
        """maps [B, T, D, h, w] -> embedding [B, D]."""
        before = maps.mean((1, 3, 4))
        return ClipFeatures(self.norm(before), extra={"before": before})


BACKBONES: Mapping[Preset, Mapping[str, Part]] = {
    "paper": {
        "resnet": part("resnet", depth=50, scale="symmetric"),  # "linearly scaled to [-1, 1]"
        "alexnet": part("alexnet", scale="symmetric"),
        "inception-v3": part("inception-v3"),  # which has this scale
    },
    "small": {
        "resnet": part("resnet", depth=8),
        "alexnet": part("alexnet", narrow=True),
        "inception-v3": part("inception-v3", shrink=8, depths=(1, 1, 1), pools=False),
    },
}


AVERAGE = part("average")
# The widths are in Fig. 2 only, not in the text. A quarter of the depth of the printed backbone's maps is what the
# bottlenecks of ResNet have in the middle; the bottleneck keeps these widths around the narrow backbones of `small`.
BOTTLENECKS: Mapping[str, Part] = {
    "resnet": part("ica", middle=512, dim=2048),
    "alexnet": part("ica", middle=64, dim=256),
    "inception-v3": part("ica", middle=512, dim=2048),
}


def ica(preset: Preset) -> Method:
    """A bottleneck after the mean of frames; a clip's frames are augmented alike (Isobe et al. 2020, model 4)."""
    return replace(_method(preset, BOTTLENECKS["resnet"], synchronous=True), reported=MODEL_4, quoted=QUOTED)


def ica_asynchronous(preset: Preset) -> Method:
    """ICA with every frame augmented independently (model 3)."""
    return replace(_method(preset, BOTTLENECKS["resnet"], synchronous=False), reported=MODEL_3)


def ica_baseline_synchronous(preset: Preset) -> Method:
    """The mean of frames, augmented alike within a clip (ICA's model 2)."""
    return replace(_method(preset, AVERAGE, synchronous=True), reported=MODEL_2)


def ica_baseline(preset: Preset) -> Method:
    """The mean of frames, every frame augmented independently (ICA's model 1)."""
    return replace(_method(preset, AVERAGE, synchronous=False), reported=MODEL_1)


def ica_alexnet(preset: Preset) -> Method:
    """ICA on AlexNet."""
    return _on_backbone(ica(preset), preset, "alexnet", ICA_ALEXNET)


def ica_inception_v3(preset: Preset) -> Method:
    """ICA on Inception-v3."""
    return _on_backbone(ica(preset), preset, "inception-v3", ICA_INCEPTION)


def ica_baseline_alexnet(preset: Preset) -> Method:
    """ICA's model 2, the mean of frames, on AlexNet."""
    return _on_backbone(ica_baseline_synchronous(preset), preset, "alexnet", BASELINE_ALEXNET)


def ica_baseline_inception_v3(preset: Preset) -> Method:
    """ICA's model 2, the mean of frames, on Inception-v3."""
    return _on_backbone(ica_baseline_synchronous(preset), preset, "inception-v3", BASELINE_INCEPTION)


def ica_bn_neck(preset: Preset) -> Method:
    """A control that the paper lacks: one batch normalisation instead of ICA's bottleneck."""
    method = _method(preset, part("bn-neck"), synchronous=True)
    # the matcher compares embeddings only, so the loss names its own metric
    triplet = part("triplet", **method.losses["triplet"].options, on="before", metric="euclidean")
    return replace(method, losses={**method.losses, "triplet": triplet})


def _on_backbone(method: Method, preset: Preset, backbone: str, reported: tuple[Reported, ...]) -> Method:
    """The method on another backbone of Table 2."""
    aggregator = BOTTLENECKS[backbone] if method.aggregator.name == "ica" else method.aggregator
    encoder = BACKBONES[preset][backbone]
    return replace(method, encoder=encoder, aggregator=aggregator, reported=reported, quoted=())


def augmentations(synchronous: bool) -> tuple[Part, ...]:
    """Cropping, flipping and erasing (sections 2.1 and 3.2), for a clip (`synchronous`) or for each frame.

    A clip is either "remaining unchanged" or "synchronously transformed": one coin decides for all. What is drawn once
    for a clip is printed, "cropping size, rotating angle and erasing region", but no range and no probability. Here the
    coin is fair, like that of a flip and that of erasing within it (Zhong et al.'s); a crop keeps between 8 / 9 of
    height and width and all of it; the angle is up to 10 degrees. Section 3.2 names cropping, flipping and erasing
    alone; `--set stages.0.augment.0.rotation.degrees=0` leaves the rotation out.
    """
    crop, rotation = part("crop", enlarge=1.125, p=1.0, drawn=True), part("rotation", degrees=10.0)
    alike = part("one-coin", crop=crop, rotation=rotation, flip=part("flip", p=0.5), erasing=part("erasing", p=0.5))
    return (alike if synchronous else part("asynchronous", inner=alike),)


def _method(preset: Preset, aggregator: Part, synchronous: bool) -> Method:
    printed = _paper(aggregator, synchronous)
    return printed if preset == "paper" else shrink_method(printed, encoder=BACKBONES["small"]["resnet"])


def _paper(aggregator: Part, synchronous: bool) -> Method:
    """The recipe of section 3.2.

    Printed: Adam (0.9, 0.999), weight decay 5e-4, a rate of 4e-4 "down-scaled by a factor of 1/200 every 200 epochs
    until 500 epochs" (kept as printed, though 1/10 may be meant), 4 persons with 8 clips of 4 frames, 256 x 128.
    "We adopt the same settings for training all datasets": so 500 epochs on iLIDS-VID as well.
    Not printed: the margin (0.3), what an epoch is (`Epochs` says), whether the 8 clips of a person come from one
    tracklet (here from 8 tracklets, some drawn twice if the person has fewer), and how the clips of a test tracklet are
    combined (here by their mean). It says of ResNet-50 alone that it is "pre-trained on ImageNet" (Fig. 3); AlexNet and
    Inception-v3 of Table 2, which it compares with it, begin from ImageNet as well.

    Input is "linearly scaled to [-1, 1]", also where the first weights expect the mean and deviation of ImageNet. At
    preset `small` the encoders scale by the latter.
    """
    stage = Train(
        clipping=Clipping("consecutive", 4),
        losses={"cross-entropy": 1.0, "triplet": 1.0},
        steps=Epochs(500),
        P=4,
        K=8,
        schedule=Schedule("step", 4e-4, every=Epochs(200), factor=1 / 200),
        optimizer=Optimizer("Adam", {"betas": (0.9, 0.999), "weight_decay": 5e-4}),
        augment=augmentations(synchronous),
    )
    return Method(
        encoder=BACKBONES["paper"]["resnet"],
        aggregator=aggregator,
        matcher=part("mean", metric="euclidean"),
        test=Clipping("dense", 4),
        size=(256, 128),
        losses={"cross-entropy": part("cross-entropy"), "triplet": part("triplet", margin=0.3)},
        stages=(stage,),
        paper=PAPER,
        begins={"encoder": ("*",)},
    )


ILIDS = {"ilids-vid": "R1 R5 R20"}
MARS = {"mars": "R1 R5 R20 mAP"}
PRID = {"ilids-vid-to-prid2011": "R1 R5 R20"}


def _model(where: str, ilids: str, mars: str) -> tuple[Reported, ...]:
    return (
        *reported_row(where, ILIDS, ilids, "how many splits it averages is not said"),
        *reported_row(where, MARS, mars, "gallery and queries without a match are not said"),
    )


# Table 2 repeats models 2 and 4, Table 3 model 4.
MODEL_1 = _model("Table 1, model 1", "78.2 87.8 92.1", "77.8 86.4 90.7 74.5")
MODEL_2 = _model("Table 1, model 2", "80.3 89.5 92.8", "79.1 87.4 91.4 75.6")
MODEL_3 = _model("Table 1, model 3", "86.1 96.9 98.7", "85.1 95.2 97.4 80.7")
MODEL_4 = (
    *_model("Table 1, model 4", "88.7 98.7 100.0", "87.5 96.6 98.2 81.6"),
    *reported_row("Table 4, Ours", PRID, "41.6 71.9 92.1", "which halves is not said"),
)
BASELINE_ALEXNET = _model("Table 2, Baseline + SDA, Alexnet", "53.1 69.4 75.1", "51.3 66.8 73.8 49.7")
BASELINE_INCEPTION = _model("Table 2, Baseline + SDA, InceptionV3", "69.5 83.6 89.7", "67.2 81.6 87.3 62.5")
ICA_ALEXNET = _model("Table 2, ICA + SDA, Alexnet", "62.1 79.0 83.1", "59.5 76.1 80.3 54.7")
ICA_INCEPTION = _model("Table 2, ICA + SDA, InceptionV3", "78.4 94.1 97.4", "76.3 91.4 95.0 72.0")

OTHERS = "quoted from its own paper"
# "We carefully re-implement" it, on ResNet-50. Tables 2 and 4 of TACAN quote from its own paper, on Inception-v3, an
# mAP of 72.7 and an R1 of 84.4 on MARS, and an R1 of 84.3 on iLIDS-VID.
REIMPLEMENTED = "re-implemented, it seems; its own paper has less"
# The paper's numbers of other systems.
QUOTED = (
    *reported_table(
        "Table 3",
        ILIDS | MARS,
        {
            "QAN": "68.0 86.8 97.4 73.7 84.9 91.6 51.7",
            "AMOC": "68.7 94.3 99.3 68.3 81.4 90.6 52.9",
            "Liao et al.": "81.3 - - 84.3 - - 77.0",
            "TRL": "57.7 81.7 94.1 79.3 91.1 96.0 66.8",
            "STSRN": "70.0 89.3 98.7 76.7 93.8 98.1 -",
            "DRSA": "80.2 - - 82.3 - - 65.8",
            "Gao et al.": "- - - 83.3 93.8 97.4 76.7",
        },
        OTHERS,
    ),
    *reported_row("Table 3, STMP", ILIDS | MARS, "85.7 97.5 99.8 86.2 95.3 97.8 75.6", REIMPLEMENTED),
    *reported_table(
        "Table 3",
        ILIDS | MARS,
        {"STA": "- - - 86.3 95.7 97.1 80.8", "GLTR": "86.0 98.0 - 87.0 95.8 98.2 78.5"},
        OTHERS,
    ),
    *reported_table(
        "Table 4",
        PRID,
        {"TRL": "29.5 59.4 82.2", "STSRN": "30.0 58.0 85.0", "STMP": "32.0 58.0 90.0"},
        OTHERS,
    ),
)


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`ica` and `bn-neck`."""
    return {"ica": Ica, "bn-neck": BnNeck}


@hookimpl
def vreid_augmentations() -> Mapping[str, Callable[..., Any]]:
    """`asynchronous` and `one-coin`."""
    return {"asynchronous": Asynchronous, "one-coin": OneCoin}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """The models of Tables 1 and 2, and one control."""
    return {
        "ica": ica,
        "ica-asynchronous": ica_asynchronous,
        "ica-baseline-synchronous": ica_baseline_synchronous,
        "ica-baseline": ica_baseline,
        "ica-alexnet": ica_alexnet,
        "ica-inception-v3": ica_inception_v3,
        "ica-baseline-alexnet": ica_baseline_alexnet,
        "ica-baseline-inception-v3": ica_baseline_inception_v3,
        "ica-bn-neck": ica_bn_neck,
    }
