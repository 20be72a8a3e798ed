"""What a setting means, read from comments and docstrings."""

from dataclasses import dataclass, fields
from functools import partial

import pytest

from vreid_bench.contracts import recipe
from vreid_bench.registry.inspection import read_docstrings
from vreid_bench.registry.meanings import explain_options, explain_settings, read_comments
from vreid_bench.registry.registry import Registry


@dataclass(frozen=True)
class Commented:
    """Words."""

    first: int  # behind the field
    # above the field,
    # on two lines
    second: tuple[
        int,
        str,
    ] = (1, "# no comment")
    third: str = "# no comment"


class Base:
    """A base.

    width: how wide it is
        at its end.
    """

    def __init__(self, width=1): ...


class Wide(Base):
    """Does it with probability p.

    depth 8: shallow.
    depth 50: deep, for instance
        in a paper.
    rows, columns: the grid.
    note: words about something else.
    """

    def __init__(self, depth=50, rows=1, columns=2, p=0.5, silent=0, width=1): ...


def test_the_comment_behind_a_field_or_above_it():
    assert read_comments(Commented) == {
        "first": "behind the field",
        "second": "above the field, on two lines",
        "third": "",
    }


def test_options_are_read_from_the_docstrings_of_a_part_and_its_bases():
    assert explain_options(list(read_docstrings(Wide)), ("depth", "rows", "columns", "p", "silent", "width")) == {
        "depth": "8: shallow.; 50: deep, for instance in a paper.",
        "rows": "the grid.",
        "columns": "the grid.",
        "p": "Does it with probability p.",
        "silent": "",
        "width": "how wide it is at its end.",
    }


GOOGLE = """Pools well.

Args:
    shape: the sizes.
    bins (list of int): how many there are
        in each map.
    heat, power (float, optional): how warm. Defaults to 1.
    table (dict[str, tuple[int, int]]):
        what else is there.
    silent (bool):

Returns:
    Nothing.
"""
NUMPY = """Pools well.

Parameters
----------
bins : list of int
    how many there are
    in each map.
heat, power : float, optional
    how warm. Defaults to 1.
table
    what else is there.
silent : bool

Returns
-------
Tensor
    Nothing.
"""
SPHINX = """Pools well.

:param shape: the sizes.
:param bins: how many there are
    in each map.
:type bins: list of int
:param float heat: how warm. Defaults to 1.
:param float power: how warm. Defaults to 1.
:param table:
    what else is there.
:param silent:
:returns: Nothing.
"""


@pytest.mark.parametrize("text", [GOOGLE, NUMPY, SPHINX])
def test_each_option_has_its_own_text_in_every_style_of_docstring(text):
    assert explain_options([text], ("bins", "heat", "power", "table", "silent")) == {
        "bins": "how many there are in each map.",
        "heat": "how warm. Defaults to 1.",
        "power": "how warm. Defaults to 1.",
        "table": "what else is there.",
        "silent": "",
    }


@pytest.mark.parametrize("factory", [len, partial(Wide, depth=8), lambda shape, width=1: None])
def test_a_factory_of_any_kind_is_read(factory):
    assert set(explain_options(list(read_docstrings(factory)), ("width",))) == {"width"}


@pytest.mark.parametrize("definition", [recipe.Clipping, recipe.Schedule, recipe.Optimizer, recipe.Fit, recipe.Train])
def test_every_field_of_a_recipe_says_what_it_means(definition):
    comments = read_comments(definition)
    nested = {"clipping", "schedule", "optimizer"}  # their own fields are the settings
    assert [f.name for f in fields(definition) if not comments[f.name] and f.name not in nested] == []


@pytest.mark.parametrize("preset", ["paper", "small"])
def test_every_setting_of_every_method_has_a_meaning(preset):
    registry = Registry.installed()
    methods = {name: registry.resolve_method(make(preset)) for name, make in registry.values("methods").items()}
    assert len(methods) > 40
    assert [
        (name, path)
        for name, method in methods.items()
        for path, meaning in explain_settings(method, registry).items()
        if not meaning
    ] == []
