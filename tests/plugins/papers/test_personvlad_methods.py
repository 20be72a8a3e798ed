"""The methods of 3D PersonVLAD: recipes as printed, and the tables."""

import pytest
import torch

from vreid_bench import Fit
from vreid_bench.training.learning import learning_rate
from vreid_plugins.personvlad import (
    METHODS,
    C3dHead,
    PersonVlad,
    vreid_aggregators,
)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # 257 a part detector, 513 a word, less than C3D's at the printed widths
        ("personvlad", 6 * 257 + 64 * 513),
        *((f"personvlad-b{parts}", parts * 257 + 64 * 513) for parts in (1, 2, 4, 8)),
        *((f"personvlad-{regions}", 64 * 513) for regions in ("stripes", "stripes-pooled", "grid", "grid-pooled")),
        ("personvlad-global-pooling", 6 * (257 + 2 * 256 * 256)),
    ],
)
def test_parameters_of_every_variant(name, parameters):
    chosen = METHODS[name]("paper").aggregator
    built = vreid_aggregators()[chosen.name]((256, 6, 3), **chosen.options)
    assert sum(p.numel() for p in built.parameters()) == parameters


@pytest.mark.parametrize(
    ("name", "descriptors"),
    [
        ("personvlad", 6 * 6 * 3),
        ("personvlad-stripes", 10 * 3),  # two rows of six lie in one stripe, and four in two
        ("personvlad-grid", 10 * 7),  # columns of three lie in 2, 3 and 2 cells
        ("personvlad-stripes-pooled", 5),
        ("personvlad-grid-pooled", 25),
    ],
)
def test_descriptors_of_a_clip_at_the_papers_frame_size(name, descriptors):
    """16 frames of 180 x 90 leave one map of 6 x 3 places."""
    chosen = METHODS[name]("paper").aggregator
    built = vreid_aggregators()[chosen.name]((256, 6, 3), **chosen.options)
    assert built.part_features(torch.rand(1, 1, 256, 6, 3)).shape == (1, descriptors, 256)


@pytest.mark.parametrize("name", ["personvlad", "personvlad-stripes"])
def test_layers_of_the_branches_keep_the_length_of_the_vector(name):
    """K D = 16,384, so they have D outputs; their number is not printed, III-B a has two."""
    chosen = METHODS[name]("paper").aggregator
    built = vreid_aggregators()[chosen.name]((256, 6, 3), **chosen.options, fully_connected=True)
    assert built(torch.rand(1, 1, 256, 6, 3)).shape == (1, 16_384)
    parts = 6 if name == "personvlad" else 5
    assert sum(p.numel() for p in built.branches.parameters()) == parts * 2 * 256**2


def test_parameters_of_the_c3d_baseline():
    method = METHODS["c3d-baseline"]("paper")
    assert method.encoder.options == {}  # C3D's own widths, not PersonVLAD's
    head = C3dHead((512, 6, 3), **method.aggregator.options)
    assert sum(p.numel() for p in head.parameters()) == (512 * 18 + 1) * 4096 + 4097 * 4096


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_variants_change_one_thing(preset):
    base = METHODS["personvlad"](preset)
    for name, factory in METHODS.items():
        method = factory(preset)
        assert method.test == base.test, name
        if (name, preset) != ("c3d-baseline", "paper"):  # whose published fc6 fits one size of frames
            assert method.size == base.size, name
        fields = ("encoder", "aggregator", "matcher", "losses", "stages")
        changed = {field for field in fields if getattr(method, field) != getattr(base, field)}
        if name == "personvlad":
            assert changed == set()
        elif "oim" in name:
            assert changed == {"losses"}
            assert method.losses["oim"].options["subsample"] == int(name.rpartition("oim")[2])
        elif name == "personvlad-xqda":
            assert changed == {"matcher", "stages"}
            assert method.matcher.name == "xqda"
            assert method.stages[:-1] == base.stages
            assert method.stages[-1] == Fit("matcher", method.test)
        elif name == "personvlad-b6":
            assert changed == set()  # what it has anyway
        elif name.startswith(("personvlad-b", "personvlad-s", "personvlad-grid")):
            assert changed == {"aggregator"}
    pooled = METHODS["personvlad-global-pooling"](preset)
    assert [(s.steps, s.schedule) for s in pooled.stages] == [(s.steps, s.schedule) for s in base.stages[1:]]
    assert all(s.freeze == () for s in pooled.stages)
    assert pooled.matcher.options == {"metric": "euclidean", "normalize": True}  # as PersonVLAD's unit vectors are


def test_the_epsilon_for_unit_vectors_is_not_the_c3d_baseline_s():
    """With 1e-4 the gradients of an evenly unsure classifier are too small to move it."""
    [stage] = METHODS["c3d-baseline"]("paper").stages
    assert "eps" not in stage.optimizer.options
    assert METHODS["personvlad"]("paper").stages[-1].optimizer.options["eps"] == 1e-4


def test_paper_recipe_is_the_printed_one():
    """Section III-C and the clips of IV-B."""
    method = METHODS["personvlad"]("paper")
    assert method.size == (180, 90)
    assert method.encoder.options == {"widths": (64, 128, 256, 256, 256)}
    assert method.aggregator.options == {"parts": 6, "words": 64, "alpha": 1000.0}
    assert method.losses["oim"].options == {"temperature": 0.1, "queue_size": 5000}
    assert method.matcher.options == {"metric": "euclidean"}
    assert (method.test.sampler, method.test.T, method.test.step) == ("dense", 16, 8)
    words, first, second = method.stages
    assert isinstance(words, Fit)
    assert words.part == "aggregator"
    built = {f"aggregator.{name}" for name, _ in PersonVlad((256, 6, 3)).named_parameters()}
    assert set(first.freeze) == {name for name in built if "detector" not in name}
    assert first.train == second.train == ("*",)
    assert second.freeze == ()
    for stage in (first, second):
        assert (stage.P * stage.K, stage.clipping.sampler, stage.clipping.T) == (15, "consecutive", 16)
        assert (stage.optimizer.name, stage.optimizer.options) == ("Adam", {"eps": 1e-4})
        assert [(each.name, each.options) for each in stage.augment] == [("flip", {"p": 0.5})]
    assert first.steps == 50_000
    rates = [learning_rate(first.schedule, step, first.steps) for step in (0, 999, 1000, 2500, 49_999)]
    assert rates == pytest.approx([0.003, 0.003, 0.0015, 0.00075, 0.003 / 2**49])
    assert {learning_rate(second.schedule, step, second.steps) for step in (0, 49_999)} == {1e-4}


def test_grids_and_stripes_are_five_by_five_and_five():
    shapes = {"stripes": (5, 1), "stripes-pooled": (5, 1), "grid": (5, 5), "grid-pooled": (5, 5)}
    for name, expected in ((f"personvlad-{regions}", shape) for regions, shape in shapes.items()):
        for preset in ("paper", "small"):
            options = METHODS[name](preset).aggregator.options
            assert (options["rows"], options["columns"]) == expected


@pytest.mark.parametrize(
    ("name", "dataset", "R1"),
    [
        ("personvlad", "mars", []),  # the paper never queries as MARS does
        ("personvlad", "mars-tracklet-selection", [0.808, 0.808, 0.741, 0.802]),
        ("personvlad", "mars-to-ilids-vid", [0.563]),
        ("personvlad", "mars-to-ilids-vid-fine-tuned", [0.694]),
        ("personvlad", "mars-to-prid2011", [0.717]),
        ("personvlad", "mars-to-prid2011-fine-tuned", [0.876]),
        ("personvlad-stripes", "mars-tracklet-selection", [0.683]),
        ("personvlad-stripes-pooled", "mars-tracklet-selection", []),
        ("personvlad-grid", "mars-tracklet-selection", [0.671]),
        ("personvlad-global-pooling", "mars-tracklet-selection", [0.748]),
        ("personvlad-b1", "mars-half", [0.747]),
        ("personvlad-b2", "mars-half", [0.764]),
        ("personvlad-b4", "mars-half", [0.778]),
        ("personvlad-b6", "mars-half", [0.808]),
        ("personvlad-b8", "mars-half", [0.788]),
        ("c3d-baseline", "mars-tracklet-selection", [0.589]),
        ("c3d-baseline", "mars-to-prid2011-fine-tuned", [0.738]),
        ("personvlad-xqda", "mars-tracklet-selection", [0.828]),
        ("personvlad-xqda", "mars-to-ilids-vid-fine-tuned", [0.707]),
        ("personvlad-oim10", "mars-tracklet-selection", []),
    ],
)
def test_rows_of_the_tables_stand_beside_their_system_and_the_papers_own_test(name, dataset, R1):
    for preset in ("paper", "small"):
        rows = METHODS[name](preset).reported
        assert [r.value for r in rows if (r.dataset, r.metric) == (dataset, "R1")] == R1
        assert all("not comparable" in r.note for r in rows if r.dataset.startswith("mars-to-"))


def test_table_2_stands_under_the_conditions_of_its_protocol(registry):
    printed = {"random against all": 0.808, "random against random": 0.741, "all against all": 0.802}
    rows = METHODS["personvlad"]("paper").reported
    assert {row.condition: row.value for row in rows if row.condition} == printed
    assert printed.keys() <= set(registry.get("protocols", "mars-tracklet-selection").conditions)


@pytest.mark.parametrize("name", ["personvlad", "personvlad-xqda", "c3d-baseline"])
def test_an_mAP_below_what_its_ranks_allow_is_called_impossible(name):
    """With one match, a query of rank r has an AP of 1 / r: 1 at rank 1, and 1/5 or more up to rank 5."""
    rows = [r for r in METHODS[name]("paper").reported if r.dataset == "mars-tracklet-selection" and not r.condition]
    value = {row.metric: row.value for row in rows}
    assert value["mAP"] < value["R1"] + (value["R5"] - value["R1"]) / 5
    assert ["impossible under this protocol" in row.note for row in rows] == [row.metric == "mAP" for row in rows]


def test_quoted_rows_are_all_there():
    rows = METHODS["personvlad"]("paper").quoted
    tables = {}
    for row in rows:
        tables.setdefault(row.where.partition(",")[0], set()).add(row.where)
    assert {table: len(names) for table, names in tables.items()} == {
        "Table VII": 3,
        "Table VIII": 6,
        "Table IX": 12,
    }
    assert [r.value for r in rows if (r.where, r.dataset, r.metric) == ("Table IX, JST", "mars", "mAP")] == [0.507]
    assert not any(r.dataset == "mars" for r in rows if r.where == "Table IX, TDL")
    assert not any(METHODS[name]("paper").quoted for name in METHODS if name != "personvlad")
