"""The line of a plugin's code that is told for an exception of it."""

import json
import sys
import types

import pytest
import torch
from torch import nn

from vreid_bench.registry.entry import blame
from vreid_bench.registry.failures import find_raising_line
from vreid_bench.system.errors import InputError

CODE = """
import json
from torch import nn

class Part(nn.Module):
    def forward(self, x):
        return self.shape(x)

    def shape(self, x):
        return x.reshape(7)

def library():
    return json.loads("{")

def own(value):
    raise ValueError(value)
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A module of a file, as a plugin is."""
    path = tmp_path / "cubes.py"
    path.write_text(CODE)
    module = types.ModuleType("cubes")
    monkeypatch.setitem(sys.modules, "cubes", module)
    exec(compile(CODE, str(path), "exec"), vars(module))
    return module


def caught(work, *given):
    """What `work` raises where the harness calls it: a frame of this file would be taken for the plugin's."""
    called = {"__name__": "vreid_bench.modeling.model", "work": work, "given": given}
    try:
        exec("work(*given)", called)
    except Exception as fault:
        return fault.with_traceback(fault.__traceback__.tb_next)
    raise AssertionError("nothing was raised")


def test_it_is_the_innermost_line_of_the_plugin_however_torch_calls_it(plugin, tmp_path):
    line = CODE.split("\n").index("        return x.reshape(7)") + 1
    assert find_raising_line(caught(plugin.Part(), torch.zeros(3))) == f"{tmp_path / 'cubes.py'}, line {line}, in shape"


def test_a_library_that_the_plugin_calls_is_not_its_code(plugin, tmp_path):
    fault = caught(plugin.library)
    assert isinstance(fault, json.JSONDecodeError)
    line = CODE.split("\n").index('    return json.loads("{")') + 1
    assert find_raising_line(fault) == f"{tmp_path / 'cubes.py'}, line {line}, in library"


@pytest.mark.parametrize(("work", "given"), [("Part", (1, 2, 3)), ("own", ())])
def test_a_call_that_does_not_fit_has_no_line(plugin, work, given):
    assert find_raising_line(caught(getattr(plugin, work), *given)) == ""


def test_torch_alone_is_nobodys_line():
    assert find_raising_line(caught(nn.Linear(2, 2), torch.zeros(3))) == ""


def test_the_sentence_names_part_fault_and_line():
    with pytest.raises(InputError) as told, blame("loss 'cubes' of cubes.py"):
        _raise("three are\ntoo few")
    line = _raise.__code__.co_firstlineno + 1
    assert str(told.value) == (
        f"loss 'cubes' of cubes.py failed (ValueError: three are too few) at {__file__}, line {line}, in _raise; "
        "VREID_TRACEBACK=1 shows the calls before"
    )


def _raise(text):
    raise ValueError(text)
