"""What a row of a paper's ablation changes against the row that it is compared with, and that it changes nothing else.

The recipes are compared setting by setting, with every default of every part.
"""

from fnmatch import fnmatchcase
from itertools import combinations

import pytest
from recipes import recipe

PRESETS = ("paper", "small")
T = "test.T train.0.clipping.T"
REGION = "aggregator.name aggregator.options.parts aggregator.options.rows aggregator.options.columns"
# method, the one that it is compared with, and the settings in which they differ. `fit` and `train` are the stages of
# these kinds; `around` is a part that has another one inside, whose settings are compared without it.
ABLATIONS = [
    # 000 is not here: its methods differ in stages and corruption, which its own tests compare.
    # Li et al. 2020, Table 1
    ("tacan-triplet", "tacan-baseline", "losses.triplet.* train.0.losses.triplet"),
    ("tacan-attention", "tacan-triplet", "aggregator.*"),
    ("tacan-clip-attention", "tacan-attention", "aggregator.around.* matcher.*"),
    ("tacan", "tacan-clip-attention", "losses.min-max.* train.0.losses.min-max"),
    ("tacan-senet", "tacan", "encoder.*"),
    # its controls
    ("tacan-embedding", "tacan-clip-attention", "aggregator.around.options.weight"),
    ("tacan-tracklets", "tacan", "train.0.clipping.clips"),
    # Isobe et al. 2020, Table 1: models 1 to 4, each with each
    ("ica-baseline-synchronous", "ica-baseline", "train.*.augment.*.around.name"),
    ("ica-asynchronous", "ica-baseline", "aggregator.*"),
    ("ica", "ica-baseline", "aggregator.* train.*.augment.*.around.name"),
    ("ica-asynchronous", "ica-baseline-synchronous", "aggregator.* train.*.augment.*.around.name"),
    ("ica", "ica-baseline-synchronous", "aggregator.*"),
    ("ica", "ica-asynchronous", "train.*.augment.*.around.name"),
    # Table 2, and the control
    ("ica-inception-v3", "ica", "encoder.*"),
    ("ica-alexnet", "ica", "encoder.* aggregator.options.middle aggregator.options.dim"),  # its maps are narrower
    *(
        (f"ica-baseline-{backbone}", "ica-baseline-synchronous", "encoder.*")
        for backbone in ("alexnet", "inception-v3")
    ),
    (
        "ica-bn-neck",
        "ica-baseline-synchronous",
        "aggregator.name losses.triplet.options.[om]*",
    ),
    # Wu et al. 2019, Table III
    ("personvlad-stripes", "personvlad", REGION),
    ("personvlad-grid", "personvlad", REGION),
    ("personvlad-grid", "personvlad-stripes", "aggregator.options.columns"),
    ("personvlad-stripes-pooled", "personvlad-stripes", "aggregator.options.descriptors"),
    ("personvlad-grid-pooled", "personvlad-grid", "aggregator.options.descriptors"),
    ("personvlad-global-pooling", "personvlad", "aggregator.* matcher.options.normalize fit.* train.0.freeze"),
    # Tables IV, IX and VII, Fig. 10
    *((f"personvlad-b{parts}", "personvlad", "aggregator.options.parts") for parts in (1, 2, 4, 8)),
    ("personvlad-b6", "personvlad", ""),
    ("personvlad-xqda", "personvlad", "matcher.* fit.matcher.*"),
    *((f"two-stream-{fusion}", "two-stream-average", "aggregator.options.fusion") for fusion in ("max", "multiply")),
    *((f"personvlad-oim{size}", "personvlad", "losses.oim.options.subsample") for size in (10, 100, 1000)),
    # Gao and Nevatia 2018, Table 1
    ("3d-cnn-t8", "3d-cnn", T),
    # Table 2
    ("max-pooling", "mean-pooling-t8", "aggregator.name"),
    # Table 3
    ("image-averaged", "mean-pooling", T),
    ("image-baseline", "image-averaged", "test.sampler"),
    *((f"mean-pooling-t{frames}", "mean-pooling", T) for frames in (2, 8)),
    # Tables 4 and 5
    ("temporal-attention", "mean-pooling", "aggregator.*"),
    ("temporal-attention-sigmoid", "temporal-attention", "aggregator.options.weighting"),
    ("temporal-attention-conv", "temporal-attention", "aggregator.options.network"),
    # Tables 6 to 9
    ("lstm-last", "lstm-t8", "aggregator.options.output"),
    *((f"lstm-last-h{width}", "lstm-last", "aggregator.options.hidden") for width in (1024, 2048)),
    *((f"lstm-h{width}", "lstm-t8", "aggregator.options.hidden") for width in (1024, 2048)),
    ("gru", "lstm-t8", "aggregator.options.cell"),
    *((f"lstm-t{frames}", "lstm", T) for frames in (2, 8, 16)),
]
# The rows that are the recipe of a preset itself.
SAME = {("personvlad-b6", "paper"), ("personvlad-b6", "small")}


def differences(registry, name, reference, preset):
    """The paths of the settings that only one of two methods has, or that they have with different values."""
    one, other = (recipe(registry, each, preset).items() for each in (name, reference))
    keys = [(path, repr(value)) for path, value in one], [(path, repr(value)) for path, value in other]
    return {path for path, _ in set(keys[0]) ^ set(keys[1])}


@pytest.mark.parametrize(("name", "reference", "allowed"), ABLATIONS, ids=[f"{row[0]} {row[1]}" for row in ABLATIONS])
def test_an_ablation_differs_in_what_it_is_about(registry, name, reference, allowed):
    patterns, matched = allowed.split(), set()
    for preset in PRESETS:
        found = differences(registry, name, reference, preset)
        assert bool(found) != ((name, preset) in SAME), preset
        matches = {path: [pattern for pattern in patterns if fnmatchcase(path, pattern)] for path in found}
        assert [path for path, by in matches.items() if not by] == [], preset
        matched |= {pattern for by in matches.values() for pattern in by}
    assert matched == set(patterns)  # the table allows nothing that does not differ


def test_a_changed_default_an_added_part_and_a_wrapper_are_seen(registry):
    """The comparison itself, on recipes that differ in known places."""
    assert differences(registry, "tacan", "tacan", "paper") == set()
    found = differences(registry, "tacan-clip-attention", "tacan-attention", "paper")
    around = {f"aggregator.around.{each}" for each in ("name", "options.dim", "options.weight")}
    assert found == around | {"matcher.name", "matcher.options.divide"}
    assert differences(registry, "tacan", "tacan-triplet", "paper") >= {"train.0.losses.min-max", "losses.min-max.name"}


@pytest.mark.parametrize("preset", PRESETS)
def test_the_four_models_of_ica_have_the_same_stages(registry, preset):
    """Models 1 to 4 differ pairwise in the wrapper of their augmentations, in the aggregator, or in both."""
    models = ("ica-baseline", "ica-baseline-synchronous", "ica-asynchronous", "ica")
    asynchronous, learned = {"ica-baseline", "ica-asynchronous"}, {"ica-asynchronous", "ica"}
    for one, other in combinations(models, 2):
        found = differences(registry, one, other, preset)
        wrapped = {path for path in found if path.endswith(".around.name")}
        assert bool(wrapped) == ((one in asynchronous) != (other in asynchronous))
        head = {path for path in found if path.startswith("aggregator.")}
        assert bool(head) == ((one in learned) != (other in learned))
        assert found == wrapped | head
