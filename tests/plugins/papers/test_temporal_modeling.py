"""Gao and Nevatia's temporal attention and recurrent cells by hand."""

import copy

import pytest
import torch

from vreid_bench import InputError
from vreid_plugins.temporal_modeling import Recurrent, TemporalAttention

NETWORKS = ("fc", "temporal-conv")
WEIGHTINGS = ("softmax", "sigmoid")


def maps_of(B=2, T=4, D=3, h=2, w=2, seed=1):
    return torch.rand(B, T, D, h, w, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def attention(seed=0, **options):
    torch.manual_seed(seed)
    return TemporalAttention((3, 2, 2), **{"width": 5, **options}).double()


def scoring(s):
    """An attention whose scores [T'] are given, over maps of one place and one channel that hold them."""
    layer = TemporalAttention((1, 1, 1), network="fc", width=1).double()
    with torch.no_grad():
        for parameter, value in zip(layer.parameters(), (1, 0, 1, 0), strict=True):
            parameter.fill_(value)
    return layer, torch.tensor(s, dtype=torch.float64).view(1, -1, 1, 1, 1)


def test_attention_by_hand():
    """Scores 0, ln 2 and ln 5; the features are the scores themselves."""
    s = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64).log()
    layer, maps = scoring(s.tolist())
    torch.testing.assert_close(layer.scores(maps), s[None])
    torch.testing.assert_close(layer.attention(maps), torch.tensor([[1.0, 2.0, 5.0]]).double() / 8)  # Eq. 2
    mean = (2 * s[1] + 5 * s[2]) / 8
    torch.testing.assert_close(layer(maps), (mean / 3).view(1, 1))  # Eq. 1 with its 1/T
    layer.divide = False
    torch.testing.assert_close(layer(maps), mean.view(1, 1))
    layer.weighting = "sigmoid"  # sigma = 1/2, 2/3, 5/6, sum 2
    torch.testing.assert_close(layer.attention(maps), torch.tensor([[3.0, 4.0, 5.0]]).double() / 12)  # Eq. 3


def test_the_last_relu_is_the_code_s_and_not_the_paper_s():
    layer, maps = scoring([1.0, 2.0])
    with torch.no_grad():
        layer.score.bias.fill_(-1.5)
    torch.testing.assert_close(layer.scores(maps), torch.tensor([[-0.5, 0.5]]).double())
    layer.rectify = True
    torch.testing.assert_close(layer.scores(maps), torch.tensor([[0.0, 0.5]]).double())


@pytest.mark.parametrize("network", NETWORKS)
def test_scores_by_a_loop(network):
    """The spatial convolution covers the whole map, the temporal one a frame and its neighbours."""
    layer, maps = attention(network=network), maps_of() - 0.5
    hidden = torch.zeros(2, 6, 5).double()  # an empty frame in front and behind
    for b in range(2):
        for t in range(4):
            for d in range(5):
                linear = (layer.spatial.weight[d] * maps[b, t]).sum() + layer.spatial.bias[d]
                hidden[b, t + 1, d] = linear.clamp_min(0)
    expected = torch.zeros(2, 4).double()
    taps = {"fc": [0], "temporal-conv": [-1, 0, 1]}[network]
    for t in range(4):
        for k, tap in enumerate(taps):
            expected[:, t] += hidden[:, t + 1 + tap] @ layer.score.weight[0, :, k]
    torch.testing.assert_close(layer.scores(maps), expected + layer.score.bias)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("frames", [1, 2, 7])
def test_attention_weights_sum_to_one(network, weighting, frames):
    layer, maps = attention(network=network, weighting=weighting), 20 * maps_of(T=frames)
    a = layer.attention(maps)
    assert a.shape == (2, frames)
    assert a.min() >= 0
    torch.testing.assert_close(a.sum(1), torch.ones(2).double())
    whole = copy.deepcopy(layer)
    whole.divide = False
    torch.testing.assert_close(layer(maps) * frames, whole(maps))
    low, high = maps.mean((3, 4)).aminmax(dim=1)  # a weighted mean lies between the frames
    assert ((whole(maps) >= low - 1e-9) & (whole(maps) <= high + 1e-9)).all()


def test_sigmoid_weights_survive_scores_far_below_zero():
    layer, maps = scoring([1.0, 2.0])
    layer.weighting = "sigmoid"
    with torch.no_grad():
        layer.score.bias.fill_(-1000)  # sigma is 0 in floating point, the ratio e is not
    a = layer.attention(maps)
    torch.testing.assert_close(a[0, 1] / a[0, 0], torch.tensor(1.0).exp().double())


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_only_the_temporal_convolution_knows_the_order_of_frames(weighting):
    maps, order = maps_of(T=5), [3, 0, 4, 1, 2]
    blind, aware = (attention(network=network, weighting=weighting) for network in NETWORKS)
    torch.testing.assert_close(blind(maps[:, order]), blind(maps))
    torch.testing.assert_close(blind.attention(maps[:, order]), blind.attention(maps)[:, order])
    assert not torch.allclose(aware.attention(maps[:, order]), aware.attention(maps)[:, order], rtol=1e-3)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("network", NETWORKS)
def test_gradient_of_attention_in_double_precision(network, weighting):
    layer, maps = attention(network=network, weighting=weighting), maps_of(B=1, T=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, *_: layer(x), (maps, *layer.parameters()))


@pytest.mark.parametrize("make", [attention, lambda: Recurrent((3, 2, 2), hidden=6)], ids=["attention", "lstm"])
def test_float32_agrees_with_float64(make):
    torch.manual_seed(2)
    single = make().float()
    double = copy.deepcopy(single).double()
    gradients = []
    for layer in (single, double):
        f = layer(maps_of().to(next(layer.parameters()).dtype))
        (f * torch.linspace(-1, 1, f.numel(), dtype=f.dtype).view_as(f)).sum().backward()
        gradients.append(torch.cat([p.grad.flatten().double() for p in layer.parameters()]))
    assert (gradients[0] - gradients[1]).norm() < 1e-5 * gradients[1].norm()


def lstm_by_hand(cell, frames):
    """Hochreiter and Schmidhuber with forget gates, one frame after another: outputs [T, hidden]."""
    hidden = cell.weight_hh_l0.shape[1]
    h, c, outputs = torch.zeros(hidden).double(), torch.zeros(hidden).double(), []
    for x in frames:
        gates = cell.weight_ih_l0 @ x + cell.bias_ih_l0 + cell.weight_hh_l0 @ h + cell.bias_hh_l0
        i, f, g, o = gates.view(4, hidden)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
        outputs.append(h)
    return torch.stack(outputs)


@pytest.mark.parametrize("output", ["mean", "last"])
def test_lstm_by_hand(output):
    torch.manual_seed(3)
    layer, maps = Recurrent((3, 2, 2), hidden=6, output=output).double(), maps_of(T=5)
    outputs = lstm_by_hand(layer.cell, maps[1].mean((2, 3)))
    torch.testing.assert_close(layer(maps)[1], outputs.mean(0) if output == "mean" else outputs[-1])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("output", ["mean", "last"])
def test_a_recurrent_cell_knows_the_order_of_frames(cell, output):
    torch.manual_seed(4)
    layer, maps = Recurrent((3, 2, 2), cell, 6, output).double(), maps_of(T=5)
    f = layer(maps)
    assert f.shape == (2, 6)
    assert not torch.allclose(f, layer(maps.flip(1)), rtol=1e-3)
    last = layer(torch.cat([maps[:, :-1], 1 - maps[:, -1:]], dim=1))
    assert not torch.allclose(f, last, rtol=1e-3)  # the last frame counts, too
    mean, final = (Recurrent((3, 2, 2), cell, 6, name).double() for name in ("mean", "last"))
    final.load_state_dict(mean.state_dict())
    torch.testing.assert_close(mean(maps[:, :1]), final(maps[:, :1]))  # of one frame both are the same


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TemporalAttention((3, 2, 2), network="conv"), "network must be fc or temporal-conv, got 'conv'"),
        (lambda: TemporalAttention((3, 2, 2), weighting="relu"), "weighting must be softmax or sigmoid, got 'relu'"),
        (lambda: Recurrent((3, 2, 2), cell="rnn"), "cell must be lstm or gru, got 'rnn'"),
        (lambda: Recurrent((3, 2, 2), output="first"), "output must be mean or last, got 'first'"),
    ],
)
def test_layers_refuse_options_they_do_not_know(make, message):
    with pytest.raises(InputError, match=message):
        make()
