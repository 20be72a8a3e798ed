"""The fusion of two streams: element by element, by a convolution, and by a VLAD for each."""

import pytest
import torch
from torch import nn
from vlad_cases import classic_vlad

from vreid_bench import InputError
from vreid_plugins.two_stream import StreamConvolution, StreamFusion, StreamVlad


@pytest.mark.parametrize(
    ("fusion", "expected"),
    [
        ("max", [(3 + 5) / 2, (4 + 6) / 2]),
        ("average", [(2 + 3) / 2, (3 + 4) / 2]),
        ("multiply", [(3 * 1 + 1 * 5) / 2, (2 * 4 + 2 * 6) / 2]),
    ],
)
def test_streams_are_fused_element_by_element(fusion, expected):
    maps = torch.tensor([[3.0, 2, 1, 4], [1, 2, 5, 6]]).reshape(1, 2, 4, 1, 1)  # two stacks of two and two channels
    features = StreamFusion((4, 1, 1), fusion)(maps)
    assert features.embedding.tolist() == [expected]
    assert features.extra["scored"].tolist() == [[1.0, 1.0, 1.5, 2.5]]


def test_a_classifier_gives_the_average_of_the_scores_of_both_streams():
    """Late fusion as printed: a classifier for each stream, their scores averaged before the softmax."""
    torch.manual_seed(0)
    spatial, temporal, joint = nn.Linear(6, 3), nn.Linear(6, 3), nn.Linear(12, 3)
    joint.weight.data = torch.cat([spatial.weight, temporal.weight], 1).detach()
    joint.bias.data = (spatial.bias + temporal.bias).detach() / 2
    maps = torch.rand(4, 1, 12, 1, 1)
    average = (spatial(maps[:, 0, :6, 0, 0]) + temporal(maps[:, 0, 6:, 0, 0])) / 2
    torch.testing.assert_close(joint(StreamFusion((12, 1, 1))(maps).extra["scored"]), average)


def test_maps_are_fused_place_by_place_then_connected():
    """The paper's form: one kernel of 1 x 1 over both streams, ReLU, pooling by two, fc6 and fc7, mean over stacks."""
    torch.manual_seed(0)
    fused = StreamConvolution((6, 4, 4), grid=(2, 2), width=5).eval()
    fused.fusion.weight.data.normal_()
    fused.fusion.bias.data.normal_()
    maps = torch.rand(2, 3, 6, 4, 4)
    expected = torch.zeros(2, 5)
    for row in range(2):
        for stack in range(3):
            pooled = torch.zeros(3, 2, 2)
            for y in range(4):
                for x in range(4):
                    value = fused.fusion.weight[:, :, 0, 0] @ maps[row, stack, :, y, x] + fused.fusion.bias
                    pooled[:, y // 2, x // 2] = torch.maximum(pooled[:, y // 2, x // 2], value)  # none is below zero
            vector = pooled.flatten()
            for place in (0, 3):
                vector = (fused.classifier[place].weight @ vector + fused.classifier[place].bias).clamp_min(0)
            expected[row] += vector / 3
    torch.testing.assert_close(fused(maps), expected)


def test_the_fusing_convolution_starts_as_the_mean_of_both_streams():
    maps = torch.rand(2, 6, 4, 4)
    torch.testing.assert_close(StreamConvolution((6, 4, 4)).fusion(maps), (maps[:, :3] + maps[:, 3:]) / 2)


def fitted(maps, words=2):
    torch.manual_seed(0)
    vlad = StreamVlad((4, 3, 2), words=words).double()
    vlad.fit([maps])
    return vlad


def streams_of(maps):
    """The descriptors of each stream of one clip [T', 4, h, w], place by place, scaled to unit length."""
    places = [maps[t, :, y, x] for t in range(2) for y in range(3) for x in range(2)]
    return [[value[part] / value[part].norm() for value in places] for part in (slice(0, 2), slice(2, 4))]


def test_each_stream_has_a_classic_vlad_of_its_own():
    """alpha = 1000 on unit vectors that lie apart is VLAD with hard assignment."""
    maps = torch.rand(2, 2, 4, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    vlad = fitted(maps)
    vlad.spatial.place(torch.tensor([[1.0, 0], [0, 1]]))
    vlad.temporal.place(torch.tensor([[0.9, 0.1], [0.2, 0.8]]))
    for row in range(2):
        spatial, temporal = streams_of(maps[row])
        expected = [classic_vlad(spatial, vlad.spatial.c.data), classic_vlad(temporal, vlad.temporal.c.data)]
        torch.testing.assert_close(vlad(maps)[row], torch.cat(expected) / 2, rtol=1e-3, atol=1e-3)


def test_fit_places_the_words_of_each_stream_among_its_own_descriptors():
    """One word is the mean of the descriptors of its stream."""
    maps = torch.rand(1, 2, 4, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    vlad = fitted(maps, words=1)
    for own, descriptors in zip((vlad.spatial, vlad.temporal), streams_of(maps[0]), strict=True):
        torch.testing.assert_close(own.c.data[0], torch.stack(descriptors).mean(0))


def test_an_unknown_fusion_is_refused():
    with pytest.raises(InputError, match="fusion must be one of max, average, multiply, got 'sum'"):
        StreamFusion((4, 1, 1), "sum")
