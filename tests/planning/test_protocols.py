"""Protocols: folds, transfer by name, and a fingerprint that every rule and no prose changes."""

from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from vreid_bench import Corruption, Dataset, InputError, Protocol, Selection, Split, Tracklet, hookimpl
from vreid_bench.planning.folds import divide
from vreid_bench.planning.protocols import find_conventions, find_protocol
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.conventions import CONVENTIONS
from vreid_bench.testing import list_checks

PLAIN = Protocol(
    name="a", version="1", dataset="a", headline="c", conventions=("c",), summary="", source="", holdout=0.0
)
OTHER = replace(PLAIN, name="b", dataset="b", headline="d", conventions=("d", "c"), variant="swapped")


def transfer(first, second, fine_tune=0.0):
    return first.transfer_to(second, f"{first.name}-to-{second.name}", fine_tune)


@pytest.fixture(scope="module")
def known():
    return Registry.installed().values("protocols")


def dataset(name, splits):
    """A dataset whose split k has people of its own."""

    def split(k):
        people = [10 * k + i for i in range(1, 9)]
        tracklets = [Tracklet((f"{name}{k}-{p}-{c}.jpg",), p, c) for p in people for c in (1, 2)]
        return Split(tuple(tracklets[:8]), tuple(tracklets[8:]), (0, 2), (1, 3))

    return Dataset(name, Path("/data") / name, tuple(split(k) for k in range(splits)), "unverified")


def test_a_plain_protocol_trains_and_tests_on_each_split():
    data = dataset("a", 3)
    found = divide(PLAIN, {"a": data})
    assert [fold.test for fold in found] == list(data.splits)
    assert [fold.training[0].tracklets for fold in found] == [split.train for split in data.splits]
    assert all(len(fold.training) == 1 and fold.training[0].rate == 1.0 for fold in found)


@pytest.mark.parametrize(("sources", "targets", "expected"), [(1, 10, 10), (10, 10, 10), (10, 1, 10), (1, 1, 1)])
def test_transfer_pairs_split_k_with_split_k_and_a_single_split_with_all(sources, targets, expected):
    data = {"a": dataset("a", sources), "b": dataset("b", targets)}
    found = divide(transfer(PLAIN, OTHER), data)
    assert len(found) == expected
    for number, fold in enumerate(found):
        assert fold.test is data["b"].splits[number % targets]
        [lesson] = fold.training
        assert lesson.dataset is data["a"]
        assert lesson.tracklets == data["a"].splits[number % sources].train


def test_fine_tuning_goes_on_with_the_targets_training_part():
    data = {"a": dataset("a", 1), "b": dataset("b", 2)}
    for number, fold in enumerate(divide(transfer(PLAIN, OTHER, 0.1), data)):
        first, second = fold.training
        assert (first.dataset.name, first.rate) == ("a", 1.0)
        assert (second.dataset.name, second.rate) == ("b", 0.1)
        assert second.tracklets == data["b"].splits[number].train


def test_what_is_neither_trained_on_nor_asked_for_may_be_empty():
    """Direct transfer needs no training part of the target, and no test of the source."""
    a, b = dataset("a", 1), dataset("b", 1)
    a = replace(a, splits=(replace(a.splits[0], query=()),))
    b = replace(b, splits=(replace(b.splits[0], train=()),))
    assert len(divide(transfer(PLAIN, OTHER), {"a": a, "b": b})) == 1
    with pytest.raises(InputError, match="split 0 of variant 'swapped' of b has no training tracklets"):
        divide(transfer(PLAIN, OTHER, 0.1), {"a": a, "b": b})
    with pytest.raises(InputError, match="split 0 of a has no queries"):
        divide(PLAIN, {"a": a})


def test_a_lesson_is_what_it_teaches_wherever_it_lies():
    here = divide(PLAIN, {"a": dataset("a", 2)})
    there = divide(PLAIN, {"a": replace(dataset("a", 2), root=Path("/elsewhere"), source="official")})
    assert [f.training[0].fingerprint for f in here] == [f.training[0].fingerprint for f in there]
    prints = {fold.training[0].fingerprint for fold in here}
    prints |= {replace(here[0].training[0], rate=0.1).fingerprint}
    assert len(prints) == 3


def test_any_two_protocols_transfer_by_name(known):
    found = find_protocol(known, "ls-vid-to-duke-video")
    assert (found.dataset, found.target, found.test_dataset, found.headline) == (
        "ls-vid",
        "duke-video",
        "duke-video",
        "gallery-as-listed",
    )
    tuned = find_protocol(known, "ls-vid-to-ilids-vid-dapeng-fine-tuned")
    assert (tuned.fine_tune, tuned.target_variant) == (0.1, "dapeng")
    corrupted = find_protocol(known, "ilids-vid-to-mars-corruption")
    assert corrupted.conditions == find_protocol(known, "mars-corruption").conditions


def test_what_papers_transfer_is_what_its_name_says(known):
    listed = [protocol for protocol in known.values() if protocol.target]
    assert {p.name for p in listed} == {
        "ilids-vid-to-prid2011",
        "mars-to-ilids-vid",
        "mars-to-ilids-vid-fine-tuned",
        "mars-to-prid2011",
        "mars-to-prid2011-fine-tuned",
    }
    for protocol in listed:
        first, second = protocol.name.removesuffix("-fine-tuned").split("-to-")
        general = known[first].transfer_to(known[second], protocol.name, protocol.fine_tune)
        assert (general.rules, general.counts) == (protocol.rules, protocol.counts)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ilids-vid-to-ilids-vid-dapeng", "both divide ilids-vid"),
        ("mars-to-mars-corruption", "both divide mars"),
        ("mars-to-prid2011-to-ls-vid", "mars-to-prid2011 is already a transfer"),
        ("ls-vid-to-mars-dev", "mars-dev tests on training identities"),
        ("mars-to-lsvid", "'mars-to-lsvid': no protocol is named 'lsvid'; did you mean ls-vid"),
    ],
)
def test_transfer_that_says_nothing_is_refused(known, name, words):
    with pytest.raises(InputError, match=words):
        find_protocol(known, name)


RULES = {
    "version": "2",
    "dataset": "other",
    "headline": "d",
    "conventions": ("c", "d", "e"),
    "holdout": 0.1,
    "variant": "v",
    "target": "t",
    "target_variant": "v",
    "fine_tune": 0.1,
    "least_training_frames": 12,
    "test": Selection(),
}


def test_the_fingerprint_changes_with_every_rule_and_with_no_prose():
    prose = {f.name for f in fields(Protocol) if f.metadata.get("prose")}
    assert prose == {"summary", "source", "counts"}
    assert set(RULES) | prose | {"name"} == {f.name for f in fields(Protocol)}
    plain = replace(PLAIN, conventions=("c", "d"), target="b")
    prints = {replace(plain, **{name: value}).fingerprint for name, value in RULES.items()}
    assert len(prints | {plain.fingerprint}) == 1 + len(RULES)
    same = replace(plain, summary="s", source="s", counts={"queries": 1})
    assert same.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    ("holder", "changes"),
    [
        (
            Corruption("occlusion", "both", 0.5),
            {
                "kind": "motion-blur",
                "side": "query",
                "strength": 0.7,
                "quality": 30,
                "clips": 9,
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
    options = [holder, *(replace(holder, **{name: value}) for name, value in changes.items())]
    assert len({replace(PLAIN, test=option).fingerprint for option in options}) == len(options)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"headline": "e"}, "its headline 'e' is not among its conventions"),
        ({"holdout": 1.0}, "its holdout is 1 .*a holdout from 0 to less than 1"),
        ({"fine_tune": 0.1}, "need a target"),
        ({"target_variant": "v"}, "need a target"),
        ({"target": "a"}, "it trains and tests on a"),
        ({"test": "corruption"}, "expected a strategy such as Corruption or Selection"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused_where_the_protocol_is_made(changes, words):
    with pytest.raises(InputError, match=f"^protocol 'a': .*{words}"):
        replace(PLAIN, **changes)


class Reader:
    def read(self, root):
        raise NotImplementedError


def test_a_headline_that_no_run_can_be_scored_under_is_refused_before_a_run_and_by_check():
    listed = replace(CONVENTIONS[0], name="c")
    expecting = replace(listed, name="d", ties="expected")
    hooks = {
        "vreid_conventions": hookimpl(lambda: {"c": listed, "d": expecting}),
        "vreid_protocols": hookimpl(lambda: {"a": replace(PLAIN, conventions=("c", "d")), "b": OTHER}),
        "vreid_datasets": hookimpl(lambda: {"a": Reader(), "b": Reader()}),
    }
    registry = Registry([Plugin("stranger", SimpleNamespace(**hooks), "vreid-stranger", "1")])
    assert find_conventions(registry.get("protocols", "a"), registry) == (listed, expecting)
    with pytest.raises(InputError) as refused:
        find_conventions(registry.get("protocols", "b"), registry)
    said = "protocol 'b' of vreid-stranger: its headline 'd' has ties 'expected', expected 'listed'"
    assert str(refused.value).startswith(said)
    names = next(each for each in list_checks("protocol", "b", registry=registry) if each.name == "names")
    assert names.run().message == str(refused.value)
