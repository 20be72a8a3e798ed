"""Re-ranking a matcher that compares clips in pairs: the distances that it takes, and the ranks that it gives."""

import numpy as np
import published
import pytest
import torch
from torch import nn

from vreid_bench import Clips
from vreid_bench.contracts.parts import ComparesVectors
from vreid_bench.scoring.ranks import blocks as module
from vreid_bench.scoring.ranks.blocks import measure_blocks
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_plugins.clip_similarity import Learned, Top
from vreid_plugins.matchers.mean import Mean
from vreid_plugins.rerankers.k_reciprocal import FastReidEvaluator, Zhong

E, QUERIES = 6, 9


class InPairs(nn.Module):
    """A matcher of vectors that does not say so: it can only be asked for distances."""

    def __init__(self, inner):
        super().__init__()
        self.inner, self.metric = inner, inner.metric
        self.represent, self.distance = inner.represent, inner.distance


class Shifted(InPairs):
    """The same with all distances smaller by a constant, so that some are negative."""

    def __init__(self, inner):
        super().__init__(inner)
        self.distance = lambda query, gallery: inner.distance(query, gallery) - 0.25


class Asking(nn.Module):
    """How far the first clip is on from the gallery's: a distance with a direction, and not 0 to oneself."""

    def represent(self, clips):
        return clips

    def distance(self, query, gallery):
        gap = query.embedding[:, None, 0] - gallery.embedding[None, :, 0]  # [Q, G, E]
        return torch.where(gap > 0, gap, -0.5 * gap).sum(2) + 1


def people(seed=0, size=32, C=3):
    """Clips [N, C, E] of eight people."""
    random = torch.Generator().manual_seed(seed)
    person = torch.randn(8, 1, E, generator=random)[torch.arange(size) % 8]
    valid = torch.rand(size, C, generator=random) < 0.7
    valid[:, 0] = True
    x = (person + 0.7 * torch.randn(size, C, E, generator=random)) * valid[..., None]
    return Clips(x, valid.float(), valid)


def labels(size=32):
    rows = np.arange(size)
    return Labels(1 + rows % 8, rows // 8, rows[:QUERIES], rows[5:])


def learned():
    torch.manual_seed(0)
    return Learned(E, hidden=5).eval()


@pytest.mark.parametrize("rule", [Zhong(4, 3), FastReidEvaluator(4, 3)])
@pytest.mark.parametrize("metric", ["euclidean", "sqeuclidean", "cosine"])
@pytest.mark.parametrize("apart", [False, True], ids=["one side", "other queries"])
def test_vectors_and_their_distances_rank_alike(rule, metric, apart):
    vectors = Mean(E, metric=metric)
    ranked = vectors.represent(people())
    asking = vectors.represent(people(seed=1)) if apart else ranked
    pairs = InPairs(vectors)
    assert isinstance(vectors, ComparesVectors)
    assert not isinstance(pairs, ComparesVectors)
    expected, got = (rank_by_matcher(m, (asking, ranked), labels(), rule) for m in (vectors, pairs))
    plain = rank_by_matcher(vectors, (asking, ranked), labels())
    assert np.array_equal(got.before, expected.before)
    assert not np.array_equal(got.before, plain.before)


def by_one(matcher, query, gallery):
    """Every distance by itself: [Q, G]."""
    everyone = [gallery.rows([row]) for row in range(len(gallery))]
    rows = [[float(matcher.distance(query.rows([row]), one)) for one in everyone] for row in range(len(query))]
    return np.array(rows, np.float32)


def symmetric(distance):
    found = distance.copy()
    for i in range(len(distance)):
        for j in range(len(distance)):
            found[i, j] = 0 if i == j else (distance[i, j] + distance[j, i]) / 2
    return found


@pytest.mark.parametrize("matcher", [Top(E, top=0.4), learned(), Asking()], ids=lambda matcher: type(matcher).__name__)
def test_ranks_are_those_of_the_published_algorithm_over_all_pairs(matcher):
    everyone, who = matcher.represent(people()), labels()
    with torch.no_grad():
        query, gallery = everyone.rows(who.query.tolist()), everyone.rows(who.gallery.tolist())
        across = by_one(matcher, query, gallery)
        whole = published.whole(
            symmetric(by_one(matcher, query, query)), across, symmetric(by_one(matcher, gallery, gallery))
        )
        blocks = measure_blocks(matcher, query, gallery)
    np.testing.assert_allclose(published.whole(*blocks), whole, atol=1e-6)
    expected = count_from_distances([(slice(0, QUERIES), published.zhong(whole, QUERIES, 4, 3))], who)
    assert np.array_equal(rank_by_matcher(matcher, (everyone, everyone), who, Zhong(4, 3)).before, expected.before)


def test_negative_distances_keep_their_order():
    vectors = Mean(E, metric="cosine")
    everyone, who = vectors.represent(people()), labels()
    lower = Shifted(vectors)
    query, gallery = (everyone.rows(rows.tolist()) for rows in (who.query, who.gallery))
    got, plain = measure_blocks(lower, query, gallery), measure_blocks(InPairs(vectors), query, gallery)
    assert float(lower.distance(everyone, everyone).min()) < -0.1
    assert min(block.min() for block in got) == 0
    off = ~np.eye(len(gallery), dtype=bool)
    np.testing.assert_allclose(got.gallery_gallery[off], plain.gallery_gallery[off], atol=1e-6)
    np.testing.assert_allclose(got.query_gallery, plain.query_gallery, atol=1e-6)


def test_tiles_of_any_size_give_the_same(monkeypatch):
    matcher = Top(E)
    everyone = matcher.represent(people())
    whole = list(module.tiles(matcher, everyone, everyone))
    parts = list(module.tiles(matcher, everyone, everyone, rows=5))
    assert (len(whole), len(parts)) == (1, 7)
    np.testing.assert_array_equal(np.concatenate([tile for _, tile in parts]), whole[0][1])
