"""The rooms of the harness, their order as CONTRIBUTING.md lists it, and what may import what."""

import import_graph
import pytest
from import_graph import HARNESS, PLUGINS, room
from places import ROOT, TESTS

ROOMS = import_graph.rooms_listed((ROOT / "CONTRIBUTING.md").read_text())
BESIDE = ("plugins", "gpu", "docs")  # folders of tests that belong to no room


@pytest.fixture(scope="module")
def harness():
    return import_graph.modules(ROOT / "harness" / HARNESS)


@pytest.fixture(scope="module")
def sources(harness):
    return harness | import_graph.modules(ROOT / "plugins" / PLUGINS)


@pytest.fixture(scope="module")
def found(sources):
    return import_graph.imports(sources)


def lines(faults):
    """All findings at once, a line each, for the message of an assertion."""
    return "\n".join(["", *faults])


def test_every_room_is_listed_and_every_listed_room_exists(harness):
    faults = import_graph.room_faults(harness, ROOMS)
    assert not faults, lines(faults)


def test_a_room_imports_only_rooms_above_it(found):
    faults = import_graph.order_faults(found, ROOMS)
    assert not faults, lines(faults)


def test_no_imports_run_in_a_circle(found):
    faults = import_graph.circles(found)
    assert not faults, lines(faults)


def test_there_are_at_most_sixteen_rooms_on_ten_floors(found):
    assert 0 < len(ROOMS) <= 16
    assert import_graph.floors(found, ROOMS) <= 10


def test_the_harness_imports_neither_its_own_door_nor_a_plugin(found):
    faults = import_graph.door_faults(found)
    assert not faults, lines(faults)


def test_plugins_import_the_public_door_and_no_paper(found, sources):
    faults = import_graph.plugin_faults(found, sources)
    assert not faults, lines(faults)


def test_every_op_in_csrc_keeps_to_its_folder():
    faults = import_graph.include_faults(ROOT / "csrc")
    assert not faults, lines(faults)


def test_every_test_lies_in_the_folder_of_a_room():
    faults = import_graph.homeless_tests(TESTS, {*ROOMS, *BESIDE})
    assert not faults, lines(faults)


def test_every_public_name_has_a_docstring(harness):
    faults = import_graph.undocumented(harness, HARNESS, import_graph.public_names(harness[HARNESS]))
    assert not faults, lines(faults)


def test_nobody_but_run_is_given_the_whole_run(harness):
    faults = import_graph.parameters_of_type({name: f for name, f in harness.items() if room(name) != "run"}, "Run")
    assert not faults, lines(faults)
