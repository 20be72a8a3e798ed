"""The plugin door: who may come in, and what each refusal says."""

from functools import partial
from importlib.metadata import version
from types import SimpleNamespace

import pytest

from vreid_bench import Family, InputError, hookimpl, part
from vreid_bench.contracts import hookspecs
from vreid_bench.registry import plugins as plugins_module
from vreid_bench.registry.entry import KINDS
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry


def plugin(name, distribution="vreid-stranger", **hooks):
    module = SimpleNamespace(**{hook: hookimpl(function) for hook, function in hooks.items()})
    return Plugin(name, module, distribution, "1.2")


class Widget:
    """Makes things wide.

    Second paragraph.
    """

    def __init__(self, shape, width=3, inner=None):
        self.shape, self.width, self.inner = shape, width, inner


def aggregators(**values):
    return lambda: values


class FakePoint:
    """An entry point of a distribution, without installing one."""

    def __init__(self, name, distribution, module):
        self.name, self.module, self.value, self._module = name, "not_installed", "not_installed", module
        self.dist = SimpleNamespace(name=distribution, version="0.1")

    def load(self):
        if isinstance(self._module, Exception):
            raise self._module
        return self._module


@pytest.fixture
def installed(monkeypatch):
    def install(*points):
        monkeypatch.setattr(plugins_module, "entry_points", lambda group: points)

    monkeypatch.delenv("VREID_PLUGINS", raising=False)
    return install


def test_an_entry_knows_its_summary_and_its_distribution():
    registry = Registry([plugin("wide", vreid_aggregators=aggregators(widget=Widget))])
    [entry] = registry.entries("aggregators")
    assert (entry.name, entry.summary) == ("widget", "Makes things wide.")
    assert (entry.plugin.distribution, entry.plugin.version) == ("vreid-stranger", "1.2")


def test_a_name_provided_twice_names_both_distributions():
    first = plugin("a", "vreid-one", vreid_aggregators=aggregators(widget=Widget))
    second = plugin("b", "vreid-two", vreid_aggregators=aggregators(widget=Widget))
    with pytest.raises(InputError, match=r"aggregator 'widget'.*vreid-one.*vreid-two"):
        Registry([first, second])


def test_the_same_name_under_two_kinds_is_no_collision():
    both = plugin("a", vreid_aggregators=aggregators(widget=Widget), vreid_losses=aggregators(widget=Widget))
    assert {entry.kind for entry in Registry([both]).entries()} == {"aggregators", "losses"}


def test_two_distributions_with_one_plugin_name_are_refused():
    with pytest.raises(InputError, match=r"'same'.*vreid-one.*vreid-two"):
        Registry([plugin("same", "vreid-one"), plugin("same", "vreid-two")])


def test_an_unknown_name_suggests_near_ones():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(personvlad=Widget))])
    with pytest.raises(InputError, match=r"no aggregator is named 'persnvlad'; did you mean personvlad\?"):
        registry.get("aggregators", "persnvlad")


def test_a_misspelled_hook_is_refused_with_its_distribution():
    with pytest.raises(InputError, match=r"vreid-typo.*vreid_agregators"):
        Registry([plugin("typo", "vreid-typo", vreid_agregators=aggregators(widget=Widget))])


def test_a_surplus_hook_argument_is_refused_with_its_distribution():
    def surplus(config):
        return {}

    with pytest.raises(InputError, match=r"vreid-surplus: found surplus\(config\), expected no argument; write def"):
        Registry([plugin("surplus", "vreid-surplus", vreid_losses=surplus)])


def test_a_hook_that_returns_no_mapping_is_refused_with_its_distribution():
    with pytest.raises(InputError, match=r"vreid-list.*vreid_losses must return a mapping.*list"):
        Registry([plugin("list", "vreid-list", vreid_losses=lambda: ["widget"])])


def test_a_hook_that_fails_is_named_with_its_distribution():
    def hook():
        return {"widget": [][0]}

    with pytest.raises(InputError, match=r"vreid_losses of plugin 'list' of vreid-list failed \(IndexError: list"):
        Registry([plugin("list", "vreid-list", vreid_losses=hook)])


def test_a_hook_that_refuses_or_fails_is_named_once():
    for fault in (InputError("no version"), TypeError("missing argument")):

        def hook(fault=fault):
            raise fault

        with pytest.raises(InputError, match=str(fault)) as caught:
            Registry([plugin("list", "vreid-list", vreid_losses=hook)])
        assert str(caught.value).count("vreid_losses of plugin 'list' of vreid-list") == 1


def test_a_plugin_that_cannot_be_imported_stops_with_its_distribution(installed):
    installed(FakePoint("broken", "vreid-broken", ImportError("no module named cupy")))
    with pytest.raises(
        InputError,
        match=r"'broken' of vreid-broken cannot be imported.*cupy.*or name the plugins to load in VREID_PLUGINS",
    ):
        Registry.installed()


@pytest.mark.parametrize(
    ("chosen", "expected"), [("a", {"x"}), ("vreid-two", {"y"}), ("a, b", {"x", "y"}), ("", {"x", "y"})]
)
def test_vreid_plugins_loads_only_what_it_names(installed, monkeypatch, chosen, expected):
    installed(
        FakePoint("a", "vreid-one", plugin("a", vreid_losses=aggregators(x=Widget)).module),
        FakePoint("b", "vreid-two", plugin("b", vreid_losses=aggregators(y=Widget)).module),
    )
    monkeypatch.setenv("VREID_PLUGINS", chosen)
    assert {entry.name for entry in Registry.installed().entries("losses")} == expected


def test_vreid_plugins_with_an_unknown_name_suggests_near_ones(installed, monkeypatch):
    installed(FakePoint("personvlad", "vreid-one", plugin("a").module))
    monkeypatch.setenv("VREID_PLUGINS", "personvald")
    with pytest.raises(InputError, match=r"'personvald'.*did you mean personvlad\?"):
        Registry.installed()


def test_resolving_fills_in_every_default():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(widget=Widget))])
    assert registry.resolve("aggregators", part("widget", width=5)).options == {"width": 5, "inner": None}


def test_an_unknown_option_suggests_near_ones():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(widget=Widget))])
    with pytest.raises(InputError, match=r"aggregator 'widget' has no option 'widht'; did you mean width\?"):
        registry.resolve("aggregators", part("widget", widht=5))


def test_what_the_harness_gives_is_not_an_option():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(widget=Widget))])
    with pytest.raises(InputError, match="no option 'shape'"):
        registry.resolve("aggregators", part("widget", shape=1))


def test_a_nested_part_arrives_as_a_factory():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(widget=Widget))])
    outer = registry.factory("aggregators", part("widget", inner=part("widget", width=7)))((1, 2, 3))
    assert outer.inner((4, 5, 6)).width == 7


def test_every_kind_has_a_hook():
    specs = {name for name in vars(hookspecs) if name.startswith("vreid_")}
    assert {f"vreid_{kind}" for kind in KINDS} <= specs


def family(distribution=""):
    return Family(lambda name: partial(Widget, inner=name), "Widgets by name.", distribution)


def test_a_family_makes_its_members_by_what_follows_the_colon():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(**{"w:": family()}))])
    assert registry.factory("aggregators", part("w:red.1", width=9))((1, 2, 3)).inner == "red.1"
    assert registry.resolve("aggregators", part("w:red")).options == {"width": 3, "inner": "red"}
    assert registry.entry("aggregators", "w:red").name == "w:red"
    assert [row.describe()["summary"] for row in registry.entries("aggregators")] == ["Widgets by name."]
    assert registry.find("aggregators", "v:red") is None
    with pytest.raises(InputError, match="the name after the colon must consist of lower-case"):
        registry.find("aggregators", "w:Red/../x")


def test_the_members_of_a_family_belong_to_whom_it_says():
    registry = Registry([plugin("a", vreid_aggregators=aggregators(**{"w:": family("click"), "v:": family()}))])
    assert registry.entry("aggregators", "w:red").plugin.distribution == "click"
    assert registry.entry("aggregators", "w:red").plugin.version == version("click")
    assert registry.entry("aggregators", "v:red").plugin.distribution == "vreid-stranger"
    registry = Registry([plugin("a", vreid_aggregators=aggregators(**{"w:": family("no-such-thing")}))])
    with pytest.raises(InputError, match=r"aggregator 'w:' of vreid-stranger failed .*no-such-thing"):
        registry.find("aggregators", "w:red")


def test_only_a_family_of_parts_has_a_colon_in_its_name():
    with pytest.raises(InputError, match=r"'widget:'.*expected lower-case letters"):
        Registry([plugin("a", vreid_aggregators=aggregators(**{"widget:": Widget}))])
    with pytest.raises(InputError, match=r"'widget'.*and a colon"):
        Registry([plugin("a", vreid_aggregators=aggregators(widget=family()))])
    with pytest.raises(InputError, match=r"'toy:'.*expected lower-case letters"):
        Registry([plugin("a", vreid_datasets=aggregators(**{"toy:": family()}))])
