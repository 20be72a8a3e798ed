"""Preset `small` of every method against preset `paper`, setting by setting: the rule, and the table of the rest."""

from fnmatch import fnmatchcase

import pytest
from places import ROOT
from recipes import recipe

from vreid_bench import STEPS
from vreid_bench.planning.beginning import find_shipped

# What the rule changes, as docs/small-preset.md has it.
ANYWHERE = ("encoder.", "size")
FACTORS = {"Adam": 3, "SGD": 10}


def read_table():
    """docs/small-preset.md: (methods, setting) -> (printed, small) of all that the rule does not explain."""
    page = (ROOT / "docs/small-preset.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| `")]
    table = {}
    for methods, setting, printed, small, why in rows:
        assert why
        table[methods, setting.strip("`")] = (printed, small)
    return table


def rows_of(name):
    """The rows of a method; the first column has patterns of names."""
    found = {}
    for (patterns, setting), values in TABLE.items():
        if any(fnmatchcase(name, pattern.strip("`")) for pattern in patterns.split(", ")):
            assert setting not in found, (name, setting)
            found[setting] = values
    return found


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
        changed = [path for path in sorted({*paper, *small}) if paper.get(path) != small.get(path) or is_rate(path)]
        left = [path for path in changed if not ruled(path, paper, small)]
        left = {path: (text(paper.get(path)), text(small.get(path))) for path in left}
        assert left == rows_of(name), name


def is_rate(path):
    """A rate that stays as printed is a deviation, too."""
    return path.endswith(".schedule.rate")


def ruled(path, paper, small):
    """Is a setting in both, and changed by the rule?"""
    return path in paper and path in small and in_the_rule(path, paper, small)


def text(value):
    return "none" if value in ([], None) else str(value).replace("'", "`")


UNTRAINED = ("hog3d-kissme", "stfv3d-kissme")  # nothing of them learns by gradient descent
# docs/small-preset.md says which: no file is shipped for their encoder
WITHOUT_A_FILE = ("two-stream-*", "action-vlad")


def test_every_method_begins_from_what_its_encoder_ships(registry):
    """A file for exactly these options is found, but for the encoder of the two-stream systems."""
    for name in methods(registry):
        method = registry.build_method(registry.entry("methods", name), "small")
        assert method.shipped == (() if name in UNTRAINED else ("encoder",)), name
        without = name in UNTRAINED or any(fnmatchcase(name, pattern) for pattern in WITHOUT_A_FILE)
        assert [file.part for file in find_shipped(method, registry)] == ([] if without else ["encoder"]), name
