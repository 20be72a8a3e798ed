"""docs/write-a-plugin.md, "Several stages": its method trains as it says, and its table has every field of a stage."""

from dataclasses import MISSING, fields
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from doc_blocks import BLOCKS
from doc_tables import table
from places import ROOT
from short_run import record_of, shorten
from torch import nn

from vreid_bench import ClipCorruption, Clipping, Fit, Optimizer, Schedule, Train
from vreid_bench.modeling.clips import SAMPLERS
from vreid_bench.training.learning import trainable

PAGE = ROOT / "docs/write-a-plugin.md"
KINDS = (Train, Fit, Schedule, Optimizer, Clipping)
NAMES = {"ClipCorruption": ClipCorruption, "Optimizer": Optimizer}


@pytest.fixture
def file(tmp_path):
    [block] = [block for block in BLOCKS[PAGE] if block.file == "two_stages.py"]
    path = tmp_path / "two_stages.py"
    path.write_text(block.text)
    return path


def build(file):
    names = {"__name__": file.stem}
    exec(compile(file.read_text(), file, "exec"), names)
    return names["build"]


def test_the_method_of_two_stages_is_run(cli_json, file, tiny_mars, tmp_path):
    options = ("--preset", "small", "--data", tiny_mars, "--runs", tmp_path / "runs", "-q")
    report = cli_json("run", "--plugin", file, *options, *shorten(build(file)("small")))
    first, second = record_of(report).method.recipe["stages"]
    assert (first["train"], second["schedule"]["kind"], second["optimizer"]["name"]) == (
        ["loss.identity.*"],
        "step",
        "AdamW",
    )


@pytest.mark.parametrize("preset", ["small", "paper"])
def test_its_encoder_is_frozen_first(file, preset):
    """Batch normalisation and dropout as well."""
    encoder = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Dropout())
    parts = {"encoder": encoder, "aggregator": nn.Identity(), "matcher": nn.Identity()}
    losses = nn.ModuleDict({"identity": nn.Linear(4, 2), "triplet": nn.Identity()})
    module = nn.ModuleDict({"model": nn.ModuleDict(parts), "loss": losses})
    first, second = build(file)(preset).stages
    assert list(trainable(module, first, "stages.0")) == ["loss.identity.weight", "loss.identity.bias"]
    assert not any(each.training for each in encoder.modules())
    assert len(trainable(module, second, "stages.1")) == 6
    assert all(each.training for each in module.modules())


def test_the_table_has_every_field_with_its_default_and_its_words():
    rows = table(PAGE.read_text(), "Several stages")
    documented = {name: row for name, row in rows.items() if name}
    assert list(documented) == [f"{kind.__name__}.{field.name}" for kind in KINDS for field in fields(kind)]
    for kind in KINDS:
        hints = get_type_hints(kind)
        for field in fields(kind):
            takes, _, default = documented[f"{kind.__name__}.{field.name}"]
            if field.default is not MISSING:
                assert eval(default.strip("`"), NAMES) == field.default
            elif field.default_factory is not MISSING:
                assert default == f"`{field.default_factory()!r}`"
            else:
                assert default == ""
            if get_origin(hints[field.name]) is Literal:
                assert takes == ", ".join(f'`"{word}"`' for word in get_args(hints[field.name]))


def test_the_table_has_every_sampler():
    section = PAGE.read_text().partition("`Clipping.sampler`")[2].partition("`Clipping.T`")[0]
    assert [f'"{name}"' in section for name in SAMPLERS] == [True] * len(SAMPLERS)
