"""Gao and Nevatia, "Revisiting Temporal Modeling for Video-based Person ReID", 2018, in the paper's order: temporal
attention and RNN (section 3.1), the recipe (3.2, 3.3 and 4.1), the tables (4.2), and a method for each of their rows.

Temporal pooling is in `aggregators.pooling`, the 3D network in `encoders.resnet3d`.

The paper has no row for a single frame. Its image baseline averages the features of many frames (section 4.1: "the
same similarity calculation procedure"); here that is `image-averaged`. `image-baseline` is trained alike and tested on
the middle frame, without any temporal modelling.

As in the paper, every method sees the same number of tracklets in a step, whatever T is: P x K = 32, K = 4. So
batch-hard mining chooses among equally many. The image methods therefore see a quarter of the frames and take about a
third of the time. With equal frames instead, P x K would be four times as large, and they would gain far more from the
larger batch than `mean-pooling` gains from clips: the comparison would be one of batch sizes.

The file is long because a third of it is the paper's printed tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NotRequired, TypedDict

import torch
from torch import Tensor, nn

from vreid_bench import (
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

PAPER = "Gao, Nevatia: Revisiting Temporal Modeling for Video-based Person ReID, 2018"


class TemporalAttention(nn.Module):
    """A weighted mean of the frames' features, with weights computed from the maps (section 3.1, Eq. 1-3).

    network: how a frame is scored. `fc` is "spatial conv + FC"; `temporal-conv` is "spatial + temporal conv", which
        also uses the frame before and the frame after.
    weighting: `softmax` (Eq. 2), or `sigmoid` with L1 normalization (Eq. 3). In both the weights sum to 1.
    width: d_t, the number of channels between the two layers.
    divide: whether to divide by T, as Eq. 1 does. The weights sum to 1 already, so the feature becomes T times
        smaller than a mean; this only changes what a margin of 0.3 means. The authors' code does not divide.
    rectify: whether a ReLU follows the score, as in the authors' code, so that all negative scores weigh alike. The
        paper uses the scores directly in Eq. 2 and 3.

    The ReLU between the two layers is not printed. Without it both would be one linear map, and d_t would not matter.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        network: str = "temporal-conv",
        weighting: str = "softmax",
        width: int = 256,
        divide: bool = True,
        rectify: bool = False,
    ) -> None:
        super().__init__()
        for option, value, choices in (
            ("network", network, ("fc", "temporal-conv")),
            ("weighting", weighting, ("softmax", "sigmoid")),
        ):
            if value not in choices:
                raise InputError(
                    f"aggregator temporal-attention: {option} must be {' or '.join(choices)}, got {value!r}"
                )
        D, h, w = shape
        self.weighting, self.divide, self.rectify = weighting, divide, rectify
        self.spatial = nn.Conv2d(D, width, (h, w))
        # {d_t, 1} or {3, d_t, 1}; padded with zeros, so that a clip of any length has a score for each frame
        self.score = nn.Conv1d(width, 1, 1) if network == "fc" else nn.Conv1d(width, 1, 3, padding=1)

    def scores(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> s [B, T']."""
        hidden = torch.relu(self.spatial(maps.flatten(0, 1))).flatten(1)  # [B T', width]
        s: Tensor = self.score(torch.unflatten(hidden, 0, maps.shape[:2]).transpose(1, 2))[:, 0]  # [B, T']
        return torch.relu(s) if self.rectify else s

    def attention(self, maps: Tensor) -> Tensor:
        """Eq. 2 or 3: maps [B, T', D, h, w] -> a [B, T']; each row sums to 1."""
        s = self.scores(maps)
        if self.weighting == "softmax":
            return s.softmax(1)
        # sigma(s) / sum sigma(s) by logarithms, which stays exact where all scores are far below zero
        return nn.functional.logsigmoid(s).softmax(1)

    def forward(self, maps: Tensor) -> Tensor:
        """Eq. 1: maps [B, T', D, h, w] -> f_c [B, D]."""
        frames = maps.mean((3, 4))  # [B, T', D]
        f = (self.attention(maps)[:, :, None] * frames).sum(1)  # [B, D]
        return f / maps.shape[1] if self.divide else f


class Recurrent(nn.Module):
    """A recurrent cell over the frames' features, in order (section 3.1, "RNN").

    cell: `lstm` or `gru`.
    hidden: D_h, the length of the embedding.
    output: `mean` is the mean of the outputs, f_c = (1/T) sum_t o_t; `last` is the state after the last frame,
        f_c = h_T.
    """

    def __init__(self, shape: tuple[int, ...], cell: str = "lstm", hidden: int = 512, output: str = "mean") -> None:
        super().__init__()
        if cell not in ("lstm", "gru"):
            raise InputError(f"aggregator recurrent: cell must be lstm or gru, got {cell!r}")
        if output not in ("mean", "last"):
            raise InputError(f"aggregator recurrent: output must be mean or last, got {output!r}")
        self.output = output
        self.cell = (nn.LSTM if cell == "lstm" else nn.GRU)(shape[0], hidden, batch_first=True)

    def forward(self, maps: Tensor) -> Tensor:
        """maps [B, T', D, h, w] -> f_c [B, hidden]."""
        outputs: Tensor = self.cell(maps.mean((3, 4)))[0]  # o [B, T', hidden]; of both cells o_t = h_t
        return outputs.mean(1) if self.output == "mean" else outputs[:, -1]


@hookimpl
def vreid_aggregators() -> Mapping[str, Callable[..., Any]]:
    """`temporal-attention` and `recurrent`."""
    return {"temporal-attention": TemporalAttention, "recurrent": Recurrent}


def _paper(encoder: str, T: int, rate: float) -> Method:
    """The recipe of section 4.1.

    Printed: ResNet-50, 224 x 112, Adam, 3e-4 for pooling and attention, 1e-4 for RNN and 3D network, batch 32 with 4
    tracklets of a person, and Eq. 4 + Eq. 5 unweighted. Not printed, and taken from the authors' published code: margin
    0.3, weight decay 5e-4, 800 epochs of one group per identity, a tenth of the rate every 200. Their code also smooths
    the labels, and flips and shifts every frame independently; Eq. 5 does not smooth, and here a clip is flipped as a
    whole. The paper reduces the batch where memory is short, without saying to what; here it is always 32. Weights of
    ImageNet and Kinetics are not shipped: `--weights encoder=FILE` names them.
    """
    stage = Train(
        clipping=Clipping("consecutive", T),
        losses={"cross-entropy": 1.0, "triplet": 1.0},  # Eq. 6
        steps=Epochs(800),
        P=8,
        K=4,
        schedule=Schedule("step", rate, every=Epochs(200), factor=0.1),
        optimizer=Optimizer("Adam", {"weight_decay": 5e-4}),
        augment=(part("flip"),),
    )
    return Method(
        encoder=part(encoder, depth=50),
        aggregator=part("average"),
        matcher=part("mean", metric="euclidean"),  # section 3.3: the mean of the clips, L2 distance
        test=Clipping("dense", T),  # "consecutive non-overlap clips"
        size=(224, 112),
        losses={"cross-entropy": part("cross-entropy"), "triplet": part("triplet", margin=0.3)},  # Eq. 5, Eq. 4
        stages=(stage,),
        paper=PAPER,
        begins={"encoder": ("*",)},  # "pretrained on ImageNet", the 3D ResNet-50 "on Kinetics"
    )


# The tables of section 4.2. A row that a later table repeats stands once, with the first of them.

COLUMNS = {"mars": "mAP R1 R5 R10 R20"}
# Their code removes the queries from the gallery and skips queries without a match, like the convention `torchreid`.
GALLERY = "by the authors' code without the queries in the gallery: compare with the convention torchreid"


def _ours(where: str, numbers: str, note: str = "") -> tuple[Reported, ...]:
    return reported_row(where, COLUMNS, numbers, f"{note}; {GALLERY}" if note else GALLERY)


TABLE_1 = {
    4: _ours("Table 1, T = 4 (again in Table 10, 3Dconv)", "70.5 78.5 90.9 93.9 95.9"),
    8: _ours("Table 1, T = 8", "69.1 78.8 89.8 93.2 95.1"),
}
TABLE_2_MAX = _ours("Table 2, max pool", "74.5 83.1 93.3 95.6 96.7")
TABLE_3 = {
    1: _ours("Table 3, T = 1 (again in Table 10, image)", "74.1 81.3 92.6 94.8 96.7"),
    2: _ours("Table 3, T = 2", "76.1 83.3 93.2 95.5 96.8"),
    4: (
        *_ours("Table 3, T = 4", "76.5 83.5 93.0 95.3 96.8"),
        *_ours("Table 10, Ours (pool)", "- 83.3 - - -", "Table 3 prints 83.5 for the same model"),
    ),
    8: _ours("Table 3, T = 8 (again in Table 2, avg pool)", "76.2 82.9 93.7 95.4 96.8"),
}
TWICE = "Tables 4 and 5 differ from rank 5 on for the same model"
TABLE_4 = {
    "softmax": _ours("Table 4, softmax", "75.8 82.7 92.8 95.4 97.0", TWICE),
    "sigmoid": _ours("Table 4, sigmoid", "76.1 82.8 93.6 95.4 96.8"),
}
TABLE_5 = {
    "fc": _ours("Table 5, spatial conv + FC", "75.8 82.7 93.0 95.1 96.5", TWICE)[2:],
    "temporal-conv": _ours("Table 5, spatial + temporal conv (again in Table 10, att)", "76.7 83.3 93.8 96.0 97.4"),
}
TABLE_6 = {
    512: _ours("Table 6, 512", "69.8 79.3 91.7 93.3 96.2"),
    1024: _ours("Table 6, 1024", "66.7 76.4 89.0 92.2 94.7"),
    2048: _ours("Table 6, 2048", "67.0 77.7 89.6 92.8 94.9"),
}
TABLE_7 = {
    512: _ours("Table 7, 512 (again in Table 8, LSTM, and Table 9, T = 8)", "72.0 80.4 92.7 94.9 96.9"),
    1024: _ours("Table 7, 1024", "72.1 81.0 92.5 94.8 96.5"),
    2048: _ours("Table 7, 2048", "70.1 79.5 91.0 93.8 95.5"),
}
TABLE_8_GRU = _ours("Table 8, GRU", "70.5 79.7 91.5 93.8 95.3")
TABLE_9 = {
    2: _ours("Table 9, T = 2", "72.4 81.4 92.1 94.9 96.4"),
    4: _ours("Table 9, T = 4 (again in Table 10, RNN)", "73.9 81.6 92.8 94.7 96.3"),
    16: _ours("Table 9, T = 16", "60.3 71.2 86.5 90.8 93.7"),
}
TABLE_10_RERANKED = reported_row(
    "Table 10, Ours (re-rank)",
    COLUMNS,
    "84.5 85.0 94.7 96.6 97.7",
    f"the parameters of k-reciprocal re-ranking are not stated and their code has none; {GALLERY}",
    reranked=True,
)
TABLE_10_QUOTED = reported_table(
    "Table 10",
    COLUMNS,
    {
        "Zheng et al.": "45.6 65.0 81.1 - 88.9",
        "Li et al.": "56.1 71.8 86.6 - 93.1",
        "Liu et al.": "51.7 73.7 84.9 - 91.6",
        "Zhou et al.": "50.7 70.6 90.0 - 97.6",
        "Hermans et al.": "67.7 79.8 91.4 - -",
        "Hermans et al. (re-rank)": "77.4 81.2 90.7 - -",
    },
    reranked=["Hermans et al. (re-rank)"],
)


@dataclass(frozen=True)
class System:
    """One system of the tables; calling it with a preset returns its method."""

    summary: str  # for `vreid-bench list`
    T: int
    aggregator: Part
    encoder: str = "resnet"
    rate: float = 3e-4
    reported: tuple[Reported, ...] = ()
    quoted: tuple[Reported, ...] = ()

    def __call__(self, preset: Preset) -> Method:
        """The recipe of this system at a preset."""
        printed = _paper(self.encoder, self.T, self.rate)
        method = printed if preset == "paper" else shrink_method(printed, encoder=part(self.encoder, depth=8))
        return replace(method, aggregator=self.aggregator, reported=self.reported, quoted=self.quoted)


def image_baseline(preset: Preset) -> Method:
    """Trained on single frames, tested on the middle frame of a tracklet only.

    The gain of a method over this one is what it gains by more than one frame. The paper reports no such number.
    """
    return replace(METHODS["image-averaged"](preset), test=Clipping("uniform", 1), reported=())


AVERAGE = part("average")  # section 3.1, "Temporal pooling": f_c = (1/T) sum_t f_t


class _Shared(TypedDict):
    """Fields of a `System` that are the same in several rows."""

    aggregator: Part
    encoder: NotRequired[str]
    rate: NotRequired[float]


def _attention(network: str, weighting: str) -> _Shared:
    return {"aggregator": part("temporal-attention", width=256, network=network, weighting=weighting)}


def _rnn(hidden: int = 512, cell: str = "lstm", output: str = "mean") -> _Shared:
    return {
        "aggregator": part("recurrent", cell=cell, hidden=hidden, output=output),
        "rate": 1e-4,
    }


_3D: _Shared = {"aggregator": AVERAGE, "encoder": "resnet3d", "rate": 1e-4}

METHODS: Mapping[str, Callable[[Preset], Method]] = {
    # Table 1
    "3d-cnn": System("3D ResNet over clips of four (Gao and Nevatia 2018).", 4, reported=TABLE_1[4], **_3D),
    "3d-cnn-t8": System("`3d-cnn` over clips of eight.", 8, reported=TABLE_1[8], **_3D),
    # Table 2
    "max-pooling": System(
        "The maximum of the frames' features over a clip (Gao and Nevatia 2018).",
        8,
        part("max"),
        reported=TABLE_2_MAX,
    ),
    # Table 3
    "image-baseline": image_baseline,
    "image-averaged": System(
        "Trained on single frames, tested on the mean of many frames' features (Gao and Nevatia 2018).",
        1,
        AVERAGE,
        reported=TABLE_3[1],
    ),
    "mean-pooling-t2": System("`mean-pooling` over clips of two.", 2, AVERAGE, reported=TABLE_3[2]),
    "mean-pooling": System(
        "The mean of the frames' features, trained and tested on clips of four (Gao and Nevatia 2018).",
        4,
        AVERAGE,
        reported=TABLE_3[4],
    ),
    "mean-pooling-t8": System("`mean-pooling` over clips of eight.", 8, AVERAGE, reported=TABLE_3[8]),
    # Tables 4 and 5
    "temporal-attention": System(
        "Frames weighted by attention from spatial conv + FC, softmax (Gao and Nevatia 2018).",
        4,
        reported=(*TABLE_4["softmax"], *TABLE_5["fc"]),
        **_attention("fc", "softmax"),
    ),
    "temporal-attention-sigmoid": System(
        "`temporal-attention` with sigmoid and L1 normalization in place of softmax.",
        4,
        reported=TABLE_4["sigmoid"],
        **_attention("fc", "sigmoid"),
    ),
    "temporal-attention-conv": System(
        "`temporal-attention` from spatial + temporal conv, the best system of the paper.",
        4,
        reported=(*TABLE_5["temporal-conv"], *TABLE_10_RERANKED),
        quoted=TABLE_10_QUOTED,
        **_attention("temporal-conv", "softmax"),
    ),
    # Table 6
    "lstm-last": System(
        "`lstm` with the last state in place of the mean of its outputs.",
        8,
        reported=TABLE_6[512],
        **_rnn(output="last"),
    ),
    "lstm-last-h1024": System(
        "`lstm-last` with 1024 hidden numbers.", 8, reported=TABLE_6[1024], **_rnn(1024, output="last")
    ),
    "lstm-last-h2048": System(
        "`lstm-last` with 2048 hidden numbers.", 8, reported=TABLE_6[2048], **_rnn(2048, output="last")
    ),
    # Table 7
    "lstm-h1024": System("`lstm` with 1024 hidden numbers.", 8, reported=TABLE_7[1024], **_rnn(1024)),
    "lstm-h2048": System("`lstm` with 2048 hidden numbers.", 8, reported=TABLE_7[2048], **_rnn(2048)),
    # Table 8
    "gru": System("`lstm` with GRU cells (Gao and Nevatia 2018).", 8, reported=TABLE_8_GRU, **_rnn(cell="gru")),
    # Table 9
    "lstm-t2": System("`lstm` over clips of two.", 2, reported=TABLE_9[2], **_rnn()),
    "lstm": System(
        "LSTM over the frames' features, the mean of its outputs (Gao and Nevatia 2018).",
        4,
        reported=TABLE_9[4],
        **_rnn(),
    ),
    "lstm-t8": System("`lstm` over clips of eight.", 8, reported=TABLE_7[512], **_rnn()),
    "lstm-t16": System("`lstm` over clips of sixteen.", 16, reported=TABLE_9[16], **_rnn()),
}


@hookimpl
def vreid_methods() -> Mapping[str, Callable[[Preset], Any]]:
    """Every row of the paper's tables, and `image-baseline`."""
    return METHODS
