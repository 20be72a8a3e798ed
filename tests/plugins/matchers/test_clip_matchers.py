"""Matchers that look at clips: weighted means, the top pairs, learned importance, and ranking that prunes."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vreid_bench import Batch, Clips, InputError, batch_hard
from vreid_bench.scoring.ranks.blocks import tiles
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ranks.counting import count_from_distances
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.scoring.ranks.pruning import PrunedDistances
from vreid_plugins.clip_similarity import Learned, Top
from vreid_plugins.losses.triplet import Triplet
from vreid_plugins.matchers.mean import METRICS, Mean
from vreid_plugins.matchers.weighted import Weighted


def clips_of(N=6, C=3, E=5, seed=0, ragged=True):
    random = torch.Generator().manual_seed(seed)
    valid = torch.rand(N, C, generator=random) < 0.7 if ragged else torch.ones(N, C, dtype=torch.bool)
    valid[:, 0] = True
    embedding = torch.randn(N, C, E, generator=random) * valid[..., None]
    return Clips(embedding, torch.rand(N, C, generator=random), valid)


def learned(E=5, hidden=7, seed=0):
    """With statistics as training leaves them."""
    torch.manual_seed(seed)
    matcher = Learned(E, hidden=hidden)
    for module in matcher.g:
        if isinstance(module, torch.nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    return matcher.eval()


# weighted


@pytest.mark.parametrize("normalize", [False, True])
def test_equal_importance_is_the_mean(normalize):
    clips = clips_of()
    equal = Clips(clips.embedding, torch.full_like(clips.importance, 0.3), clips.valid)
    weighted, mean = (kind(5, metric="sqeuclidean", normalize=normalize) for kind in (Weighted, Mean))
    got = weighted.distance(weighted.represent(equal), weighted.represent(equal))
    expected = mean.distance(mean.represent(clips), mean.represent(clips))
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


def test_importance_weighs_and_can_be_divided_by_the_count():
    clips = Clips(torch.tensor([[[2.0, 0.0], [0.0, 4.0]]]), torch.tensor([[3.0, 1.0]]), torch.ones(1, 2).bool())
    for divide, expected in (("weights", [6 / 4, 1.0]), ("count", [3.0, 2.0])):
        assert Weighted(2, divide=divide).represent(clips).embedding.tolist() == [[expected]]
    with pytest.raises(InputError, match="matcher weighted: divide must be one of weights, count, got 'sum'"):
        Weighted(2, divide="sum")
    with pytest.raises(InputError, match="matcher weighted: metric must be one of euclidean, sqeuclidean, cosine"):
        Weighted(2, metric="dot")


# top


def test_top_is_the_mean_of_the_largest_cosines():
    clips, matcher = clips_of(), Top(5, top=0.5)
    stored = matcher.represent(clips)
    got = matcher.distance(stored, stored)
    for i in range(6):
        for j in range(6):
            one, other = (F.normalize(clips.embedding[k][clips.valid[k]], dim=1) for k in (i, j))
            cosines = (one @ other.T).flatten().sort(descending=True).values
            expected = 1 - cosines[: -(-len(cosines) // 2)].mean()
            torch.testing.assert_close(got[i, j], expected)


def test_top_projects_if_it_is_told_to():
    torch.manual_seed(0)
    matcher, clips = Top(5, project=True), clips_of()
    torch.nn.init.normal_(matcher.project.weight)
    moved = clips.with_embedding(clips.embedding @ matcher.project.weight.T)
    plain = Top(5)
    got = matcher.distance(matcher.represent(clips), matcher.represent(clips))
    torch.testing.assert_close(got, plain.distance(plain.represent(moved), plain.represent(moved)))


@pytest.mark.parametrize("matcher", [Top(5, top=0.4), learned(), *(Mean(5, m) for m in METRICS), Weighted(5)])
def test_hardest_is_batch_hard_over_the_distances(matcher):
    pids = torch.tensor([0, 0, 1, 1, 2, 0])
    stored = matcher.represent(clips_of())
    got, expected = matcher.hardest(stored, pids), batch_hard(matcher.distance(stored, stored), pids)
    for one, other in zip(got, expected, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("matcher", [Top(5, project=True), learned()])
def test_the_triplet_loss_trains_what_a_matcher_learns(matcher):
    batch = Batch(clips_of(), torch.tensor([0, 0, 1, 1, 2, 2]), torch.zeros(6), matcher.train())
    Triplet({"embedding": 5}, 3, margin=1.0)(batch).backward()
    for name, parameter in matcher.named_parameters():
        assert parameter.grad is not None, name
        if "bias" not in name:  # those before a batch normalisation move nothing
            assert parameter.grad.abs().sum() > 0, name


# learned


def test_learned_is_its_network_pair_by_pair():
    matcher, clips = learned(), clips_of()
    stored = matcher.represent(clips)
    got = matcher.distance(stored, stored)
    with torch.no_grad():
        for i in range(6):
            for j in range(6):
                pairs = [
                    stored.embedding[i, a] * stored.embedding[j, b]
                    for a in range(3)
                    for b in range(3)
                    if clips.valid[i, a] and clips.valid[j, b]
                ]
                mean, total = pairs[0], 1.0
                for pair in pairs[1:]:
                    alpha = matcher.g((mean - pair)[None])[0, 0].item()
                    mean, total = (total * mean + alpha * pair) / (total + alpha), total + alpha
                torch.testing.assert_close(got[i, j], 1 - mean.sum(), atol=1e-5, rtol=1e-5)


def test_batch_statistics_are_of_pairs_that_are_there():
    matcher = learned().train()
    clips = clips_of(N=4, C=2, ragged=False)
    wider = [F.pad(x, (0, 0, 0, 2)[-2 * (x.dim() - 1) :]) for x in (clips.embedding, clips.importance, clips.valid)]
    found = []
    for each in (clips, Clips(*wider)):
        torch.manual_seed(1)
        stored = matcher.represent(each)
        matcher.g[1].reset_running_stats()
        matcher.distance(stored, stored)
        found.append(matcher.g[1].running_mean.clone())
    torch.testing.assert_close(*found)


def test_narrowing_closes_in_on_the_distance():
    matcher = learned()
    stored = matcher.represent(clips_of(N=8, C=4, seed=2))
    row, item = (x.flatten() for x in torch.meshgrid(torch.arange(8), torch.arange(8), indexing="ij"))
    with torch.no_grad():
        exact = matcher.distance(stored, stored).flatten()
        least, most = (bound.flatten() for bound in matcher.bounds(stored, stored))
        steps = matcher.narrowing(stored.rows(row.tolist()), stored.rows(item.tolist()))
        low, high = next(steps)
        for _ in range(4):
            assert (low >= least - 1e-6).all()
            assert (high <= most + 1e-6).all()
            assert (low <= exact + 1e-6).all()
            assert (high >= exact - 1e-6).all()
            least, most = low, high
            try:
                low, high = steps.send(torch.ones(64, dtype=torch.bool))
            except StopIteration:
                break
    torch.testing.assert_close(low, exact, atol=1e-6, rtol=0)
    assert torch.equal(low, high)


def crowd(noise, people=12, each=6, C=4, E=16):
    """Tracklets whose clips lie around their person, some turned away; half of them are queries as well."""
    random = torch.Generator().manual_seed(7)
    centre = torch.randn(people, 1, 1, E, generator=random)
    x = (centre + noise * torch.randn(people, each, C, E, generator=random)).flatten(0, 1)
    valid = torch.rand(people * each, C, generator=random) < 0.8
    valid[:, 0] = True
    pids, camids = np.repeat(np.arange(1, people + 1), each), np.tile(np.arange(each) % 3, people)
    labels = Labels(pids, camids, np.arange(0, people * each, 2), np.arange(people * each))
    return Clips(x * valid[..., None], valid.float(), valid), labels


@pytest.mark.parametrize(("noise", "most"), [(0.3, 0.5), (1.0, 0.95)])
def test_pruning_changes_no_rank(noise, most):
    everyone, labels = crowd(noise)
    matcher = learned(E=16, hidden=8)
    everyone = matcher.represent(everyone)
    with torch.inference_mode():
        pruned = PrunedDistances(matcher, (everyone, everyone), labels)
        got = count_from_distances(pruned.tiles(), labels)
        whole = count_from_distances(tiles(matcher, everyone.rows(labels.query.tolist()), everyone), labels)
        ranked = rank_by_matcher(matcher, (everyone, everyone), labels)
    assert np.array_equal(got.before, whole.before)
    assert np.array_equal(ranked.before, whole.before)
    assert 0 < pruned.share < most
