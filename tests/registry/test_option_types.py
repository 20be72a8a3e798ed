"""What an option accepts: by its annotation, else by its default. A table of values that fit and that do not."""

from __future__ import annotations

import json
import pickle
from dataclasses import dataclass
from enum import Enum, Flag, IntEnum
from functools import partial
from numbers import Real
from pathlib import Path
from typing import Annotated, Any, Literal, NewType, Optional, TypedDict

import numpy as np
import pytest
from wrong_parts import plugin

from vreid_bench import InputError, part
from vreid_bench.registry.assignments import parse_options, parse_part
from vreid_bench.registry.catalogue import _unpack
from vreid_bench.registry.inspection import read_option_types
from vreid_bench.registry.option_types import accept, describe_fault, describe_types
from vreid_bench.registry.registry import Registry


class Way(Enum):
    MEAN = "mean"
    MAX = "max"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


class Flags(Flag):
    ONE = 1


@dataclass
class Gate:
    heat: float = 1.0


class Counts(TypedDict):
    a: int


INNER = part("inner")
# annotation, the words for it, what fits, what does not; `Unknown` stands for what only a type checker imports
TABLE = [
    ("float", "a number", [1.5, 2, np.float32(1), np.int64(1)], ["hot", True, None, (1.0,), INNER]),
    ("int", "a whole number", [3, np.int64(3)], [3.0, "3", False, None]),
    ("bool", "true or false", [True, False], [1, 0, "True"]),
    ("str", "a text", ["hot"], [1, None, ("a",)]),
    ("float | str", "a number or a text", [0.3, "soft"], [True, None]),
    ("float | None", "a number or null", [0.3, None], ["x"]),
    (Optional[int], "a whole number or null", [3, None], [3.5]),  # noqa: UP045  # how older code writes it
    (Literal["mean", "max"], "one of mean, max", ["mean"], ["median", 1]),
    (Way, "one of mean, max", ["mean"], ["MEAN", "median", 1, None]),
    ("Way | None", "one of mean, max or null", ["max", None], ["median", 2]),
    (Literal[Way.MEAN], "one of mean", ["mean"], ["max"]),
    (Level, "one of LOW, HIGH", ["LOW"], ["low", 1, 2]),  # of members that are not texts, the names
    (list[Level], "a list of one of LOW, HIGH", [("LOW", "HIGH"), ()], ["LOW", ("MIDDLE",)]),
    (Flags, "an object of class Flags", [Flags.ONE], [1, "a", None]),  # whose members are added up
    ("dict[str, float] | None", "a table of names and numbers or null", [{"a": 1}, None], [3, "a", {"a": "x"}]),
    ("dict", "a table of names and values", [{"a": 1}, {1: "x"}], [3]),
    (dict[Way, int], "a table of names (one of mean, max) and whole numbers", [{"mean": 1}, {}], [{"median": 1}]),
    (dict[int, list[int]], "a table of names (whole numbers) and lists of whole numbers", [{"3": (1,)}], [{"a": (1,)}]),
    (
        dict[str, dict[str, bool]],
        "a table of names and tables of names and values true or false",
        [{"a": {}}],
        [{"a": 1}],
    ),
    (Counts, "a table of names and values", [{"a": 1}], [3]),
    (Path, "a path", ["x"], [3, None]),
    ("Path | None", "a path or null", ["x", None], [3]),
    (list[Path], "a list of paths", [("x",)], ["x"]),
    (Gate | None, "an object of class Gate or null", [Gate(), None], ["soft", 3, {"heat": 2}, (1,), True, INNER]),
    (list[Gate], "a list of objects of class Gate", [(Gate(),)], [(1,), "soft"]),
    (type[Gate], "an object of class type", [Gate], ["Gate"]),
    (NewType("Width", int), "a whole number", [3], ["3"]),
    (object, "", [1, "a", None, {"a": 1}], []),
    ("Literal[1, 2]", "one of 1, 2", [1], [True, 1.0, "1", 3]),
    ("Sequence[int]", "a list of whole numbers", [(1, 2), [3], ()], [1, (1.5,), "12"]),
    ("tuple[float, ...]", "a list of numbers", [(1, 2.5)], [("a",)]),
    ("tuple[int, int]", "a list of 2 whole numbers", [(1, 2)], [(1,), (1, 2, 3), ("a", "b")]),
    ("Sequence[Sequence[int]]", "a list of lists of whole numbers", [((1, 2), (3,))], [(1, 2)]),
    ("list", "a list", [(), ("a", 1)], [3]),
    ("Mapping[str, int]", "a table of names and whole numbers", [{"a": 1}], [3, (), {"a": 0.5}]),
    ("Callable[..., Any]", "a part or a function", [INNER, len], ["inner", 3]),
    ('"int"', "a whole number", [3], [3.0, "3", None]),  # a quoted one where all are texts already
    (Optional["int"], "a whole number or null", [3, None], [3.5]),
    (list["int"], "a list of whole numbers", [(1, 2), ()], [1, ("a",)]),
    ('dict[str, "float"] | None', "a table of names and numbers or null", [{"a": 1}, None], [3, "a"]),
    ('"Way" | None', "", [1, "a"], []),  # no annotation for Python itself
    ('"Way | None"', "one of mean, max or null", ["max", None], ["median", 2]),
    (Annotated[int, "of the head"], "a whole number", [3], ["3"]),
    ("Any", "", [1, "a", None, INNER, {"a": 1}], []),
    ("Unknown", "", [1, "a", None], []),
    ("Sequence[Unknown]", "", [1, "a"], []),
]


@pytest.mark.parametrize(("annotation", "words", "right", "wrong"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_an_annotation_says_what_fits(annotation, words, right, wrong):
    def factory(value): ...

    factory.__annotations__ = {"value": annotation}
    types = read_option_types("encoders", factory)["value"]
    assert describe_types(types) == words
    assert [accept(types, value) for value in right] == [True] * len(right)
    assert [accept(types, value) for value in wrong] == [False] * len(wrong)
    assert _unpack(pickle.dumps(types)) == types  # the catalogue keeps it as plain data


class Base:
    def __init__(self, shape, heat: float = 1.0, words=("a",), other=None, late: float = None): ...  # noqa: RUF013


class Derived(Base): ...


@pytest.mark.parametrize("factory", [Base, Derived, partial(Base, words=("b",))])
def test_a_class_and_what_is_made_of_it_are_read(factory):
    types = read_option_types("aggregators", factory)
    found = {name: describe_types(each) for name, each in types.items()}
    assert found == {"heat": "a number", "words": "a list", "other": "", "late": "a number or null"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"heat": "hot"}, "setting 'heat' of aggregator 'pool' of vreid-pool takes a number, found 'hot'; change"),
        ({"heat": None}, "takes a number, found null"),
        ({"heat": True}, "takes a number, found true"),
        ({"heat": part("pool")}, "takes a number, found the part 'pool'"),
        ({"words": 3}, "setting 'words' of aggregator 'pool' of vreid-pool takes a list, found 3"),
    ],
)
def test_a_value_of_another_type_is_refused_wherever_it_comes_from(options, message):
    registry = Registry([plugin("pool", "vreid-pool", aggregators={"pool": Base})])
    with pytest.raises(InputError) as told:
        registry.resolve("aggregators", part("pool", **options))
    assert message in str(told.value)
    assert registry.resolve("aggregators", part("pool", heat=2, other="x", late=None))


def test_an_option_of_a_re_ranker_is_checked_like_any_other():
    registry = Registry([plugin("order", "vreid-order", rerankers={"order": lambda k=3: None})])
    assert parse_part("rerankers", "order:k=4", registry).options == {"k": 4}
    with pytest.raises(InputError, match="setting 'k' of re-ranker 'order' of vreid-order takes a whole number, found"):
        parse_part("rerankers", "order:k=few", registry)


def float_default(shape, mix: float = "half"): ...
def number_default(shape, mix: float = 1, kind: Unknown = "a", late: int = None): ...  # noqa: F821, RUF013


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        (float_default, "by its annotation it takes a number, found 'half'; change its value"),
        (partial(number_default, mix="half"), "by its annotation it takes a number, found 'half'"),
    ],
)
def test_a_default_that_its_annotation_excludes_is_refused(factory, message):
    Registry([plugin("right", "vreid-right", aggregators={"right": number_default})])
    title = "aggregator 'wrong' of vreid-wrong"
    with pytest.raises(InputError, match=f"the default of 'mix' of {title} is wrong: {message}"):
        Registry([plugin("wrong", "vreid-wrong", aggregators={"wrong": factory})])


@pytest.mark.parametrize(
    ("annotation", "form"),
    [
        ("list", "[3,4]"),
        ("Sequence[int]", "[3,4]"),
        ("tuple[float, ...]", "[0.5,2]"),
        ("tuple[int, int, int]", "[3,4,3]"),
        ("list[str]", '["a","b"]'),
        (list[Way], '["mean","max"]'),
        ("Sequence[Sequence[int]]", "[[3,4]]"),
        ("float | list[int]", "[3,4]"),
        ("dict | None", '{"a": 1}'),
        ("list[dict]", '[{"a": 1}]'),
        ("dict[str, list[int]]", '{"a": [3,4]}'),
        (dict[Way, float], '{"mean": 0.5}'),
        (dict[int, str], '{"3": "a"}'),
    ],
)
def test_a_list_or_a_table_is_shown_as_set_takes_it(annotation, form):
    def factory(value): ...

    factory.__annotations__ = {"value": annotation}
    types = read_option_types("encoders", factory)["value"]
    assert describe_fault(types, "3,4") == f"takes {describe_types(types)}, found '3,4'; change its value, as in {form}"
    assert accept(types, json.loads(form))


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("Callable[[int], int]", "a part or a function"),
        ("Callable | None", "a part or a function or null"),
        ("list[Callable]", "a list of parts or functions"),
    ],
)
def test_a_function_is_given_in_python_and_not_by_set(annotation, words):
    def factory(value): ...

    factory.__annotations__ = {"value": annotation}
    types = read_option_types("encoders", factory)["value"]
    advice = "give it in Python, in the recipe of a method, as --set cannot write it"
    assert describe_fault(types, "relu").startswith(f"takes {words}, found 'relu'; {advice}; for a choice, declare")
    factory.__annotations__ = {"value": f"{annotation} | str"}
    either = read_option_types("encoders", factory)["value"]
    assert accept(either, "relu")
    assert describe_fault(either, 3).endswith("found 3; change its value")


class Chosen:
    """Keeps what it is given."""

    def __init__(self, shape, way: Way = Way.MEAN, level: Level | None = None, several: tuple[Way, ...] = (Way.MAX,)):
        self.given = (way, level, several)


@pytest.fixture
def chosen():
    return Registry([plugin("chosen", "vreid-chosen", aggregators={"chosen": Chosen})])


def test_an_enum_is_a_word_in_the_recipe_and_a_member_in_the_part(chosen):
    resolved = chosen.resolve("aggregators", part("chosen"))
    assert resolved.options == {"way": "mean", "level": None, "several": ("max",)}
    assert chosen.factory("aggregators", resolved)(()).given == (Way.MEAN, None, (Way.MAX,))
    text = parse_options("aggregators", "chosen", ["way=max", "level=HIGH", 'several=["mean","max"]'], chosen)
    assert text == {"way": "max", "level": "HIGH", "several": ("mean", "max")}
    built = chosen.factory("aggregators", chosen.resolve("aggregators", part("chosen", **text)))(())
    assert built.given == (Way.MAX, Level.HIGH, (Way.MEAN, Way.MAX))
    members = part("chosen", way=Way.MAX, level=Level.LOW)  # as a method in Python may write them
    assert chosen.resolve("aggregators", members).options["level"] == "LOW"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("way=median", "setting 'way' of aggregator 'chosen' of vreid-chosen takes one of mean, max, found 'median'"),
        ("level=low", "takes one of LOW, HIGH or null, found 'low'"),
        ("several=mean,max", "takes a list of one of mean, max, found 'mean,max'; change its value, as in"),
    ],
)
def test_an_unknown_word_of_an_enum_is_refused_with_the_known_ones(chosen, text, message):
    with pytest.raises(InputError) as told:
        parse_options("aggregators", "chosen", [text], chosen)
    assert message in str(told.value)


def test_the_part_gets_the_member_of_an_enum_whose_name_is_quoted():
    class Quoted(Chosen):
        def __init__(self, shape, way: "Way" = Way.MEAN, several: "tuple['Way', ...]" = (Way.MAX,)):  # noqa: UP037
            self.given = (way, several)

    registry = Registry([plugin("quoted", "vreid-quoted", aggregators={"quoted": Quoted})])
    found = registry.resolve("aggregators", part("quoted", way="max", several=("mean", "max")))
    assert registry.factory("aggregators", found)(()).given == (Way.MAX, (Way.MEAN, Way.MAX))
    with pytest.raises(InputError, match="takes one of mean, max, found 'median'"):
        registry.resolve("aggregators", part("quoted", way="median"))


def relu(value): ...


class Held:
    """Keeps what it is given."""

    def __init__(
        self,
        shape,
        act=Gate,
        shape_of=relu,
        dtype=np.dtype("float32"),  # noqa: B008
        gate: Gate | None = None,
        path: Path = Path("x"),
        paths=(Path("a"), Path("b")),
        anything: Any = None,
        free=None,
        weights: dict[int, float] = {1: 0.5},  # noqa: B006
        falls: dict[Way, Path] = {},  # noqa: B006
        scale=np.float32(2),  # noqa: B008
        real: Real = 0.5,
        missing=object(),  # noqa: B008
    ):
        self.given = vars().copy()


@pytest.fixture
def held():
    return Registry([plugin("held", "vreid-held", aggregators={"held": Held})])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "act=GELU",
            "'act' of aggregator 'held' of vreid-held takes an object of class type, found 'GELU'; leave it out",
        ),
        ("act=null", "takes an object of class type, found null"),
        (
            "shape_of=[1]",
            "takes an object of class function, found [1]; leave it out, as no setting can be such",
        ),
        (
            "dtype=float16",
            "found 'float16'; leave it out, as no setting can be such an object; for a choice",
        ),
        ("gate=soft", "takes an object of class Gate or null, found 'soft'; leave it out"),
        ('gate={"heat": 2}', 'takes an object of class Gate or null, found {"heat": 2}; leave it out'),
        ('gate=[1,{"a":2}]', 'takes an object of class Gate or null, found [1, {"a": 2}]; leave it out'),
        ("path=3", "takes a path, found 3; change its value"),
        ("scale=soft", "takes a number, found 'soft'"),
        ("real=soft", "takes an object of class Real or a number, found 'soft'; change its value"),
        (
            'weights={"a": 1}',
            'takes a table of names (whole numbers) and numbers, found {"a": 1}; change its value, as in',
        ),
    ],
)
def test_what_no_setting_can_be_is_refused_in_one_sentence(held, text, message):
    with pytest.raises(InputError) as told:
        parse_options("aggregators", "held", [text], held)
    assert message in str(told.value)


def test_a_part_gets_the_objects_that_texts_stand_for_and_its_own_defaults(held):
    default = held.resolve("aggregators", part("held"))
    assert (default.options["path"], default.options["paths"]) == ("x", ("a", "b"))
    given = held.factory("aggregators", default)(()).given
    assert (given["path"], given["paths"]) == (Path("x"), (Path("a"), Path("b")))
    assert (given["act"], given["shape_of"], given["weights"]) == (Gate, relu, {1: 0.5})
    texts = [
        "path=y",
        "gate=null",
        'weights={"3": 2}',
        'falls={"max": "z"}',
        "real=2",
        'anything={"a": [1]}',
        "free=[1]",
    ]
    options = parse_options("aggregators", "held", [*texts, 'free={"b": {"c": 1}}', "missing=3", "weights.3=4"], held)
    given = held.factory("aggregators", held.resolve("aggregators", part("held", **options)))(()).given
    assert (given["path"], given["gate"], given["weights"]) == (Path("y"), None, {3: 4})
    assert (given["falls"], given["anything"], given["free"]) == ({Way.MAX: Path("z")}, {"a": (1,)}, {"b": {"c": 1}})
    own = held.resolve("aggregators", part("held", gate=Gate(2), act=int))  # as a method in Python may write them
    given = held.factory("aggregators", own)(()).given
    assert (given["gate"], given["act"]) == (Gate(2), int)


def test_the_fields_of_a_default_that_is_a_dataclass_are_set_one_by_one():
    def gated(shape, gate: Gate = Gate()): ...  # noqa: B008

    registry = Registry([plugin("gated", "vreid-gated", aggregators={"gated": gated})])
    assert parse_options("aggregators", "gated", ["gate.heat=2"], registry) == {"gate": Gate(2.0)}
    with pytest.raises(InputError, match=r"--set gate.heat: expected float, as in 1.0, got 'hot'"):
        parse_options("aggregators", "gated", ["gate.heat=hot"], registry)
