"""Protocols: folds, transfer by name, words, and a fingerprint that every rule and no prose changes."""

import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from places import LEADERBOARD, ROOT

from vreid_bench import Corruption, Dataset, InputError, Protocol, Selection, Split, Tracklet
from vreid_bench.planning.folds import folds
from vreid_bench.planning.protocols import in_words, named, table, transfer
from vreid_bench.registry.registry import Registry

PLAIN = Protocol(
    name="a", version="1", dataset="a", headline="c", conventions=("c",), summary="", source="", holdout=0.0
)
OTHER = replace(PLAIN, name="b", dataset="b", headline="d", conventions=("d", "c"), variant="swapped")


@pytest.fixture(scope="module")
def registry():
    return Registry.installed()


def dataset(name, splits):
    """A dataset whose split k has people of its own."""

    def split(k):
        people = [10 * k + i for i in range(1, 9)]
        tracklets = [Tracklet((f"{name}{k}-{p}-{c}.jpg",), p, c) for p in people for c in (1, 2)]
        return Split(tuple(tracklets[:8]), tuple(tracklets[8:]), (0, 2), (1, 3))

    return Dataset(name, Path("/data") / name, tuple(split(k) for k in range(splits)), "unverified")


def test_a_plain_protocol_trains_and_tests_on_each_split():
    data = dataset("a", 3)
    found = folds(PLAIN, {"a": data})
    assert [fold.test for fold in found] == list(data.splits)
    assert [fold.lessons[0].tracklets for fold in found] == [split.train for split in data.splits]
    assert all(len(fold.lessons) == 1 and fold.lessons[0].rate == 1.0 for fold in found)


@pytest.mark.parametrize(("sources", "targets", "wanted"), [(1, 10, 10), (10, 10, 10), (10, 1, 10), (1, 1, 1)])
def test_transfer_pairs_split_k_with_split_k_and_a_single_split_with_all(sources, targets, wanted):
    data = {"a": dataset("a", sources), "b": dataset("b", targets)}
    found = folds(transfer(PLAIN, OTHER), data)
    assert len(found) == wanted
    for number, fold in enumerate(found):
        assert fold.test is data["b"].splits[number % targets]
        [lesson] = fold.lessons
        assert lesson.dataset is data["a"]
        assert lesson.tracklets == data["a"].splits[number % sources].train
        assert fold.train == lesson.tracklets


def test_fine_tuning_goes_on_with_the_targets_training_part():
    data = {"a": dataset("a", 1), "b": dataset("b", 2)}
    for number, fold in enumerate(folds(transfer(PLAIN, OTHER, 0.1), data)):
        first, second = fold.lessons
        assert (first.dataset.name, first.rate) == ("a", 1.0)
        assert (second.dataset.name, second.rate) == ("b", 0.1)
        assert fold.train == second.tracklets == data["b"].splits[number].train


def test_what_is_neither_trained_on_nor_asked_for_may_be_empty():
    """Direct transfer needs no training part of the target, and no test of the source."""
    a, b = dataset("a", 1), dataset("b", 1)
    a = replace(a, splits=(replace(a.splits[0], query=()),))
    b = replace(b, splits=(replace(b.splits[0], train=()),))
    assert len(folds(transfer(PLAIN, OTHER), {"a": a, "b": b})) == 1
    with pytest.raises(InputError, match="split 0 of b has no training tracklets"):
        folds(transfer(PLAIN, OTHER, 0.1), {"a": a, "b": b})
    with pytest.raises(InputError, match="split 0 of a has no queries"):
        folds(PLAIN, {"a": a})


def test_a_lesson_is_what_it_teaches_wherever_it_lies():
    here = folds(PLAIN, {"a": dataset("a", 2)})
    there = folds(PLAIN, {"a": replace(dataset("a", 2), root=Path("/elsewhere"), source="official")})
    assert [f.lessons[0].fingerprint for f in here] == [f.lessons[0].fingerprint for f in there]
    prints = {fold.lessons[0].fingerprint for fold in here}
    prints |= {replace(here[0].lessons[0], rate=0.1).fingerprint}
    assert len(prints) == 3


def test_any_two_protocols_transfer_by_name(registry):
    found = named(registry, "ls-vid-to-duke-video")
    assert (found.dataset, found.target, found.tested, found.headline) == (
        "ls-vid",
        "duke-video",
        "duke-video",
        "gallery-as-listed",
    )
    tuned = named(registry, "ls-vid-to-ilids-vid-dapeng-fine-tuned")
    assert (tuned.fine_tune, tuned.target_variant) == (0.1, "dapeng")
    corrupted = named(registry, "ilids-vid-to-mars-corruption")
    assert corrupted.conditions == named(registry, "mars-corruption").conditions


def test_what_papers_transfer_is_what_its_name_says(registry):
    listed = [entry.value for entry in registry.entries("protocols") if entry.value.target]
    assert {p.name for p in listed} == {
        "ilids-vid-to-prid2011",
        "mars-to-ilids-vid",
        "mars-to-ilids-vid-fine-tuned",
        "mars-to-prid2011",
        "mars-to-prid2011-fine-tuned",
    }
    for protocol in listed:
        first, second = protocol.name.removesuffix("-fine-tuned").split("-to-")
        general = transfer(registry.get("protocols", first), registry.get("protocols", second), protocol.fine_tune)
        assert (general.rules, general.counts) == (protocol.rules, protocol.counts)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ilids-vid-to-ilids-vid-dapeng", "both divide ilids-vid"),
        ("mars-to-mars-corruption", "both divide mars"),
        ("mars-to-prid2011-to-ls-vid", "mars-to-prid2011 is transfer already"),
        ("ls-vid-to-mars-dev", "mars-dev tests on training identities"),
        ("mars-to-lsvid", "no protocol is named 'mars-to-lsvid'"),
    ],
)
def test_transfer_that_says_nothing_is_refused(registry, name, words):
    with pytest.raises(InputError, match=words):
        named(registry, name)


RULES = {
    "version": "2",
    "dataset": "other",
    "headline": "d",
    "conventions": ("c", "d"),
    "holdout": 0.1,
    "variant": "v",
    "target": "t",
    "target_variant": "v",
    "fine_tune": 0.1,
    "corruption": Corruption("occlusion", "both", 0.5),
    "selection": Selection(),
}


def test_the_fingerprint_changes_with_every_rule_and_with_no_prose():
    prose = {f.name for f in fields(Protocol) if f.metadata.get("prose")}
    assert prose == {"summary", "source", "counts"}
    assert set(RULES) | prose | {"name"} == {f.name for f in fields(Protocol)}
    prints = {replace(PLAIN, **{name: value}).fingerprint for name, value in RULES.items()}
    assert len(prints | {PLAIN.fingerprint}) == 1 + len(RULES)
    same = replace(PLAIN, summary="s", source="s", counts={"queries": 1})
    assert same.fingerprint == PLAIN.fingerprint


@pytest.mark.parametrize(
    ("holder", "changes"),
    [
        (
            Corruption("low-resolution", "both", 0.5),
            {
                "kind": "occlusion",
                "side": "query",
                "strength": 0.6,
                "quality": 30,
                "clips": 4,
                "most": (0, 1),
                "seed": 1,
                "drawn": False,
            },
        ),
        (Selection(), {"pairs": (("all", "all"),), "repeats": 3, "seed": 1}),
    ],
)
def test_the_fingerprint_changes_with_every_field_of_an_option(holder, changes):
    assert set(changes) == {f.name for f in fields(holder)}
    field = type(holder).__name__.lower()
    options = [holder, *(replace(holder, **{name: value}) for name, value in changes.items())]
    assert len({replace(PLAIN, **{field: option}).fingerprint for option in options}) == len(options)


def test_a_younger_field_of_an_option_leaves_no_trace(registry):
    """The committed rows of corruption are older than `drawn`."""
    [row] = (LEADERBOARD / "records/mars-corruption").rglob("mean-pooling-small-seed0.json")
    entry = json.loads(row.read_text())["protocol"]
    protocol = named(registry, "mars-corruption")
    assert "drawn" not in protocol.rules["corruption"]
    assert (protocol.fingerprint, protocol.version) == (entry["fingerprint"], entry["version"])
    assert "drawn" in replace(protocol, corruption=replace(protocol.corruption, drawn=False)).rules["corruption"]


def test_every_installed_protocol_is_told_in_words_and_has_its_line(registry, cli, cli_json):
    protocols = [entry.value for entry in registry.entries("protocols")]
    lines = table(protocols).splitlines()
    assert len(lines) == 2 + len(protocols)
    for protocol, line in zip(protocols, lines[2:], strict=True):
        assert line.startswith(f"| `{protocol.name}` ")
        words = in_words(protocol)
        for count in protocol.counts.values():
            assert f"{count:,}" in words
    told = cli("protocols", "show", "mars-corruption-query").stdout
    assert "of query tracklets alone" in told
    assert "JPEG of quality 20" in told
    assert "8 of 8 clips" in cli("protocols", "show", "mars-shuffled-frames").stdout
    shown = cli_json("protocols", "show", "mars")
    assert shown["fingerprint"] == named(registry, "mars").fingerprint
    assert shown["counts"]["queries"] == 1980
    assert cli("protocols", "table").stdout == table(protocols) + "\n"


def test_the_docs_have_the_table_that_the_protocols_give(registry):
    page = (ROOT / "docs/protocols.md").read_text()
    assert table(entry.value for entry in registry.entries("protocols")) in page
