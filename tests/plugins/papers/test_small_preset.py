"""Preset `small` of every method against preset `paper`, setting by setting: the rule, and the table of the rest."""

from collections import defaultdict

import pytest
from places import ROOT
from recipes import recipe

from vreid_bench import STEPS

# What the rule changes, as docs/small-preset.md has it.
ANYWHERE = ("encoder.", "size")
FACTORS = {"Adam": 3, "SGD": 10}


def read_table():
    """docs/small-preset.md: method -> {setting: (printed, small)} of all that the rule does not change."""
    page = (ROOT / "docs/small-preset.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    table = defaultdict(dict)
    for methods, setting, printed, small, why in rows:
        assert why
        for method in methods.split(", "):
            assert setting not in table[method.strip("`")]
            table[method.strip("`")][setting.strip("`")] = (printed, small)
    return table


TABLE = read_table()


def in_the_rule(path, paper, small):
    """Is the setting of `small` what the rule makes of the printed one?"""
    stage, _, setting = path.partition(".schedule.")
    if path.startswith(ANYWHERE):
        return True
    if path.endswith(".steps"):
        lengths = {name: number(value) for name, value in paper.items() if name.endswith(".steps")}
        return small[path] == pytest.approx(STEPS * lengths[path] / sum(lengths.values()), abs=0.5)
    if setting == "rate":
        factor = FACTORS[paper[f"{stage}.optimizer.name"]]
        return small[path] == pytest.approx(factor * paper[path], rel=1e-9)
    if setting == "every":
        share = number(paper[path]) / number(paper[f"{stage}.steps"])
        return small[path] == pytest.approx(share * small[f"{stage}.steps"], abs=0.5)
    return False


def number(length):
    """A length as a recipe describes it, as a number of its unit."""
    return float(str(length).split()[0])


def methods(registry):
    return [entry.name for entry in registry.entries("methods")]


def test_every_deviation_from_the_rule_stands_in_the_table_and_every_row_is_one(registry):
    for name in methods(registry):
        paper, small = (recipe(registry, name, preset) for preset in ("paper", "small"))
        changed = [path for path in sorted({*paper, *small}) if paper.get(path) != small.get(path)]
        left = [path for path in changed if not ruled(path, paper, small)]
        left = {path: (text(paper.get(path)), text(small.get(path))) for path in left}
        assert left == TABLE.get(name, {}), name
    assert set(TABLE) <= set(methods(registry))


def ruled(path, paper, small):
    """Is a setting in both, and changed by the rule?"""
    return path in paper and path in small and in_the_rule(path, paper, small)


def text(value):
    return "none" if value in ([], None) else str(value).replace("'", "`")


def test_every_method_begins_from_what_its_encoder_ships(registry):
    """Where a file for these options exists; those of the table's last lines have none."""
    for name in methods(registry):
        method = registry.build_method(registry.entry("methods", name), "small")
        trained = any("optimizer" in path for path in recipe(registry, name, "small"))
        assert method.shipped == (("encoder",) if trained else ()), name
