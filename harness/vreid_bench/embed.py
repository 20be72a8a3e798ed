"""Tracklets to stored features: query, gallery and training tracklets all come through here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn

from vreid_bench.checkpoint import unpacked
from vreid_bench.clips import clip_indices, prefetch, read_clips
from vreid_bench.corruption import spoil
from vreid_bench.data import Tracklet
from vreid_bench.errors import InputError, RunError
from vreid_bench.items import MEMORY
from vreid_bench.model import Model, gather, pad, valid
from vreid_bench.parts import Clips, ComparesVectors, Matcher, Reranker
from vreid_bench.progress import bar
from vreid_bench.protocol import Corruption
from vreid_bench.ranking.labels import Labels
from vreid_bench.ranking.pruning import Bounded, Pruned
from vreid_bench.ranking.ranks import Counts, Tile, from_distances, from_embeddings
from vreid_bench.ranking.rerank import reranked
from vreid_bench.recipe import Clipping

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


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
class Cut:
    """Which clips a tracklet gives, and what spoils every one of them."""

    clipping: Clipping
    corruption: Corruption | None = None


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

    def replaced(self, other: Store, mask: NDArray[np.bool_]) -> Store:
        """The same clips, those of `mask` [S] as another store has them."""
        chosen = torch.from_numpy(mask)
        embedding = torch.where(chosen[:, None], other.embedding, self.embedding)
        return Store(embedding, torch.where(chosen, other.importance, self.importance), self.counts)

    def represented(self, matcher: Matcher, rows: int = 64) -> Store:
        """Clips as their encoder gave them -> what a matcher keeps of each tracklet, `rows` tracklets at a time."""
        with torch.inference_mode():
            return Store.of(
                matcher.represent(self.clips(slice(first, first + rows))) for first in range(0, len(self), rows)
            )

    @classmethod
    def of(cls, pieces: Iterable[Clips]) -> Store:
        """Padded clips of some tracklets after those of others, packed, on the processor."""
        stored = list(pieces)
        embedding = torch.cat([c.embedding[c.valid] for c in stored]).float()  # [S, E]
        importance = torch.cat([c.importance[c.valid] for c in stored]).float()  # [S]
        counts = tuple(int(n) for c in stored for n in c.valid.sum(1))
        return cls(embedding.cpu(), importance.cpu(), counts)

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
    """The clips of each tracklet as the matcher represents them, in order.

    `budget` is how many frames go through the encoder at once. Raises RunError for features that are not
    finite, naming the tracklet.
    """

    def represented() -> Iterator[Clips]:
        for group, whole in _featured(model, tracklets, Cut(clipping), reader, budget):
            result = model.matcher.represent(whole)
            _finite(result, group)
            yield result

    with torch.inference_mode():
        return Store.of(represented())


def embed_clips(model: Model, tracklets: Sequence[Tracklet], cut: Cut, reader: Reader, budget: int = 512) -> Store:
    """The clips of each tracklet as the aggregator gives them, in order; as `embed`, before the matcher."""

    def featured() -> Iterator[Clips]:
        for group, whole in _featured(model, tracklets, cut, reader, budget):
            _finite(whole, group)
            yield whole

    with torch.inference_mode():
        return Store.of(featured())


def _featured(
    model: Model, tracklets: Sequence[Tracklet], cut: Cut, reader: Reader, budget: int
) -> Iterator[tuple[list[Tracklet], Clips]]:
    model.eval()
    with bar(len(tracklets), "embed", "tracklet", quiet=reader.quiet) as progress:
        for group, clips, counts in _batches(tracklets, cut, reader, budget):
            yield group, gather([model.features(piece) for piece in _pieces(clips, budget)], counts)
            progress.update(len(group))


def counted(
    matcher: Matcher,
    sides: tuple[Clips, Clips],
    labels: Labels,
    reranker: Reranker | None = None,
    memory: int = MEMORY,
    quiet: bool = True,
) -> Counts:
    """Rank by a matcher: `sides` are all test tracklets as they query and as they are ranked, represented, on the
    device of the matcher; one and the same but where a query was spoiled.

    One vector a tracklet is ranked straight from the vectors, pairs of clips by tiles of distances, of which only
    those that bounds leave open are computed where the matcher knows bounds. A re-ranker
    sees the gallery as it is ranked: a query that is in it, too, is two items. Raises InputError if it is to
    re-rank pairs of clips.
    """
    with torch.inference_mode():
        if not isinstance(matcher, ComparesVectors):
            if reranker is not None:
                raise InputError("re-ranking compares one vector a tracklet; this matcher compares clips in pairs")
            pruned = Pruned(matcher, sides, labels) if isinstance(matcher, Bounded) else None
            pieces = tiles(matcher, sides, labels) if pruned is None else pruned.tiles()
            return from_distances(_shown(pieces, labels, pruned, quiet), labels, torch.get_num_threads())
        asking, ranked = sides
        vectors = matcher.vectors(ranked).float().cpu().numpy()  # [N, E]
        whole = np.array_equal(labels.gallery, np.arange(len(vectors)))
        gallery = vectors if whole else vectors[labels.gallery]  # a copy only where one is needed
        if asking is not ranked:
            vectors = matcher.vectors(asking).float().cpu().numpy()
        if reranker is None:
            return from_embeddings(vectors[labels.query], gallery, labels, matcher.metric, torch.get_num_threads())
    both = vectors[labels.query], gallery
    return reranked(reranker, both, labels, matcher.metric, memory, torch.get_num_threads())


def _shown(pieces: Iterable[Tile], labels: Labels, pruned: Pruned | None, quiet: bool) -> Iterator[Tile]:
    """The same tiles, with a bar that tells how many queries are ranked and which share of the pairs that took."""
    with bar(len(labels.query), "rank", "query", quiet=quiet) as progress:
        for rows, distance in pieces:
            yield rows, distance
            if pruned is not None:
                progress.set_postfix_str(f"{pruned.share:.1%} of pairs of clips evaluated", refresh=False)
            progress.update(len(distance))


def tiles(matcher: Matcher, sides: tuple[Clips, Clips], labels: Labels, rows: int = 128) -> Iterator[Tile]:
    """Distances [R, G] of `rows` query tracklets to the gallery at a time; they come to the processor as float32."""
    asking, ranked = sides
    gallery = ranked.rows(labels.gallery.tolist())
    for start in range(0, len(labels.query), rows):
        part = slice(start, min(start + rows, len(labels.query)))
        distance = matcher.distance(asking.rows(labels.query[part].tolist()), gallery)  # [R, G]
        yield part, distance.float().cpu().numpy()


def maps(
    model: Model, tracklets: Sequence[Tracklet], clipping: Clipping, reader: Reader, budget: int = 512
) -> Iterator[Tensor]:
    """Batches of maps [B, T', D, h, w] over the tracklets: what an aggregator's `fit` looks at."""

    def pieces(title: str) -> Iterator[Tensor]:
        with bar(len(tracklets), title, "tracklet", quiet=reader.quiet) as progress:
            for group, clips, _ in _batches(tracklets, Cut(clipping), reader, budget):
                yield from _pieces(clips, budget)
                progress.update(len(group))

    model.eval()
    _settle(model.encoder, pieces("statistics"))
    for piece in pieces("fit"):
        with torch.inference_mode():  # not around the yield: what `fit` does is its own affair
            batch = model.encoder(piece)
        yield batch


def _settle(encoder: nn.Module, pieces: Iterable[Tensor]) -> None:
    """Give batch normalisations without statistics theirs: the mean over pieces [S, T, P, H, W].

    In evaluation they would take every mean for 0 and every variance for 1. A network of random weights then gives
    maps far from those of its training, and what is fitted on the ones is no use to the other. Statistics that a file
    of weights has brought stay, whether or not it counts the batches that they are of.
    """
    fresh = [m for m in encoder.modules() if isinstance(m, NORMS) and _unset(m)]
    if not fresh:
        return
    momentum = [norm.momentum for norm in fresh]
    for norm in fresh:
        norm.train().momentum = None  # torch's word for the mean over all batches
    with torch.inference_mode():
        for piece in pieces:
            encoder(piece)
    for norm, usual in zip(fresh, momentum, strict=True):
        norm.eval().momentum = usual


def _unset(norm: nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d) -> bool:
    """Are its statistics what it was made with?"""
    if norm.running_mean is None or norm.running_var is None:  # it takes those of each batch
        return False
    return bool(norm.running_mean.eq(0).all() and norm.running_var.eq(1).all())


def _batches(
    tracklets: Sequence[Tracklet], cut: Cut, reader: Reader, budget: int
) -> Iterator[tuple[list[Tracklet], Tensor, list[int]]]:
    """Groups of tracklets whose clips share T, their clips [S, T, 3, H, W] and the clips of each."""

    def decoded(group: list[Tracklet]) -> list[NDArray[np.uint8]]:
        indices = [clip_indices(cut.clipping, len(t.frames), None) for t in group]
        clips = [read_clips(reader.root, t, i, reader.size) for t, i in zip(group, indices, strict=True)]
        return (
            clips
            if cut.corruption is None
            else [spoil(cut.corruption, t, c) for t, c in zip(group, clips, strict=True)]
        )

    groups = list(_groups(tracklets, cut.clipping, budget))
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
