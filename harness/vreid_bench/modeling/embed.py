"""From tracklets to features, for query, gallery and training tracklets alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vreid_bench.contracts.dataset import Dataset, Tracklet
from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import PLANES, Clips
from vreid_bench.contracts.recipe import Clipping
from vreid_bench.modeling.clips import Indices, clip_indices
from vreid_bench.modeling.flow import STEPS, STILL, FlowFolder
from vreid_bench.modeling.frames import prefetch, read_clips
from vreid_bench.modeling.joint_features import join_features
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.view import Distort, View
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.registry.entry import blame
from vreid_bench.system.environment import Machine
from vreid_bench.system.errors import RunError
from vreid_bench.system.memory import explain_memory
from vreid_bench.system.processes import processes
from vreid_bench.system.progress import bar


def ignore(frames: int) -> None:
    """Count nothing."""


NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class FrameReader:
    """How the planes of frames are read from disk and moved to the device."""

    root: Path
    size: tuple[int, int]  # height, width in pixels
    device: torch.device
    threads: int  # decoding threads
    quiet: bool = False  # no progress bars
    planes: tuple[str, ...] = ("rgb",)  # names in `PLANES`
    flow: FlowFolder | None = None  # where the plane `flow` is kept
    see: Callable[[int], None] = ignore  # called with the number of frames that go to the network

    @classmethod
    def of(
        cls,
        dataset: Dataset,
        size: tuple[int, int],
        planes: tuple[str, ...],
        machine: Machine,
        see: Callable[[int], None] = ignore,
    ) -> FrameReader:
        """A reader of the frames of a data set on that machine.

        If `flow` is among the planes, it is computed here for all tracklets that have none yet.
        """
        flow = FlowFolder.of(dataset) if "flow" in planes else None
        if flow is not None:
            tracklets = (t for split in dataset.splits for part in (split.train, split.test) for t in part)
            flow.fill(tracklets, machine.threads, machine.quiet)
        return cls(dataset.root, size, machine.device, machine.threads, machine.quiet, planes, flow, see)

    def read(self, tracklet: Tracklet, indices: Sequence[Indices]) -> NDArray[np.uint8]:
        """The clips [C, T, H, W, P] (uint8) at the frame numbers `indices` (C arrays [T]), their planes in order."""
        each = [self._read_plane(plane, tracklet, indices) for plane in self.planes]
        return each[0] if len(each) == 1 else np.concatenate(each, axis=4)

    def _read_plane(self, plane: str, tracklet: Tracklet, indices: Sequence[Indices]) -> NDArray[np.uint8]:
        if plane == "rgb":
            return read_clips(self.root, tracklet, indices, self.size)
        assert self.flow is not None, "a reader of the plane `flow` knows where it is kept"
        return self.flow.read_clips(tracklet, indices, self.size)

    def tensor(self, clips: NDArray[np.uint8]) -> Tensor:
        """[S, T, H, W, P] uint8 -> [S, T, P, H, W] on the device: rgb in [0, 1], flow in [-1, 1].

        The copy moves bytes, not floats.
        """
        self.see(clips.shape[0] * clips.shape[1])
        values = torch.from_numpy(clips).to(self.device).permute(0, 1, 4, 2, 3).float()
        if self.planes == ("rgb",):
            return values / 255
        planes = torch.split(values, [PLANES[plane] for plane in self.planes], dim=2)
        named = zip(self.planes, planes, strict=True)
        scaled = [plane / 255 if name == "rgb" else (plane - STILL) / STEPS for name, plane in named]
        return torch.cat(scaled, dim=2)


def embed(
    model: Model,
    tracklets: Sequence[Tracklet],
    clipping: Clipping,
    reader: FrameReader,
    view: View = View(),  # noqa: B008  # it cannot change
    budget: int = 512,
) -> FeatureStore:
    """The features of the clips of each tracklet, in order.

    budget: the most frames that the encoder takes at once. Several processes take the groups of tracklets in turns, and
    each returns the features of all; a group is what one process would take at once, so that no bit differs. Raises
    RunError if memory does not suffice, and for features that are not finite, naming the tracklet and the part.
    """
    groups = list(_groups(tracklets, clipping, budget))
    own = groups[processes().rank :: processes().total]
    batches = _read(own, clipping, reader, view.distort)
    total = sum(map(len, own))

    def encode() -> Iterator[Clips]:
        with bar(total, "embed", "tracklet", quiet=reader.quiet) as progress:
            for group, clips, counts in batches:
                whole = pad_features([model.features(piece) for piece in _pieces(clips, budget)], counts)
                if view.represented:
                    with blame(model.titles["matcher"]):
                        whole = model.matcher.represent(whole)
                if not whole.embedding.isfinite().all():
                    raise RunError(_blame_part(model, whole, group, _pieces(clips, budget)))
                yield whole
                progress.update(len(group))

    height, width = reader.size
    work = f"embedding, up to {budget:,} frames of {height} x {width} pixels at once"
    model.eval()
    with torch.inference_mode(), explain_memory(work, "test.clips, test.T or size", reader.device.type):
        if processes().total > 1:
            return join_features([FeatureStore.of([each]) for each in encode()])
        return FeatureStore.of(encode())


def maps(
    model: Model, tracklets: Sequence[Tracklet], clipping: Clipping, reader: FrameReader, budget: int = 512
) -> Iterator[Tensor]:
    """Batches of maps [B, T', D, h, w] over the tracklets: the input of an aggregator's `fit`."""

    def pieces(title: str) -> Iterator[Tensor]:
        with bar(len(tracklets), title, "tracklet", quiet=reader.quiet) as progress:
            for group, clips, _ in _batches(tracklets, clipping, reader, None, budget):
                yield from _pieces(clips, budget)
                progress.update(len(group))

    model.eval()
    _settle(model.encoder, pieces("statistics"))
    for piece in pieces("fit"):
        with torch.inference_mode():  # not around the yield, where `fit` runs
            batch = model.encode(piece)
        yield batch


def _settle(encoder: nn.Module, pieces: Iterable[Tensor]) -> None:
    """Compute the statistics of batch normalisations that have none: their mean over pieces [S, T, P, H, W].

    Without statistics, evaluation uses mean 0 and variance 1. A network of random weights then gives maps far from
    those in training, so an aggregator fitted on them would not suit the training. Statistics from a file of weights
    are kept, whether or not the file counts their batches.
    """
    fresh = [m for m in encoder.modules() if isinstance(m, NORMS) and _unset(m)]
    if not fresh:
        return
    momentum = [norm.momentum for norm in fresh]
    for norm in fresh:
        norm.train().momentum = None  # in torch, None means: average over all batches
    with torch.inference_mode():
        for piece in pieces:
            encoder(piece)
    for norm, usual in zip(fresh, momentum, strict=True):
        norm.eval().momentum = usual


def _unset(norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) -> bool:
    """Are its statistics still the initial ones?"""
    if norm.running_mean is None or norm.running_var is None:  # it always uses those of the batch
        return False
    return bool(norm.running_mean.eq(0).all() and norm.running_var.eq(1).all())


def _batches(
    tracklets: Sequence[Tracklet], clipping: Clipping, reader: FrameReader, distort: Distort | None, budget: int
) -> Iterator[tuple[list[Tracklet], Tensor, list[int]]]:
    """Groups of tracklets whose clips share T, with their clips [S, T, P, H, W] and the number of clips of each."""
    return _read(list(_groups(tracklets, clipping, budget)), clipping, reader, distort)


def _read(
    groups: Sequence[list[Tracklet]], clipping: Clipping, reader: FrameReader, distort: Distort | None
) -> Iterator[tuple[list[Tracklet], Tensor, list[int]]]:
    def read(group: list[Tracklet]) -> list[NDArray[np.uint8]]:
        indices = [clip_indices(clipping, len(t.frames), None) for t in group]
        clips = [reader.read(t, i) for t, i in zip(group, indices, strict=True)]
        return [distort(t, c) for t, c in zip(group, clips, strict=True)] if distort else clips

    for group, clips in zip(groups, prefetch(groups, read, reader.threads, 2 * reader.threads), strict=True):
        yield group, reader.tensor(np.concatenate(clips)), [len(c) for c in clips]


def _groups(tracklets: Sequence[Tracklet], clipping: Clipping, budget: int) -> Iterator[list[Tracklet]]:
    group: list[Tracklet] = []
    frames, length = 0, 0
    for tracklet in tracklets:
        cut = clip_indices(clipping, len(tracklet.frames), None)
        size = len(cut) * len(cut[0])
        if group and (len(cut[0]) != length or frames + size > budget):
            yield group
            group, frames = [], 0
        group.append(tracklet)
        frames, length = frames + size, len(cut[0])
    if group:
        yield group


def _pieces(clips: Tensor, budget: int) -> Sequence[Tensor]:
    return torch.split(clips, max(1, budget // clips.shape[1]))


def _blame_part(model: Model, whole: Clips, group: Sequence[Tracklet], pieces: Iterable[Tensor]) -> str:
    """What to say of features that are not finite: the first such tracklet, and the first part that makes them so."""
    bad = ~whole.embedding.isfinite().flatten(1).all(1)
    tracklet = group[int(bad.nonzero()[0])]
    part = "matcher"
    for piece in pieces:
        maps = model.encoder(piece)
        if not maps.isfinite().all():
            part = "encoder"
            break
        if not model.aggregate(maps).embedding.isfinite().all():
            part = "aggregator"
    return f"{tracklet.name}: the output of {model.titles[part]} is not finite for the tracklet of this frame"
