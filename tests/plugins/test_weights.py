"""The weights that this package ships: what they are, that they fit, and that they are as small as promised."""

import re
from pathlib import Path

import pytest
import torch
from places import ROOT
from safetensors.torch import load_file
from setuptools.dist import Distribution

from vreid_bench.contracts.recipe import describe_part
from vreid_bench.modeling.pretrained import fit_file
from vreid_bench.modeling.weights_option import WeightsFile, hash_file
from vreid_bench.records.encoder_file import hash_tensors
from vreid_bench.records.encoder_note import read_encoder_note
from vreid_bench.registry.registry import Registry
from vreid_plugins.weights import WEIGHTS

FILES = sorted(WEIGHTS.glob("*.safetensors"))
MAKEFILE = (ROOT / "Makefile").read_text()
REGISTRY = Registry.installed()
MADE = dict(each.split("/") for each in re.search(r"^SHIPPED := (.*)$", MAKEFILE, re.MULTILINE)[1].split())


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def file(request):
    return request.param


def test_all_of_them_are_small_and_in_the_package():
    assert FILES
    assert sum(path.stat().st_size for path in FILES) < 6e6
    assert {path.stem for path in FILES} == set(MADE.values())
    assert {path for entry in REGISTRY.entries("encoders") for path in entry.shipped} == set(map(str, FILES))
    configuration = Distribution({"src_root": str(ROOT)})
    configuration.parse_config_files([str(ROOT / "pyproject.toml")])
    patterns = configuration.package_data["vreid_plugins.weights"]
    assert {path.name for pattern in patterns for path in WEIGHTS.glob(pattern)} == {path.name for path in FILES}


def test_the_note_is_that_of_the_file(file):
    note, tensors = read_encoder_note(file), load_file(file)
    assert note.content == hash_tensors(tensors)
    assert all(value.dtype == torch.float32 and value.isfinite().all() for value in tensors.values())
    assert (note.protocol, note.seed, note.arithmetic) == ("pretraining", 0, "portable")
    assert note.mAP > 0.2  # random weights give 0.06


def test_the_encoder_ships_it_and_takes_all_of_it(file):
    note = read_encoder_note(file)
    part = REGISTRY.resolve("encoders", note.part)
    assert part == note.part  # with every option
    entry = REGISTRY.entry("encoders", part.name)
    assert file in map(Path, entry.shipped)
    encoder = REGISTRY.factory("encoders", part)()
    found = fit_file(WeightsFile("encoder", file, hash_file(file), shipped=True), part.name, encoder, entry.title)
    assert (found.fills(("*",)), found.remarks) == (True, ())
    found.load(encoder)
    for name, value in load_file(file).items():
        assert (encoder.state_dict()[name] == value).all()


def test_it_is_the_encoder_of_the_method_that_it_is_made_for(file):
    [method] = [method for method, name in MADE.items() if name == file.stem]
    entry = REGISTRY.entry("methods", method)
    assert REGISTRY.build_method(entry, "small").encoder == read_encoder_note(file).part


def test_the_docs_have_its_row(file):
    note = read_encoder_note(file)
    methods = [name for name, stem in MADE.items() if stem == file.stem]
    row = f"| `{file.name}` | `{describe_part(note.part)}` | {', '.join(f'`{name}`' for name in methods)} | "
    scores = f"{note.steps:,} | {100 * note.mAP:.1f} | {100 * note.R1:.1f} |\n"
    assert row + scores in (ROOT / "docs/pretrained.md").read_text()
