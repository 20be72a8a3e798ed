"""The code that a run's numbers belong to: which change of code changes the weights, the features or the scores."""

from __future__ import annotations

import importlib
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import pytest

from vreid_bench import Clipping, Method, Schedule, Train, hookimpl, part
from vreid_bench.planning.code import fingerprint_code
from vreid_bench.planning.method import MethodRequest, choose_method
from vreid_bench.registry import source_code
from vreid_bench.registry.parsed_code import read_code
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry

KINDS = {
    "encoders": "def net(): ...",
    "aggregators": "def pool(shape): ...",
    "matchers": "def mean(dim): ...",
    "losses": "def ce(dims, identities): ...",
    "augmentations": "def flip(): ...",
    "rerankers": "def near(k=3): ...",
    "protocols": "class Half:\n    name, conditions, leading = 'half', ('',), 1\n    def describe(self): return []",
}


def method(preset):
    stage = Train(Clipping("dense", 4), {"ce": 1.0}, 10, 4, 2, Schedule("constant", 1e-3), augment=(part("flip"),))
    return Method(part("net"), part("pool"), part("mean"), Clipping("dense", 4), (64, 32), {"ce": part("ce")}, (stage,))


@pytest.fixture
def yard(tmp_path, monkeypatch):
    """A package with a module for each kind of part, and the registry of its values."""
    (tmp_path / "codeyard").mkdir()
    (tmp_path / "codeyard/__init__.py").touch()
    for kind, text in KINDS.items():
        (tmp_path / f"codeyard/{kind}.py").write_text(f"{text}\n")
    # parsing the harness takes a second, and none of it changes here
    monkeypatch.setattr("vreid_bench.planning.code.fingerprint_imports", lambda *names: repr(names))
    monkeypatch.syspath_prepend(tmp_path)  # forgets what Python knew of its folders
    hooks = {"vreid_methods": hookimpl(lambda: {"plain": method})}
    for kind in KINDS:
        module = importlib.import_module(f"codeyard.{kind}")
        if kind != "protocols":
            [(name, value)] = [(k, v) for k, v in vars(module).items() if not k.startswith("__")]
            hooks[f"vreid_{kind}"] = hookimpl(lambda name=name, value=value: {name: value})
    plugin = SimpleNamespace(__name__="codeyard", **hooks)
    yield tmp_path / "codeyard", Registry([Plugin("codeyard", plugin, "vreid-codeyard", "1")])
    for name in [name for name in sys.modules if name.partition(".")[0] == "codeyard"]:
        del sys.modules[name]


def code(registry):
    read_code.cache_clear()
    chosen = choose_method(registry, MethodRequest("plain", "small", 0), (), "near")
    strategy = sys.modules["codeyard.protocols"].Half()
    return fingerprint_code(chosen.providers, strategy)


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        ("encoders", {"training", "features", "test"}),
        ("aggregators", {"training", "features", "test"}),
        ("matchers", {"training", "features", "test"}),
        ("losses", {"training"}),
        ("augmentations", {"training"}),
        ("rerankers", {"test"}),
        ("protocols", {"features", "test"}),
    ],
)
def test_an_edit_changes_what_the_part_decides_and_nothing_else(yard, kind, changed):
    folder, registry = yard
    before = asdict(code(registry))
    (folder / f"{kind}.py").write_text(f"{KINDS[kind]}\n# a remark\n")
    assert asdict(code(registry)) == before
    (folder / f"{kind}.py").write_text(f"{KINDS[kind]}\nMORE = 1\n")
    assert {step for step, value in asdict(code(registry)).items() if value != before[step]} == changed


def test_another_version_of_the_distribution_changes_everything(yard):
    """Its compiled code has no source that could be compared."""
    _, registry = yard
    before = asdict(code(registry))
    plugins = [replace(plugin, version="2") for plugin in registry._loaded.plugins.values()]
    after = asdict(code(Registry(plugins)))
    assert all(after[step] != before[step] for step in before)


@pytest.mark.parametrize(
    ("module", "changed"),
    [
        ("ops.metric", {"training", "features", "test"}),
        ("contracts.people", {"training", "test"}),
        ("modeling.clips", {"training", "features", "test"}),
        ("contracts.convention", {"test"}),
        ("contracts.dataset", {"test"}),  # whose content has fingerprints of its own
        ("training.batches", {"training"}),
        ("training.validation", set()),  # which watches
        ("modeling.training_checks", set()),  # which work on copies
        ("evaluation.evaluate", {"test"}),
        ("scoring.metrics", {"test"}),
        ("evaluation.run_scores", {"test"}),
        ("evaluation.inspection", set()),
        ("contracts.hookspecs", set()),
        ("reporting.board", set()),
    ],
)
def test_an_edit_of_the_harness_changes_the_steps_that_import_it(monkeypatch, module, changed):
    before = asdict(fingerprint_code([], None))
    known = source_code.read_code

    def edited(file, name):
        code = known(file, name)
        return code._replace(fingerprint="edited") if name == f"vreid_bench.{module}" else code

    monkeypatch.setattr(source_code, "read_code", edited)
    assert {step for step, value in asdict(fingerprint_code([], None)).items() if value != before[step]} == changed
