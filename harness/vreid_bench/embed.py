"""Tracklets to stored features: query, gallery and training tracklets all come through here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

from vreid_bench.checkpoint import unpacked
from vreid_bench.clips import clip_indices, prefetch, read_clips
from vreid_bench.data import Tracklet
from vreid_bench.errors import InputError, RunError
from vreid_bench.items import MEMORY
from vreid_bench.labels import Labels
from vreid_bench.model import Model, gather, pad, valid
from vreid_bench.parts import Clips, ComparesVectors, Matcher, Reranker
from vreid_bench.progress import bar
from vreid_bench.pruning import Bounded, Pruned
from vreid_bench.ranks import Counts, from_distances, from_embeddings
from vreid_bench.recipe import Clipping
from vreid_bench.rerank import reranked

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Reader:
    """How frames come from disk to the device."""

    root: Path
    size: tuple[int, int]  # height, width in pixels
    device: torch.device
    threads: int  # decoding threads
    quiet: bool = False  # no progress bars

    def tensor(self, clips: NDArray[np.uint8]) -> Tensor:
        """[S, T, H, W, 3] uint8 -> [S, T, 3, H, W] in [0, 1] on the device; the copy moves bytes, not floats."""
        return torch.from_numpy(clips).to(self.device).permute(0, 1, 4, 2, 3).float() / 255


@dataclass(frozen=True)
class Store:
    """Represented tracklets, packed: the clips of one tracklet after those of another, without padding."""

    embedding: Tensor  # [S, E] float32
    importance: Tensor  # [S]
    counts: tuple[int, ...]  # [N] clips of each tracklet, summing to S

    def __len__(self) -> int:
        return len(self.counts)

    def clips(self, rows: slice) -> Clips:
        """The tracklets of these rows, padded among themselves."""
        counts = self.counts[rows]
        start = sum(self.counts[: rows.indices(len(self))[0]])
        stop = start + sum(counts)
        embedding, importance = self.embedding[start:stop], self.importance[start:stop]
        return Clips(pad(embedding, counts), pad(importance, counts), valid(counts, embedding.device))

    def to(self, device: torch.device) -> Store:
        """The same features on another device."""
        return Store(self.embedding.to(device), self.importance.to(device), self.counts)

    def to_bytes(self, labels: Labels, matcher: Matcher) -> bytes:
        """As a safetensors file that `vreid-bench score` reads alone: the features, the labels, how they compare."""
        tensors = {"embedding": self.embedding, "importance": self.importance, "counts": torch.tensor(self.counts)}
        for name, value in (("pid", labels.pids), ("camid", labels.camids)):
            tensors[name] = torch.from_numpy(value)
        tensors |= {"query": torch.from_numpy(labels.query), "gallery": torch.from_numpy(labels.gallery)}
        metric: dict[str, str] = {"metric": matcher.metric} if isinstance(matcher, ComparesVectors) else {}
        return save({name: value.cpu().contiguous() for name, value in tensors.items()}, metric)

    @classmethod
    def from_file(cls, path: Path) -> Store:
        """Read what `to_bytes` wrote. Raises InputError for a file that holds something else."""
        tensors, _ = unpacked(path)
        if not {"embedding", "importance", "counts"} <= set(tensors):
            raise InputError(f"{path}: holds no features but {', '.join(sorted(tensors))}; delete it to embed again")
        return cls(tensors["embedding"], tensors["importance"], tuple(tensors["counts"].tolist()))


def embed(model: Model, tracklets: Sequence[Tracklet], clipping: Clipping, reader: Reader, budget: int = 512) -> Store:
    """The represented clips of each tracklet, in order.

    `budget` is how many frames go through the encoder at once. Raises RunError for features that are not
    finite, naming the tracklet.
    """
    model.eval()
    stored: list[Clips] = []
    with torch.inference_mode(), bar(len(tracklets), "embed", "tracklet", quiet=reader.quiet) as progress:
        for group, clips, counts in _batches(tracklets, clipping, reader, budget):
            whole = gather([model.features(piece) for piece in _pieces(clips, budget)], counts)
            represented = model.matcher.represent(whole)
            _finite(represented, group)
            stored.append(represented)
            progress.update(len(group))
        embedding = torch.cat([c.embedding[c.valid] for c in stored]).float()  # [S, E]
        importance = torch.cat([c.importance[c.valid] for c in stored]).float()  # [S]
        counts = [int(n) for c in stored for n in c.valid.sum(1)]
    return Store(embedding.cpu(), importance.cpu(), tuple(counts))


def counted(
    matcher: Matcher, everyone: Clips, labels: Labels, reranker: Reranker | None = None, memory: int = MEMORY
) -> Counts:
    """Rank by a matcher: `everyone` holds all test tracklets, represented, on the device of the matcher.

    One vector a tracklet is ranked straight from the vectors, pairs of clips by tiles of distances, of which only
    those that bounds leave open are computed where the matcher knows bounds. A re-ranker
    sees the gallery as it is ranked: a query that is in it, too, is two items. Raises InputError if it is to
    re-rank pairs of clips.
    """
    with torch.inference_mode():
        if not isinstance(matcher, ComparesVectors):
            if reranker is not None:
                raise InputError("re-ranking compares one vector a tracklet; this matcher compares clips in pairs")
            if isinstance(matcher, Bounded):
                return from_distances(Pruned(matcher, everyone, labels).tiles(), labels, torch.get_num_threads())
            return from_distances(tiles(matcher, everyone, labels), labels, torch.get_num_threads())
        vectors = matcher.vectors(everyone).float().cpu().numpy()  # [N, E]
        whole = np.array_equal(labels.gallery, np.arange(len(vectors)))
        gallery = vectors if whole else vectors[labels.gallery]  # a copy only where one is needed
        if reranker is None:
            return from_embeddings(vectors[labels.query], gallery, labels, matcher.metric, torch.get_num_threads())
    return reranked(reranker, vectors[labels.query], gallery, labels, matcher.metric, memory)


def tiles(matcher: Matcher, everyone: Clips, labels: Labels, rows: int = 128) -> Iterator[tuple[slice, Floats]]:
    """Distances [R, G] of `rows` query tracklets to the gallery at a time; they come to the processor as float32."""
    gallery = everyone.rows(labels.gallery.tolist())
    for start in range(0, len(labels.query), rows):
        part = slice(start, min(start + rows, len(labels.query)))
        distance = matcher.distance(everyone.rows(labels.query[part].tolist()), gallery)  # [R, G]
        yield part, distance.float().cpu().numpy()


def maps(
    model: Model, tracklets: Sequence[Tracklet], clipping: Clipping, reader: Reader, budget: int = 512
) -> Iterator[Tensor]:
    """Batches of maps [B, T', D, h, w] over the tracklets: what an aggregator's `fit` looks at."""
    model.eval()
    with bar(len(tracklets), "fit", "tracklet", quiet=reader.quiet) as progress:
        for group, clips, _ in _batches(tracklets, clipping, reader, budget):
            for piece in _pieces(clips, budget):
                with torch.inference_mode():  # not around the yield: what `fit` does is its own affair
                    batch = model.encoder(piece)
                yield batch
            progress.update(len(group))


def _batches(
    tracklets: Sequence[Tracklet], clipping: Clipping, reader: Reader, budget: int
) -> Iterator[tuple[list[Tracklet], Tensor, list[int]]]:
    """Groups of tracklets whose clips share T, their clips [S, T, 3, H, W] and the clips of each."""

    def decoded(group: list[Tracklet]) -> list[NDArray[np.uint8]]:
        cut = [clip_indices(clipping, len(t.frames), None) for t in group]
        return [read_clips(reader.root, t, c, reader.size) for t, c in zip(group, cut, strict=True)]

    groups = list(_groups(tracklets, clipping, budget))
    for group, clips in zip(groups, prefetch(groups, decoded, reader.threads, 2 * reader.threads), strict=True):
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


def _finite(clips: Clips, group: Sequence[Tracklet]) -> None:
    bad = ~clips.embedding.isfinite().flatten(1).all(1)
    if bad.any():
        name = group[int(bad.nonzero()[0])].frames[0]
        raise RunError(f"{name}: the features of this tracklet are not finite; the training has diverged")
