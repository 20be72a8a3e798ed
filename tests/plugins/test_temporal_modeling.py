"""Gao and Nevatia's layers by hand, and that each row of their tables is the system that the row says."""

import copy
from dataclasses import replace

import pytest
import torch
from one_step import naive_cross_entropy, naive_triplet, objective, printed, registry_of, rows_of

from vreid_bench import Batch, Clipping, InputError, part
from vreid_bench.modeling.model import assemble, gather
from vreid_bench.scoring.metrics import CUTOFFS
from vreid_bench.training.stages import learning_rate
from vreid_plugins import temporal_modeling
from vreid_plugins.aggregators import pooling
from vreid_plugins.aggregators.pooling import Average, Max
from vreid_plugins.augmentations import flip
from vreid_plugins.encoders import resnet
from vreid_plugins.losses import cross_entropy, triplet
from vreid_plugins.matchers import mean
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


TABLES = {
    "Table 1": """
T = 4: 70.5 78.5 90.9 93.9 95.9
T = 8: 69.1 78.8 89.8 93.2 95.1
""",
    "Table 2": """
max pool: 74.5 83.1 93.3 95.6 96.7
""",
    "Table 3": """
T = 1: 74.1 81.3 92.6 94.8 96.7
T = 2: 76.1 83.3 93.2 95.5 96.8
T = 4: 76.5 83.5 93.0 95.3 96.8
T = 8: 76.2 82.9 93.7 95.4 96.8
""",
    "Table 4": """
softmax: 75.8 82.7 92.8 95.4 97
sigmoid: 76.1 82.8 93.6 95.4 96.8
""",
    "Table 5": """
spatial conv + FC: - - 93.0 95.1 96.5
spatial + temporal conv: 76.7 83.3 93.8 96.0 97.4
""",
    "Table 6": """
512: 69.8 79.3 91.7 93.3 96.2
1024: 66.7 76.4 89.0 92.2 94.7
2048: 67.0 77.7 89.6 92.8 94.9
""",
    "Table 7": """
512: 72.0 80.4 92.7 94.9 96.9
1024: 72.1 81 92.5 94.8 96.5
2048: 70.1 79.5 91 93.8 95.5
""",
    "Table 8": """
GRU: 70.5 79.7 91.5 93.8 95.3
""",
    "Table 9": """
T = 2: 72.4 81.4 92.1 94.9 96.4
T = 4: 73.9 81.6 92.8 94.7 96.3
T = 16: 60.3 71.2 86.5 90.8 93.7
""",
    "Table 10": """
Ours (pool): - 83.3 - - -
Ours (re-rank): 84.5 85.0 94.7 96.6 97.7
""",
}
OTHERS = """
Zheng et al.: 45.6 65.0 81.1 - 88.9
Li et al.: 56.1 71.8 86.6 - 93.1
Liu et al.: 51.7 73.7 84.9 - 91.6
Zhou et al.: 50.7 70.6 90.0 - 97.6
Hermans et al.: 67.7 79.8 91.4 - -
Hermans et al. (re-rank): 77.4 81.2 90.7 - -
"""


def test_reported_rows_are_the_printed_ones():
    """Each number once: rows that a later table repeats stand with the first, and of Tables 5 and 10 what differs."""
    columns = {"mars": "mAP R1 R5 R10 R20"}
    wanted = {}
    for place, table in TABLES.items():
        wanted |= printed(table, place, **columns)
    assert rows_of(METHODS) == wanted
    assert rows_of(METHODS, "quoted") == printed(OTHERS, "Table 10", **columns)


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


def test_paper_recipe_is_the_printed_one():
    """Sections 3.3 and 4.1: batches of 32, clips without overlap, their mean, the L2 distance."""
    for name in METHODS:
        method = METHODS[name]("paper")
        [stage] = method.stages
        assert (stage.P * stage.K, stage.K, method.size, stage.optimizer.name) == (32, 4, (224, 112), "Adam"), name
        assert method.matcher == part("mean", metric="euclidean")
        assert method.test == (Clipping("uniform", 1) if name == "image-baseline" else Clipping("dense", method.test.T))


def test_the_published_code_fills_what_the_paper_leaves_open():
    """Its 800 epochs of a group of 4 of each of MARS' 625 persons, the rate a tenth every 200, and weight decay."""
    [stage] = METHODS["mean-pooling"]("paper").stages
    rates = [learning_rate(stage.schedule, at * 78, stage.steps) for at in (0, 199, 200, 400, 600, 799)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6, 3e-7, 3e-7])
    assert (stage.steps, stage.optimizer.options) == (800 * 78, {"weight_decay": 5e-4})


def test_paper_loss_is_equations_4_to_6():
    """Over the mean of a tracklet's clips, whatever the encoder; Eq. 4 as a mean, as its module says."""
    parts = registry_of(temporal_modeling, pooling, flip, resnet, cross_entropy, triplet, mean)
    method = replace(METHODS["mean-pooling"]("paper"), encoder=part("resnet", depth=8), size=(64, 32))
    torch.manual_seed(0)
    assembled, pids = assemble(method, parts, identities=5), [3, 3, 0, 0, 4, 4]
    losses = assembled.losses.double()
    classifier = losses["cross-entropy"].classifier
    torch.nn.init.normal_(classifier.weight)
    features = assembled.model.double().eval().features(torch.rand(12, 2, 3, 64, 32).double())
    features = features._replace(embedding=features.embedding / 4)  # so that triplets lie around the margin
    batch = Batch(gather([features], [2] * 6), torch.tensor(pids), torch.zeros(6), assembled.stages[0].matcher)
    f = features.embedding.unflatten(0, (6, 2)).mean(1)  # section 3.3
    margins = naive_triplet(f, pids, lambda a, b: ((a - b) @ (a - b)).sqrt())
    assert margins > 0
    wanted = naive_cross_entropy(f @ classifier.weight.T + classifier.bias, pids) + margins
    torch.testing.assert_close(objective(assembled, 0, batch), wanted)


FC, CONV = ({"network": network} for network in NETWORKS)
MEAN, LAST = ({"output": output} for output in ("mean", "last"))
AGGREGATORS = {
    "max-pooling": ("max", {}),
    "temporal-attention": ("temporal-attention", FC | {"weighting": "softmax"}),
    "temporal-attention-sigmoid": ("temporal-attention", FC | {"weighting": "sigmoid"}),
    "temporal-attention-conv": ("temporal-attention", CONV | {"weighting": "softmax"}),
    **{f"lstm-last{h}": ("recurrent", LAST | {"cell": "lstm"}) for h in ("", "-h1024", "-h2048")},
    **{f"lstm{h}": ("recurrent", MEAN | {"cell": "lstm"}) for h in ("", "-h1024", "-h2048", "-t2", "-t8", "-t16")},
    "gru": ("recurrent", MEAN | {"cell": "gru"}),
}


@pytest.mark.parametrize(("preset", "depth", "share"), [("paper", 50, 1), ("small", 8, 32)])
def test_a_row_s_parts_are_those_that_its_table_names(preset, depth, share):
    """At preset `small` with 64 channels for the encoder's 2048, and other widths narrower alike."""
    for name in METHODS:
        chosen = METHODS[name](preset).aggregator
        assert METHODS[name](preset).encoder == part("resnet3d" if "3d" in name else "resnet", depth=depth), name
        hidden = int(name.rpartition("-h")[2]) if "-h" in name else 512
        widths = {"temporal-attention": {"width": 256 // share}, "recurrent": {"hidden": hidden // share}}
        assert widths.get(chosen.name, {}).items() <= chosen.options.items(), name
        wanted, options = AGGREGATORS.get(name, ("average", {}))
        assert chosen.name == wanted, name
        assert options.items() <= chosen.options.items(), name
        assert "divide" not in chosen.options  # the layer's default: as printed


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
