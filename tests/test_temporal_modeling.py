"""Gao and Nevatia's layers by hand, and that each row of their tables is the system that the row says."""

import copy

import pytest
import torch

from vreid_bench import InputError
from vreid_bench.metrics import CUTOFFS
from vreid_plugins.aggregators.pooling import Average, Max
from vreid_plugins.temporal_modeling import METHODS, TABLE_10_QUOTED, Recurrent, TemporalAttention

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
    wanted = torch.zeros(2, 4).double()
    taps = {"fc": [0], "temporal-conv": [-1, 0, 1]}[network]
    for t in range(4):
        for k, tap in enumerate(taps):
            wanted[:, t] += hidden[:, t + 1 + tap] @ layer.score.weight[0, :, k]
    torch.testing.assert_close(layer.scores(maps), wanted + layer.score.bias)


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


# The methods

SYSTEMS = sorted(set(METHODS) - {"image-baseline"})


def value(name, metric, where):
    found = [r.value for r in METHODS[name]("paper").reported if r.metric == metric and where in r.where]
    return found[0] if len(found) == 1 else found


@pytest.mark.parametrize(
    ("where", "names", "mAP", "R20"),
    [
        ("Table 1,", ("3d-cnn", "3d-cnn-t8"), (0.705, 0.691), (0.959, 0.951)),
        ("Table 2, ", ("mean-pooling-t8", "max-pooling"), (0.762, 0.745), (0.968, 0.967)),
        (
            "Table 3,",
            ("image-averaged", "mean-pooling-t2", "mean-pooling", "mean-pooling-t8"),
            (0.741, 0.761, 0.765, 0.762),
            (0.967, 0.968, 0.968, 0.968),
        ),
        ("Table 4,", ("temporal-attention", "temporal-attention-sigmoid"), (0.758, 0.761), (0.97, 0.968)),
        ("Table 6,", ("lstm-last", "lstm-last-h1024", "lstm-last-h2048"), (0.698, 0.667, 0.67), (0.962, 0.947, 0.949)),
        ("Table 7,", ("lstm-t8", "lstm-h1024", "lstm-h2048"), (0.72, 0.721, 0.701), (0.969, 0.965, 0.955)),
        ("Table 8,", ("lstm-t8", "gru"), (0.72, 0.705), (0.969, 0.953)),
        (
            "Table 9,",
            ("lstm-t2", "lstm", "lstm-t8", "lstm-t16"),
            (0.724, 0.739, 0.72, 0.603),
            (0.964, 0.963, 0.969, 0.937),
        ),
        (
            "Table 10,",
            ("image-averaged", "3d-cnn", "lstm"),
            (0.741, 0.705, 0.739),
            (0.967, 0.959, 0.963),
        ),
    ],
)
def test_every_row_of_the_tables_stands_beside_its_system(where, names, mAP, R20):
    assert tuple(value(name, "mAP", where) for name in names) == mAP
    assert tuple(value(name, "R20", where) for name in names) == R20


def test_the_two_prints_of_one_attention_model_are_both_there():
    rows = METHODS["temporal-attention"]("paper").reported
    assert [r.value for r in rows if r.metric == "R5"] == [0.928, 0.93]
    assert [r.value for r in rows if r.metric == "mAP"] == [0.758]
    best = METHODS["temporal-attention-conv"]("paper").reported
    assert {(r.value, r.reranked) for r in best if r.metric == "mAP"} == {(0.767, False), (0.845, True)}


def test_quoted_rows_are_all_there_and_stand_beside_one_method():
    assert len({r.where for r in TABLE_10_QUOTED}) == 6
    assert sum(len(METHODS[name]("paper").quoted) for name in METHODS) == len(TABLE_10_QUOTED) == 22


def test_reported_numbers_say_which_gallery():
    for name in SYSTEMS:
        for row in METHODS[name]("paper").reported:
            assert (row.dataset, row.metric in {"mAP", *(f"R{k}" for k in CUTOFFS)}) == ("mars", True)
            assert "torchreid" in row.note


def test_paper_systems_have_the_T_and_the_rate_of_their_table():
    table = {
        name: (m.test.T, m.stages[0].clipping.T, m.stages[0].schedule.rate)
        for name in METHODS
        if (m := METHODS[name]("paper"))
    }
    for name, (test, train, rate) in table.items():
        assert train == test
        assert rate == (1e-4 if name.startswith(("lstm", "gru", "3d")) else 3e-4)
    ones = {"image-baseline", "image-averaged"}
    twos = {"mean-pooling-t2", "lstm-t2"}
    fours = {"mean-pooling", "lstm", "3d-cnn", *(name for name in METHODS if name.startswith("temporal-attention"))}
    sixteens = {"lstm-t16"}
    for name, (test, _, _) in table.items():
        wanted = [T for T, names in ((1, ones), (2, twos), (4, fours), (16, sixteens)) if name in names] or [8]
        assert [test] == wanted, name


def test_small_systems_see_as_many_frames_unless_T_is_what_varies():
    for name in METHODS:
        method = METHODS[name]("small")
        T = {"image-baseline": 1, "image-averaged": 1}.get(name, 4)
        if "-t" in name and not name.startswith("temporal"):
            T = int(name.rpartition("-t")[2])
        [stage] = method.stages
        assert (method.test.T, stage.clipping.T) == (T, T), name
        assert (stage.P, stage.K, stage.steps) == (8, 4, 900)


@pytest.mark.parametrize("name", SYSTEMS)
def test_parameters_of_every_variant(name):
    """Behind the encoders' 23,508,032 and 46,198,976, by hand."""
    parts = {"average": Average, "max": Max, "temporal-attention": TemporalAttention, "recurrent": Recurrent}
    chosen = METHODS[name]("paper").aggregator
    spatial = 2048 * 7 * 4 * 256 + 256
    hidden = int(name.rpartition("-h")[2]) if "-h" in name else 512
    gates = 4 if name.startswith("lstm") else 3 if name == "gru" else 0
    wanted = gates * hidden * (2048 + hidden + 2)
    if name.startswith("temporal"):
        wanted = spatial + (3 * 256 if name.endswith("conv") else 256) + 1
    built = parts[chosen.name]((2048, 7, 4), **chosen.options)
    assert sum(p.numel() for p in built.parameters()) == wanted
    encoder = METHODS[name]("paper").encoder
    assert (encoder.name, encoder.options["depth"]) == ("resnet3d" if name.startswith("3d") else "resnet", 50)
