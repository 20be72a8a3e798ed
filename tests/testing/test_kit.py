"""The checks find the part that breaks a law, say what was expected, and name the line to change."""

import inspect
from dataclasses import dataclass
from functools import partial
from unittest import SkipTest

import pytest
import torch
from torch import nn

from vreid_bench import Clips
from vreid_bench.system.errors import InputError
from vreid_bench.testing import LAWS, NonConformance, list_checks
from vreid_bench.testing.place import find_option


class Pool(nn.Module):
    """Holds every law."""

    def __init__(self, shape, scale: float = 1.0):
        super().__init__()
        self.linear = nn.Linear(shape[0], 6)
        self.scale = scale

    def forward(self, maps):
        return self.scale * self.linear(maps.mean((1, 3, 4)))


class Unused(Pool):
    def __init__(self, shape):
        super().__init__(shape)
        self.spare = nn.Linear(2, 2)


class Hidden(Pool):
    """Its weight is in no state."""

    def __init__(self, shape):
        super().__init__(shape)
        self.hidden = torch.rand(())

    def forward(self, maps):
        return super().forward(maps) + self.hidden


class Single(Pool):
    def forward(self, maps):
        return super().forward(maps).float()


class OnCpu(Pool):
    def __init__(self, shape):
        super().__init__(shape)
        self.offset = torch.ones(6)

    def forward(self, maps):
        return super().forward(maps) * self.offset


class Ordered(Pool):
    ignores_order = True

    def forward(self, maps):
        weight = torch.arange(1.0, 1 + maps.shape[1]).to(maps)
        return super().forward(maps * weight[None, :, None, None, None])


class Deviation(Pool):
    def forward(self, maps):
        return super().forward(maps / maps.std(1, keepdim=True))


class Broken(Pool):
    def forward(self, maps):
        return self.no_such_layer(maps)


class Mean(nn.Module):
    def __init__(self, dim):
        super().__init__()

    def represent(self, clips):
        return Clips.single(clips.mean())

    def distance(self, query, gallery):
        return torch.cdist(query.mean(), gallery.mean())


class Padded(Mean):
    def represent(self, clips):
        return Clips.single(clips.embedding.sum(1) / clips.valid.sum(1, keepdim=True))  # right for zeros alone


class Turned(Mean):
    def distance(self, query, gallery):
        return super().distance(gallery, query)


class Ranked(Mean):
    def distance(self, query, gallery):
        distance = super().distance(query, gallery)
        return distance / distance.max()


class Squared(Mean):
    metric = "sqeuclidean"

    def vectors(self, represented):
        return represented.mean()


class Spread(nn.Module):
    def __init__(self, dims, identities):
        super().__init__()

    def forward(self, batch):
        different = batch.pids[:, None] != batch.pids
        return (2 - batch.distance[different].mean()).relu()


class Rooted(Spread):
    def forward(self, batch):
        return (batch.embedding[:, None] - batch.embedding).square().sum(2).sqrt().mean()


class First(Spread):
    def forward(self, batch):
        return (batch.embedding[0] - batch.embedding[1]).abs().sum()


class OfTen(Spread):
    """A table for ten people, however many there are."""

    def __init__(self, dims, identities):
        super().__init__(dims, identities)
        self.centres = nn.Parameter(torch.zeros(10, dims["embedding"]))

    def forward(self, batch):
        return (batch.embedding - self.centres[batch.pids]).square().mean()


class Brighter:
    def __init__(self, by: float = 0.1):
        self.by = by

    def __call__(self, clips, generator, planes):
        return clips + self.by


class Global(Brighter):
    def __call__(self, clips, generator, planes):
        return clips * torch.rand(())


class InPlace(Brighter):
    def __call__(self, clips, generator, planes):
        return clips.mul_(0.9)


def fail(kind, part, **more):
    """Name -> outcome of the checks that fail."""
    outcomes = [check.run() for check in list_checks(kind, part, **more)]
    return {each.name: each for each in outcomes if each.state == "failed"}


def line_of(function):
    return inspect.getsourcelines(function)[1]


@pytest.mark.parametrize(("kind", "part"), [("aggregator", Pool), ("matcher", Mean), ("augmentation", Brighter)])
def test_a_part_that_works_holds_every_law_without_being_installed(kind, part):
    assert fail(kind, part) == {}


@pytest.mark.filterwarnings("ignore:std")
@pytest.mark.parametrize(
    ("kind", "part", "law", "words"),
    [
        ("aggregator", Unused, "gradient", "no gradient reaches spare.weight, spare.bias"),
        ("aggregator", Hidden, "state-dict", "register_buffer"),
        ("aggregator", Single, "float64", "embedding is torch.float32 for float64, expected float64"),
        ("aggregator", OnCpu, "device", "it makes a tensor on the CPU"),
        ("aggregator", Ordered, "frame-order", "changes with the order of the frames"),
        ("aggregator", Deviation, "lengths", "clips of 1 frames has NaN"),
        ("matcher", Padded, "padding", "places where `valid` is False"),
        ("matcher", Turned, "rows", "expected [Q, G]"),
        ("matcher", Ranked, "rows", "the number of the others"),
        ("matcher", Squared, "vectors", "sqeuclidean distances of vectors()"),
        ("loss", Spread, "no-negative", "returned nan for a batch of one person"),
        ("loss", Rooted, "equal-tracklets", "its gradient is NaN or infinite for a batch of equal tracklets"),
        ("loss", OfTen, "people", "fails for the last of 1000 people (IndexError: index 999 is out of bounds"),
        ("loss", First, "tracklet-order", "the same in another order"),
        ("augmentation", Global, "same-seed", "other clips for the same generator"),
        ("augmentation", InPlace, "input-kept", "changes its input"),
    ],
)
def test_what_breaks_a_law_is_found_by_its_check(kind, part, law, words):
    found = fail(kind, part)
    assert words in found[law].message
    assert f"{kind} {part.__name__.lower()!r} of " in found[law].message
    assert __file__ in found[law].place


class Cold(nn.Module):
    """Divides by a temperature of 0: NaN for every batch."""

    def __init__(self, dims, identities):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, batch):
        return (self.weight * batch.embedding.sum() * 0) / 0


def test_a_loss_of_nan_is_told_as_such_and_not_as_one_that_changes():
    found = fail("loss", Cold)
    assert {"same-seed", "state-dict"}.isdisjoint(found)
    assert "returned nan for random features, expected a finite number" in found["run"].message


def test_a_failure_names_the_line_that_raised_else_the_method():
    raised = fail("aggregator", Broken)["clip-order"]
    assert raised.place == f"{__file__}, line {line_of(Broken.forward) + 1}, in forward"
    assert "no_such_layer" in raised.message
    judged = fail("aggregator", Single)["float64"]
    assert judged.place == f"{__file__}, line {line_of(Single.forward)}, in Single.forward"


def test_a_check_is_called_by_pytest():
    checks = {str(check): check for check in list_checks("aggregator", Single)}
    checks["lengths"]()
    with pytest.raises(
        NonConformance, match=r"expected float64; .*\n  change .*test_kit.py, line \d+, in Single.forward"
    ):
        checks["float64"]()
    with pytest.raises(SkipTest, match="does not claim"):
        checks["frame-order"]()


def test_the_checks_of_a_run_are_those_that_run_makes():
    """The sentence is that of `modeling.evaluation_checks`, not one of the kit's own."""

    class Centred(Pool):
        def forward(self, maps):
            embedding = super().forward(maps)
            return embedding - embedding.mean(0)

    assert "use no statistics of the batch unless self.training is true" in fail("aggregator", Centred)["run"].message


def test_options_and_unknown_kinds():
    assert fail("aggregator", Pool, options={"scale": 2.0}) == {}
    assert "has no option 'scales'" in fail("aggregator", Pool, options={"scales": 2.0})["builds"].message
    with pytest.raises(InputError, match="no kind is named 'network'"):
        list_checks("network", Pool)
    with pytest.raises(InputError, match="there are no checks of the kind 'checkpoint'"):
        list_checks("checkpoint", Pool)


class Careful(Pool):
    def __init__(self, shape, scale: float = 1.0, clips: int = 2):
        if scale > 4:
            raise InputError(f"scale must be at most 4, got {scale}; lower it")
        if clips > 2:
            raise ValueError("not yet")
        super().__init__(shape, scale)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"options": {"scales": 2.0}}, "the options that it was given, scales=2.0"),
        ({"options": {"scale": "big"}}, "the options that it was given, scale='big'"),
        ({"options": {"scale": 5.0}}, "the options that it was given, scale=5.0"),
        ({"method": "tacan"}, "the method that it was given, tacan"),
        ({"method": "tacann"}, "the method that it was given, tacann"),
        ({"options": {"clips": 3}}, f"{__file__}, line {line_of(Careful.__init__) + 4}, in __init__"),
    ],
)
def test_options_and_methods_that_do_not_fit_are_no_fault_of_the_part(more, place):
    assert fail("aggregator", Careful, **more)["builds"].place == place


def test_a_fault_of_the_part_is_its_own_whatever_options_are_given():
    class Lacking(Pool):
        def __init__(self, shape, scale: float, other: int = 1):
            super().__init__(shape, scale)

    found = fail("aggregator", Lacking, options={"other": 2})["builds"]
    assert "needs its option 'scale'" in found.message
    assert __file__ in found.place


def test_checks_leave_the_random_stream_as_it_is():
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    fail("aggregator", Pool)
    assert torch.equal(torch.rand(3), expected)


def test_every_law_has_a_name_and_a_sentence():
    for kind, laws in LAWS.items():
        names = [law.__name__ for law in laws]
        assert len(set(names)) == len(names), kind
        assert all(name.startswith("check_") for name in names)
        assert all(law.__doc__.partition("\n")[0].endswith(".") for law in laws)


@dataclass
class Field:
    """A factory without an `__init__` in its file."""

    shape: tuple
    width: "Late" = None  # noqa: F821


def test_the_place_of_an_option_is_where_it_is_annotated():
    line = inspect.getsourcelines(Field)[1] + 5
    assert find_option(Field, "width") == f"{__file__}, line {line}"
    assert find_option(partial(Field, ()), "width") == f"{__file__}, line {line}"
    assert find_option(Field, "height") == ""
    assert find_option(print, "end") == ""
