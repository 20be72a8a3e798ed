"""The fields of a convention: the same values are refused of a plugin, of a TOML file and of a record."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from vreid_bench import Compared, Convention, Having, InputError, hookimpl
from vreid_bench.registry.convention_fields import find_fault, read_fields
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
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
