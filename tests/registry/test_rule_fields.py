"""The fields of protocols, strategies and conventions: a wrong value is refused, whatever provides it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from vreid_bench import (
    Cases,
    Compared,
    Convention,
    Corruption,
    Having,
    InputError,
    Protocol,
    Reassociation,
    Selection,
    hookimpl,
)
from vreid_bench.registry.plugin_files import PluginFile
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.rule_fields import find_fault, read_fields
from vreid_bench.scoring.conventions import CONVENTIONS, read_convention

FIELDS = {
    "name": "dusk",
    "version": "1",
    "queries_in_gallery": None,
    "average_precision": "step",
    "unmatched": "skip",
    "summary": "",
    "source": "",
}
# in Python, in TOML, what is said in Python, and the end of it in TOML where that differs
WRONG = {
    "word of AP": (
        {"average_precision": "trapez"},
        'average_precision = "trapez"',
        "its average_precision is 'trapez', expected 'step' or 'trapezoid'",
        "",
    ),
    "word of unmatched": (
        {"unmatched": "drop"},
        'unmatched = "drop"',
        "its unmatched is 'drop', expected 'skip', 'zero' or 'error'",
        "",
    ),
    "word of a rule": (
        {"match": (Compared("zone", "differs"),)},
        'match = [["zone", "differs"]]',
        "its match[0].value is 'differs', expected 'same' or 'other'",
        "",
    ),
    "text for a tuple": (
        {"query": (Having("zone", "gate"),)},
        'query = [["zone", "gate"]]',
        "its query[0].values is 'gate', expected a tuple such as ('gate',)",
        'expected a list such as ["gate"]',
    ),
    "text for a truth": (
        {"queries_in_gallery": "no"},
        'queries_in_gallery = "no"',
        "its queries_in_gallery is 'no', expected True or False",
        "expected true or false",
    ),
    "text for a number": ({"cut": "3"}, 'cut = "3"', "its cut is '3', expected an integer", ""),
    "one rule for several": (
        {"gallery": Having("zone", ("gate",))},
        'gallery = ["zone", ["gate"]]',
        "expected a tuple such as (Having('zone', ('gate',)),)",
        'expected a list such as [["zone", ["gate"]]]',
    ),
    "rule without a value": (
        {"match": (("zone",),)},
        'match = [["zone"]]',
        "its match is (('zone',),), expected a tuple such as (Compared('outfit', 'other'),)",
        'expected a list such as [["outfit", "other"]]',
    ),
}


class Unchecked(Convention):
    """One whose own checks have not run, or have failed."""

    def __post_init__(self):
        pass


def provide(convention):
    module = SimpleNamespace(vreid_conventions=hookimpl(lambda: {"dusk": convention}))
    return Registry([Plugin("stranger", module, "vreid-stranger", "1.2")])


@pytest.mark.parametrize("case", WRONG)
def test_a_plugin_and_a_file_are_refused_in_the_same_words(case, tmp_path):
    fields, text, said, in_toml = WRONG[case]
    with pytest.raises(InputError) as refused:
        provide(Unchecked(**FIELDS | fields))
    assert str(refused.value).startswith("convention 'dusk' of vreid-stranger: its ")
    assert str(refused.value).endswith(f"{said}; correct the plugin")
    needed = [f'{name} = "{FIELDS[name]}"' for name in ("average_precision", "unmatched") if name not in text]
    (tmp_path / "dusk.toml").write_text("\n".join([*needed, text]))
    with pytest.raises(InputError) as refused:
        read_convention(tmp_path / "dusk.toml")
    assert (in_toml or said) in str(refused.value)


def test_values_that_were_taken_for_others_no_longer_pass():
    """Booleans for counts, lists that cannot be hashed, other values within a rule."""
    for fields, field in (
        ({"least_frames": True}, "least_frames"),
        ({"single_match": 1}, "single_match"),
        ({"match": [Compared("zone", "other")]}, "match"),
        ({"query": (Having("zone", ["gate"]),)}, "query[0].values"),
        ({"query": (Having("zone", ("gate", 3)),)}, "query[0].values[1]"),
        ({"query": (Having(3, ("gate",)),)}, "query[0].attribute"),
        ({"summary": None}, "summary"),
    ):
        assert find_fault(Unchecked(**FIELDS | fields)).startswith(f"its {field} is "), fields


def test_shipped_conventions_and_plain_tuples_pass():
    installed = Registry.installed().values("conventions")
    assert not any(map(find_fault, installed.values()))
    plain = Convention(**FIELDS, match=(("zone", "other"),))
    assert find_fault(plain) == ""
    assert plain.fingerprint == Convention(**FIELDS, match=(Compared("zone", "other"),)).fingerprint


@pytest.mark.parametrize("rule", CONVENTIONS, ids=lambda rule: rule.name)
def test_rules_of_a_record_give_the_convention_back(rule):
    rules = json.loads(json.dumps(rule.rules))
    assert read_fields({**rules, "summary": "", "source": ""}).fingerprint == rule.fingerprint


def test_rules_by_attribute_survive_a_record():
    rule = Convention(**FIELDS, match=(Compared("zone", "other"),), query=(Having("zone", ("gate", "yard")),), cut=3)
    assert read_fields(json.loads(json.dumps(rule.rules)) | {"summary": "", "source": ""}) == rule
    with pytest.raises(ValueError, match="its unmatched is missing"):
        read_fields({name: value for name, value in FIELDS.items() if name != "unmatched"})


RULES = {"version": "1", "dataset": "mars", "headline": "a", "conventions": ("a",), "summary": "", "source": ""}
WRONG_PROTOCOLS = {  # fields of a protocol, and what is said: some its own checks cannot take, others they pass over
    "text for a share": (lambda: {"holdout": "0.4"}, "its holdout is '0.4', expected a number"),
    "word for a share": (lambda: {"fine_tune": "yes"}, "its fine_tune is 'yes', expected a number"),
    "nothing for a share": (lambda: {"holdout": None}, "its holdout is None, expected a number"),
    "truth for a share": (
        lambda: {"target": "prid2011", "fine_tune": True},
        "its fine_tune is True, expected a number",
    ),
    "text for a number": (
        lambda: {"least_training_frames": "8"},
        "its least_training_frames is '8', expected an integer",
    ),
    "list for a tuple": (
        lambda: {"conventions": ["a"]},
        "its conventions is ['a'], expected a tuple such as ('a', 'b')",
    ),
    "number for a name": (lambda: {"conventions": ("a", 3)}, "its conventions[1] is 3, expected a text"),
    "number for a table": (lambda: {"counts": 3}, "its counts is 3, expected Mapping[str, int]"),
    "text for a count": (
        lambda: {"counts": {"queries": "3"}},
        "its counts['queries'] is '3', expected an integer",
    ),
    "text in the test": (lambda: {"test": Selection(repeats="3")}, "its test.repeats is '3', expected an integer"),
    "short pair in the test": (
        lambda: {"test": Selection(pairs=(("random",),))},
        "its test.pairs is (('random',),), expected tuple[tuple[How, How], ...]",
    ),
    "letters in the test": (
        lambda: {"test": Cases("ab")},
        "its test.values is 'ab', expected a tuple such as ('a', 'b')",
    ),
}
WRONG_STRATEGIES = {  # their own checks fail before the protocol is made
    "text for a number": (lambda: Reassociation((1, "2")), "Reassociation(): its gaps[1] is '2', expected a number"),
    "number for a tuple": (
        lambda: Reassociation(3),
        "Reassociation(): its gaps is 3, expected a tuple such as (0.5, 2.0)",
    ),
    "text for a strength": (
        lambda: Corruption("occlusion", "both", "0.5"),
        "Corruption(): its strength is '0.5', expected a number",
    ),
}


def ask(make):
    """A registry of a plugin whose one protocol is what `make` gives."""
    module = SimpleNamespace(vreid_protocols=hookimpl(lambda: {"own": make()}))
    return Registry([Plugin("stranger", module, "vreid-stranger", "1.2")])


@pytest.mark.parametrize("case", WRONG_PROTOCOLS)
def test_a_protocol_with_a_field_of_another_type_is_refused(case):
    fields, said = WRONG_PROTOCOLS[case]
    with pytest.raises(InputError) as refused:
        ask(lambda: Protocol(name="own", **RULES | fields()))
    message = str(refused.value)
    assert "of vreid-stranger: " in message
    assert "protocol 'own'" in message
    assert message.endswith(f": {said}; correct the plugin")


@pytest.mark.parametrize("case", WRONG_STRATEGIES)
def test_a_strategy_that_cannot_be_made_is_told_by_its_field(case):
    make, said = WRONG_STRATEGIES[case]
    with pytest.raises(InputError) as refused:
        ask(lambda: Protocol(name="own", **RULES, test=make()))
    assert str(refused.value) == f"vreid_protocols of plugin 'stranger' of vreid-stranger: {said}; correct the plugin"


def test_a_protocol_that_a_module_makes_is_told_with_its_line(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(f"import vreid_bench\n\nOWN = vreid_bench.Protocol(name='own', holdout='0.4', **{RULES!r})\n")
    with pytest.raises(InputError) as refused:
        PluginFile.open(file).load()
    said = "protocol 'own': its holdout is '0.4', expected a number"
    assert str(refused.value) == f"plugin {file}: {said}; {file}, line 3; correct it"


def test_what_a_plugin_declares_oddly_passes():
    """A strategy of a stranger, with annotations that say nothing to the harness."""

    @dataclass(frozen=True)
    class Odd:
        name = "odd"
        conditions = ("",)
        leading = 1

        _depth: NotThere = 3  # noqa: F821
        model_name: "not a type" = "x"  # noqa: F722
        share: float | str = 1
        json: Protocol | None = None

        def describe(self):
            return []

    ask(lambda: Protocol(name="own", **RULES, test=Odd()))
    with pytest.raises(InputError, match=r"its test.share is None, expected float \| str; correct"):
        ask(lambda: Protocol(name="own", **RULES, test=Odd(share=None)))


def test_shipped_protocols_pass():
    assert not any(map(find_fault, Registry.installed().values("protocols").values()))
