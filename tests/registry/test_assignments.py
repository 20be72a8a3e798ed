"""Parts swapped and structured values given with `--set`: small parts of its own, no torch."""

import json
from contextlib import suppress
from types import SimpleNamespace

import pytest

from vreid_bench import Clipping, Fit, InputError, Method, Schedule, Train, hookimpl, part
from vreid_bench.registry.assigned_values import Swept, split_values
from vreid_bench.registry.assignments import override, parse_options, parse_part
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import describe, list_places, settings

SOFT = part("soft")


def encoder(depth=18): ...
def pool(shape, parts=6): ...
def soft(shape, temperature=2.0): ...
def outer(shape, inner, dim=8): ...
def mean(dim, metric="euclidean"): ...
def loss(dims, identities, margin=0.3): ...
def weighed(shape, weights: dict | None = None, sizes: list[int] = (1, 2)): ...
def around(shape, inner=SOFT): ...
def typed(shape, gains: dict[str, float] = {"near": 1.0, "far": 2.0}, ranks={1: 0.5}): ...  # noqa: B006
def flip(p=0.5): ...
def crop(enlarge=1.1, p=1.0): ...


AGGREGATORS = {each.__name__: each for each in (pool, soft, outer, weighed, typed, around)}


class Fitted:
    def __init__(self, dim, ridge=0.1): ...
    def fit(self): ...


@pytest.fixture(scope="module")
def registry():
    hooks = {
        "vreid_encoders": hookimpl(lambda: {"net": encoder}),
        "vreid_aggregators": hookimpl(lambda: AGGREGATORS),
        "vreid_matchers": hookimpl(lambda: {"mean": mean, "fitted": Fitted}),
        "vreid_losses": hookimpl(lambda: {"triplet": loss, "oim": loss}),
        "vreid_augmentations": hookimpl(lambda: {"flip": flip, "crop": crop}),
    }
    return Registry([Plugin("test", SimpleNamespace(**hooks), "vreid-test", "1")])


@pytest.fixture
def method(registry):
    train = Train(
        Clipping("consecutive", 4),
        {"triplet": 1.0},
        10,
        4,
        2,
        Schedule("constant", 1e-3),
        augment=(part("flip", p=1.0),),
    )
    recipe = Method(
        part("net"),
        part("pool"),
        part("mean"),
        Clipping("dense", 4),
        (64, 32),
        losses={"triplet": part("triplet", margin=0.5)},
        stages=(train,),
    )
    return registry.resolve_method(recipe)


@pytest.mark.parametrize(
    ("assignments", "path", "settings", "applied"),
    [
        (["aggregator=soft"], "aggregator", {"name": "soft", "options": {"temperature": 2.0}}, {"aggregator": "soft"}),
        (
            ["aggregator=soft", "temperature=3"],
            "aggregator",
            {"name": "soft", "options": {"temperature": 3.0}},
            {"aggregator": "soft", "aggregator.temperature": 3.0},
        ),
        (
            ["parts=3", 'aggregator={"name": "soft", "options": {"temperature": 3.0}}'],
            "aggregator",
            {"name": "soft", "options": {"temperature": 3.0}},
            {"aggregator": {"name": "soft", "options": {"temperature": 3.0}}},
        ),
        (
            ['aggregator={"name": "outer", "options": {"inner": {"name": "soft"}}}', "inner=pool"],
            "aggregator",
            {"name": "outer", "options": {"dim": 8, "inner": {"name": "pool", "options": {"parts": 6}}}},
            {"aggregator": {"name": "outer", "options": {"inner": {"name": "soft"}}}, "aggregator.inner": "pool"},
        ),
        (["aggregator=pool"], "aggregator", {"name": "pool", "options": {"parts": 6}}, {}),
        (
            ["losses.triplet=oim"],
            "losses",
            {"triplet": {"name": "oim", "options": {"margin": 0.3}}},
            {"losses.triplet": "oim"},
        ),
        (["losses.triplet=triplet"], "losses", {"triplet": {"name": "triplet", "options": {"margin": 0.5}}}, {}),
        (["stages.0.augment=[]"], "stages.0.augment", [], {"stages.0.augment": []}),
        (
            ["augment=crop,flip"],
            "stages.0.augment",
            [{"name": "crop", "options": {"enlarge": 1.1, "p": 1.0}}, {"name": "flip", "options": {"p": 0.5}}],
            {"stages.0.augment": ["crop", "flip"]},
        ),
        (
            ["stages.0.augment.0=crop"],
            "stages.0.augment",
            [{"name": "crop", "options": {"enlarge": 1.1, "p": 1.0}}],
            {"stages.0.augment.0": "crop"},
        ),
        (
            ["stages.0.matcher=fitted"],
            "stages.0.matcher",
            {"name": "fitted", "options": {"ridge": 0.1}},
            {"stages.0.matcher": "fitted"},
        ),
        (
            ['optimizer.options={"weight_decay": 0.1}'],
            "stages.0.optimizer.options",
            {"weight_decay": 0.1},
            {"stages.0.optimizer.options": {"weight_decay": 0.1}},
        ),
        (
            ['stages.0.losses={"triplet": 2}'],
            "stages.0.losses",
            {"triplet": 2.0},
            {"stages.0.losses": {"triplet": 2.0}},
        ),
    ],
)
def test_a_part_or_a_structured_value_is_put_in_and_named(method, registry, assignments, path, settings, applied):
    changed, told = override(method, assignments, registry)
    assert told == applied
    assert look_up(describe(changed), path) == settings
    # what a record holds gives the same method again, as `run --from` needs
    stored = json.loads(json.dumps(told, sort_keys=True))
    again, retold = override(method, [f"{name}={json.dumps(value)}" for name, value in stored.items()], registry)
    assert (describe(again), retold) == (describe(changed), told)


def look_up(settings, path):
    for name in path.split("."):
        settings = settings[int(name) if isinstance(settings, list) else name]
    return settings


def test_a_stage_goes_without_a_matcher_of_its_own_again(method, registry):
    swapped, _ = override(method, ["stages.0.matcher=fitted"], registry)
    assert override(swapped, ["stages.0.matcher=null"], registry)[0] == method


def test_a_short_name_still_means_the_single_setting(method, registry):
    """`triplet` ends the path of a part and of a weight: as before, it is the weight."""
    _, told = override(method, ["triplet=0.5"], registry)
    assert told == {"stages.0.losses.triplet": 0.5}


def test_a_matcher_that_is_fitted_brings_its_stage_and_takes_it_away_again(method, registry):
    fitted, _ = override(method, ["matcher=fitted"], registry)
    assert fitted.stages[-1] == Fit("matcher", method.test)
    assert override(fitted, ["matcher=mean"], registry)[0].stages == method.stages


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("aggregator=sofd", "no aggregator is named 'sofd'; did you mean soft"),
        ("agregator=soft", "no setting 'agregator'; did you mean aggregator"),
        ("learning_speed=3", "no setting 'learning_speed'; `vreid-bench methods show NAME` lists those of a method"),
        ("pool.parts=3", "--set pool.parts: a part is named by its place in the recipe; write aggregator.parts$"),
        ("flip.p=1", "a part is named by its place in the recipe; write stages.0.augment.0.p$"),
        ("pool.part=3", "and aggregator has no option 'part'; it has aggregator.parts$"),
        (
            'parts={"a": 1}',
            "setting 'parts' of aggregator 'pool' of vreid-test takes a whole number, found {\"a\": 1}; change",
        ),
        ("stages.2.steps=9", r"'stages.2.steps'; did you mean .*; settings count stages from 0: stages.0 is stage 1"),
        ("losses.triplet=0.5", "got 0.5; the weight of a loss in a stage is stages.0.losses.triplet"),
        ("aggregator=3", "aggregator: expected the name of one of `vreid-bench list aggregators`.*got 3"),
        ("aggregator=null", "aggregator: expected the name.*got null"),
        ('aggregator={"nam": "soft"}', "aggregator: expected the name"),
        (
            'aggregator={"name": "soft", "options": {"temprature": 1}}',
            "no option 'temprature'; did you mean temperature",
        ),
        ("aggregator=outer", "aggregator 'outer' needs its option 'inner'"),
        ("stages.0.augment=3", "stages.0.augment: expected a list of augmentations"),
        ('stages.0.augment=["flop"]', "no augmentation is named 'flop'; did you mean flip"),
        ("stages.0.augment=[1]", "stages.0.augment: expected the name of one of"),
        ('stages.0.losses={"triplt": 1}', "a loss of stages.0.losses is 'triplt', expected one of triplet"),
        (
            'stages.0.losses={"triplet": "much"}',
            "stages.0.losses.triplet is 'much', expected a number",
        ),
        ('stages.0.losses={"triplet": NaN}', "expected a finite number as 'triplet'"),
        ("optimizer.options=3", "stages.0.optimizer.options: expected a table of names and values"),
        ("corruption.most=null", "stages.0.corruption.most: expected int, as in 0, got 'null'"),
        ("corruption.strength=null", "stages.0.corruption.strength: expected float, as in 5.0, got 'null'"),
        ("corruption.quality=null", "stages.0.corruption.quality: expected int, as in 20, got 'null'"),
        ("stages.0.P=null", "stages.0.P: expected int"),
        (f"margin={'9' * 5000}", "takes a number, found '999"),
        (f"stages.0.steps={'9' * 5000}", "stages.0.steps: expected a number of steps"),
        (f"stages.0.P={'[' * 99_999}", "stages.0.P: expected int"),
    ],
)
def test_what_cannot_be_put_in_is_one_sentence(method, registry, assignment, message):
    with pytest.raises(InputError, match=message):
        override(method, [assignment], registry)


def test_an_option_that_is_a_table_is_set_as_a_whole_by_its_names_and_to_null(method, registry):
    def set_all(*assignments):
        changed, told = override(method, ["aggregator=weighed", *assignments], registry)
        stored = json.loads(json.dumps(told, sort_keys=True))
        again, _ = override(method, [f"{name}={json.dumps(value)}" for name, value in stored.items()], registry)
        assert describe(again) == describe(changed)
        return changed.aggregator.options["weights"]

    whole = 'weights={"near": 0.5, "far": [1, 2]}'
    assert set_all(whole) == {"near": 0.5, "far": (1, 2)}
    assert set_all(whole, "weights.near=2") == {"near": 2.0, "far": (1, 2)}
    assert set_all(whole, 'weights={"far": 1}') == {"far": 1}
    assert set_all(whole, "weights=null") is None


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("weights=3", 'takes a table of names and values or null, found 3; change its value, as in {"a": 1}'),
        ('weights={"a.b": 3}', "aggregator.weights: expected names without spaces, dots and =, got 'a.b'"),
        ('weights={"a": {"": 3}}', "aggregator.weights.a: expected names without spaces, dots and =, got ''"),
        ('weights={"a": NaN}', "aggregator.weights: expected a finite number as 'a'"),
        ("sizes=3,4", "takes a list of whole numbers, found '3,4'; change its value, as in [3,4]"),
        ('sizes={"a": 1}', 'takes a list of whole numbers, found {"a": 1}; change its value, as in [3,4]'),
    ],
)
def test_a_wrong_table_or_list_is_one_sentence_with_its_form(method, registry, assignment, message):
    with pytest.raises(InputError) as told:
        override(method, ["aggregator=weighed", assignment], registry)
    assert message in str(told.value)


@pytest.mark.parametrize(
    "assignment", ['gains={"near": "much"}', 'aggregator.gains={"near": "much"}', "gains.near=much"]
)
def test_the_values_of_a_table_are_held_to_its_annotation_in_whole_and_one_by_one(method, registry, assignment):
    with pytest.raises(InputError) as told:
        override(method, ["aggregator=typed", assignment], registry)
    assert "setting 'gains' of aggregator 'typed' of vreid-test takes a table of names and numbers" in str(told.value)
    assert '"near": "much"' in str(told.value)
    assert str(told.value).endswith('change its value, as in {"a": 0.5}')


def test_a_value_of_a_table_may_be_any_number_where_it_is_annotated_so(method, registry):
    changed, _ = override(method, ["aggregator=typed", 'gains={"near": 1}', "gains.near=0.5"], registry)
    assert changed.aggregator.options["gains"] == {"near": 0.5}


def test_a_name_in_a_table_that_is_a_number_has_a_path(method, registry):
    changed, told = override(method, ["aggregator=typed", "ranks.1=0.25"], registry)
    assert changed.aggregator.options["ranks"] == {1: 0.25}
    assert told == {"aggregator": "typed", "aggregator.ranks.1": 0.25}


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["gains.near=2"], {"gains": {"near": 2.0, "far": 2.0}}),
        (['gains={"a": 3}', "gains.a=4"], {"gains": {"a": 4}}),
    ],
)
def test_a_part_alone_takes_the_paths_below_its_options(registry, options, found):
    assert parse_options("aggregators", "typed", options, registry) == found


def test_a_part_within_a_part_alone_is_set_as_in_a_recipe(registry):
    found = parse_options("aggregators", "around", ["inner.temperature=3"], registry)
    assert found == {"inner": part("soft", temperature=3.0)}
    found = parse_options("aggregators", "around", ["inner=pool", "inner.parts=2"], registry)
    assert found == {"inner": part("pool", parts=2)}
    assert parse_options("aggregators", "outer", ["dim=9"], registry) == {"dim": 9}  # `inner` has no default


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("aggregator.gains.near=2", "'typed' of vreid-test is tried alone, so write gains.near=2$"),
        (
            "gains.naer=2",
            "aggregator 'typed' of vreid-test has no setting 'gains.naer'; did you mean gains.near",
        ),
        ("gain=2", "aggregator 'typed' has no option 'gain'; did you mean gains"),
        ("gains.near=much", "setting 'gains' of aggregator 'typed' of vreid-test takes a table of names and numbers"),
    ],
)
def test_what_is_no_path_of_a_part_alone_is_one_sentence(registry, option, message):
    with pytest.raises(InputError, match=message):
        parse_options("aggregators", "typed", [option], registry)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("1,2", ["1", "2"]),
        ("[1], [1,2]", ["[1]", "[1,2]"]),
        ("null,[1,[2,3]]", ["null", "[1,[2,3]]"]),
        ('{"a": 1, "b": [2,3]},{}', ['{"a": 1, "b": [2,3]}', "{}"]),
        ('"a,b",c', ['"a,b"', "c"]),
        (r'"a\",[",b', [r'"a\",["', "b"]),
        ('5",6', ['5"', "6"]),
        ("", [""]),
    ],
)
def test_values_stand_between_the_commas_outside_brackets_and_quotes(text, values):
    assert split_values(text) == values


def test_a_part_in_one_text_takes_lists(registry):
    assert parse_part("aggregators", 'weighed:sizes=[3,4],weights={"a": 1, "b": 2}', registry).options == {
        "sizes": (3, 4),
        "weights": {"a": 1, "b": 2},
    }


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("p=1", "--sweep: 'p' fits several settings, write one of"),
        ("agregator=soft", "--sweep: the recipe has no setting 'agregator'; did you mean aggregator"),
        ("stages.0.P=few", "--sweep stages.0.P: expected int"),
        (
            "parts=few",
            "--sweep parts=few: setting 'parts' of aggregator 'pool' of vreid-test takes a whole number, found",
        ),
    ],
)
def test_what_a_sweep_cannot_put_in_is_told_of_that_option(method, registry, assignment, message):
    two = override(method, ["stages.0.augment=crop,flip"], registry)[0]
    with pytest.raises(InputError) as told:
        override(two, [Swept(assignment)], registry)
    assert str(told.value).startswith(message)


def test_every_place_of_a_part_is_listed(method, registry):
    nested, _ = override(method, ['aggregator={"name": "outer", "options": {"inner": {"name": "soft"}}}'], registry)
    assert [(place.path, place.kind) for place in list_places(nested)] == [
        ("encoder", "encoders"),
        ("aggregator", "aggregators"),
        ("aggregator.inner", "aggregators"),
        ("matcher", "matchers"),
        ("losses.triplet", "losses"),
        ("stages.0.augment", "augmentations"),
        ("stages.0.augment.0", "augmentations"),
        ("stages.0.matcher", "matchers"),
    ]


def test_no_setting_of_a_shipped_method_fails_on_null():
    installed = Registry.installed()
    for name in ("clip-top", "tacan", "personvlad", "3d-cnn"):
        shipped = installed.build_method(installed.entry("methods", name), "small")
        paths = [*dict(settings(shipped)), *(place.path for place in list_places(shipped))]
        assert len(paths) >= 50
        for path in paths:
            with suppress(InputError):
                override(shipped, [f"{path}=null"], installed)
