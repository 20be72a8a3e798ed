"""The mean over clips and its distances by hand."""

import pytest
import torch

from vreid_bench import Clips, InputError
from vreid_plugins.matchers.mean import Mean


def clips_of(*tracklets):
    most = max(len(t) for t in tracklets)
    rows = [[*t, *[[99.0, 99.0]] * (most - len(t))] for t in tracklets]
    valid = torch.tensor([[c < len(t) for c in range(most)] for t in tracklets])
    return Clips(torch.tensor(rows), torch.ones(valid.shape), valid)


def test_mean_ignores_the_clips_that_are_not_there():
    clips = clips_of([[3.0, 4.0], [1.0, 0.0]], [[0.0, 2.0]])
    represented = Mean(2).represent(clips)
    assert represented.embedding.tolist() == [[[2.0, 2.0]], [[0.0, 2.0]]]
    assert represented.valid.tolist() == [[True], [True]]


def test_mean_can_scale_each_clip_first():
    clips = clips_of([[3.0, 4.0], [1.0, 0.0]], [[0.0, 2.0]])
    represented = Mean(2, normalize=True).represent(clips)
    torch.testing.assert_close(represented.embedding, torch.tensor([[[0.8, 0.4]], [[0.0, 1.0]]]))


@pytest.mark.parametrize(
    ("metric", "distance"),
    [("euclidean", [5.0, 13.0]), ("sqeuclidean", [25.0, 169.0]), ("cosine", [0.0, 1 + 33 / 65])],
)
def test_mean_distance_by_hand(metric, distance):
    query = Clips.single(torch.tensor([[6.0, 8.0]]))
    gallery = Clips.single(torch.tensor([[3.0, 4.0], [1.0, -4.0]]))
    if metric == "cosine":
        gallery = Clips.single(torch.tensor([[3.0, 4.0], [5.0, -12.0]]))
    torch.testing.assert_close(Mean(2, metric=metric).distance(query, gallery), torch.tensor([distance]))


def test_mean_refuses_a_metric_it_does_not_know():
    with pytest.raises(InputError, match="matcher mean: metric must be one of euclidean, sqeuclidean, cosine"):
        Mean(2, metric="manhattan")
