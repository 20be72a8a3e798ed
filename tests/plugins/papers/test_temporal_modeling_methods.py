"""Gao and Nevatia's methods: each row of the tables is the system that the row says."""

from dataclasses import replace

import pytest
import torch
from method_checks import (
    build,
    naive_cross_entropy,
    naive_triplet,
    objective,
    printed,
    registry_of,
    rows_of,
    trainings_on_mars,
)

from vreid_bench import Batch, Clipping, part
from vreid_bench.contracts.packing import pad_features
from vreid_bench.scoring.metrics import CUTOFFS
from vreid_bench.training.learning import learning_rate
from vreid_plugins import temporal_modeling
from vreid_plugins.aggregators import pooling
from vreid_plugins.aggregators.pooling import Average, Max
from vreid_plugins.augmentations import flip
from vreid_plugins.encoders import resnet
from vreid_plugins.losses import cross_entropy, triplet
from vreid_plugins.matchers import mean
from vreid_plugins.temporal_modeling import METHODS, TABLE_10_QUOTED, Recurrent, TemporalAttention

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
    expected = {}
    for place, table in TABLES.items():
        expected |= printed(table, place, **columns)
    assert rows_of(METHODS) == expected
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
        expected = [T for T, names in ((1, ones), (2, twos), (4, fours), (16, sixteens)) if name in names] or [8]
        assert [test] == expected, name


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
    [stage] = trainings_on_mars(METHODS["mean-pooling"]("paper"))
    rates = [learning_rate(stage.schedule, at * 78, stage.steps) for at in (0, 199, 200, 400, 600, 799)]
    assert rates == pytest.approx([3e-4, 3e-4, 3e-5, 3e-6, 3e-7, 3e-7])
    assert (stage.steps, stage.optimizer.options) == (800 * 78, {"weight_decay": 5e-4})


def test_paper_loss_is_equations_4_to_6():
    """Over the mean of a tracklet's clips, whatever the encoder; Eq. 4 as a mean, as its module says."""
    parts = registry_of(temporal_modeling, pooling, flip, resnet, cross_entropy, triplet, mean)
    method = replace(METHODS["mean-pooling"]("paper"), encoder=part("resnet", depth=8), size=(64, 32))
    torch.manual_seed(0)
    assembled, pids = build(method, parts, identities=5), [3, 3, 0, 0, 4, 4]
    losses = assembled.losses.double()
    classifier = losses["cross-entropy"].classifier
    torch.nn.init.normal_(classifier.weight)
    features = assembled.model.double().eval().features(torch.rand(12, 2, 3, 64, 32).double())
    features = features._replace(embedding=features.embedding / 4)  # so that triplets lie around the margin
    batch = Batch(pad_features([features], [2] * 6), torch.tensor(pids), torch.zeros(6), assembled.stages[0].matcher)
    f = features.embedding.unflatten(0, (6, 2)).mean(1)  # section 3.3
    margins = naive_triplet(f, pids, lambda a, b: ((a - b) @ (a - b)).sqrt())
    assert margins > 0
    expected = naive_cross_entropy(f @ classifier.weight.T + classifier.bias, pids) + margins
    torch.testing.assert_close(objective(assembled, 0, batch), expected)


NETWORKS = ("fc", "temporal-conv")


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


@pytest.mark.parametrize(("preset", "depth"), [("paper", 50), ("small", 8)])
def test_a_row_s_parts_are_those_that_its_table_names(preset, depth):
    for name in METHODS:
        chosen = METHODS[name](preset).aggregator
        assert METHODS[name](preset).encoder == part("resnet3d" if "3d" in name else "resnet", depth=depth), name
        hidden = int(name.rpartition("-h")[2]) if "-h" in name else 512
        widths = {"temporal-attention": {"width": 256}, "recurrent": {"hidden": hidden}}
        assert widths.get(chosen.name, {}).items() <= chosen.options.items(), name
        expected, options = AGGREGATORS.get(name, ("average", {}))
        assert chosen.name == expected, name
        assert options.items() <= chosen.options.items(), name
        assert "divide" not in chosen.options  # the layer's default: as printed


EIGHT = ("max-pooling", "gru", "lstm-h", "lstm-last")  # printed for T = 8


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_systems_have_the_frames_of_their_table(preset):
    for name in METHODS:
        method = METHODS[name](preset)
        T = 8 if name.startswith(EIGHT) else {"image-baseline": 1, "image-averaged": 1}.get(name, 4)
        if "-t" in name and not name.startswith("temporal"):
            T = int(name.rpartition("-t")[2])
        [stage] = method.stages
        assert (method.test.T, stage.clipping.T) == (T, T), name
        assert (stage.P, stage.K) == (8, 4)


@pytest.mark.parametrize("name", SYSTEMS)
def test_parameters_of_every_variant(name):
    """Behind the encoders' 23,508,032 and 46,198,976, by hand."""
    parts = {"average": Average, "max": Max, "temporal-attention": TemporalAttention, "recurrent": Recurrent}
    chosen = METHODS[name]("paper").aggregator
    spatial = 2048 * 7 * 4 * 256 + 256
    hidden = int(name.rpartition("-h")[2]) if "-h" in name else 512
    gates = 4 if name.startswith("lstm") else 3 if name == "gru" else 0
    expected = gates * hidden * (2048 + hidden + 2)
    if name.startswith("temporal"):
        expected = spatial + (3 * 256 if name.endswith("conv") else 256) + 1
    built = parts[chosen.name]((2048, 7, 4), **chosen.options)
    assert sum(p.numel() for p in built.parameters()) == expected
    encoder = METHODS[name]("paper").encoder
    assert (encoder.name, encoder.options["depth"]) == ("resnet3d" if name.startswith("3d") else "resnet", 50)
