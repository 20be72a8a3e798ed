"""Every method under the protocols of its paper: each trains a step, is tested and writes its record."""

from functools import cache

import pytest
from breadth import EVERY, outline
from short_run import record_of, shorten

from vreid_bench.planning.protocols import find_protocol
from vreid_bench.registry.registry import Registry

TRANSFERS = tuple(f"mars-to-{target}{tuned}" for target in ("ilids-vid", "prid2011") for tuned in ("", "-fine-tuned"))
# Whose data sets and tables these are, by the first author of the paper.
PAPERS = {
    "Gao": ("mars",),  # Tables 1 to 10
    "Isobe": ("mars", "ilids-vid", "ilids-vid-to-prid2011"),  # Tables 1 to 3, and 4
    "Li": ("mars", "ilids-vid", "prid2011", "duke-video"),  # Tables 1 to 3, 4, and 5
    "Matiyali": ("mars", "mars-corruption", "duke-video", "prid2011"),  # Tables 1, 3 and 6, 2, 4, and 5
    # Tables III, V, VII to IX, II, IV, and VI
    "Wu": ("mars", "mars-tracklet-selection", "mars-half", *TRANSFERS),
}
REGISTRY = Registry.installed()
METHODS = [entry.name for entry in REGISTRY.entries("methods")]


@cache
def recipe(name):
    return REGISTRY.entry("methods", name).build_method("small")


def find(protocol):
    return find_protocol(REGISTRY.values("protocols"), protocol)


def datasets(protocols):
    return {name for each in map(find, protocols) for name in (each.dataset, each.test_dataset)}


def paper_of(method):
    return PAPERS[method.paper.split()[0].rstrip(",")]


@pytest.mark.parametrize("name", METHODS)
def test_a_paper_reports_under_protocols_that_there_are_on_its_data_sets(name):
    method = recipe(name)
    assert datasets(method.protocols) <= datasets(paper_of(method))


def test_personvlad_begins_with_its_classifier_if_its_loss_has_one(tiny_mars, tmp_path, cli_json):
    """Step 1 as printed, with another loss than OIM, and with fully connected layers on each branch."""
    changes = ("losses.oim=cross-entropy", 'stages.1.train=["loss.*"]')
    changes += ("aggregator.fully_connected=true",)
    command = ("run", "--plugin", "personvlad", "--preset", "small", "--data", tiny_mars, "--runs", tmp_path, "-q")
    settings = (word for change in changes for word in ("--set", change))
    record = record_of(cli_json(*command, *shorten(recipe("personvlad")), *settings))
    assert record.method.recipe["stages"][1]["train"] == ["loss.*"]
    assert record.method.recipe["aggregator"]["options"]["fully_connected"] is True


def find_first(name):
    """The first method of the same paper that has the same parts, losses and stages but for numbers in them."""
    method = recipe(name)
    kind = outline((method.paper, method.encoder, method.aggregator, method.matcher, method.losses, method.stages))
    return FIRST.setdefault(kind, name)


FIRST = {}
FIRST_OF = {name: find_first(name) for name in METHODS}


def choose_protocols(name):
    """All of its paper; or its own alone (the paper's first, if it has none), if another method is like it.

    `personvlad-b4` is `personvlad` with a 4 for a 1: the workflow `weekly` runs those under all protocols, too.
    """
    method = recipe(name)
    paper = paper_of(method)
    if EVERY or FIRST_OF[name] == name:
        return sorted({*paper, *method.protocols})
    return sorted(method.protocols or paper[:1])


def test_each_kind_of_method_runs_under_every_protocol_and_each_method_under_its_own():
    for name in METHODS:
        chosen, first, method = set(choose_protocols(name)), FIRST_OF[name], recipe(name)
        assert chosen >= set(method.protocols)
        assert chosen
        assert set(choose_protocols(first)) >= set(paper_of(method))
    assert len(set(FIRST_OF.values())) > 40


@pytest.mark.parametrize("name", METHODS)
def test_a_method_runs_under_every_protocol_of_its_paper(name, tiny_shelf, tmp_path, cli_json, monkeypatch):
    monkeypatch.setattr(Registry, "installed", lambda: REGISTRY)  # read once, and not for each of some 230 runs
    monkeypatch.setenv("VREID_DATA", str(tiny_shelf))
    method = recipe(name)
    for protocol in choose_protocols(name):
        splits = ("--splits", "0") if protocol.startswith(("ilids", "prid", "mars-half", "mars-to")) else ()
        command = ("run", "--plugin", name, "--preset", "small", "--protocol", protocol, "--runs", tmp_path, "-q")
        record = record_of(cli_json(*command, *splits, *shorten(method)))
        assert (record.method.name, record.protocol.name) == (name, protocol)
