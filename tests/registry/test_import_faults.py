"""What is said of a plugin that fails before it provides anything: its field, and the line of its own code."""

from __future__ import annotations

import pytest

from vreid_bench import InputError
from vreid_bench.registry.loading import LoadedPlugins
from vreid_bench.registry.plugin_files import PluginFile

HEAD = "from vreid_bench import Convention, hookimpl\n\n"
MADE = 'Convention("dusk", "1", None, "step", "skip", "", "", {})'
FIELDS = {
    'query=(("zone", ("gate",)),)': "its query has ('zone', ('gate',)), expected Having('zone', ('gate',))",
    "gallery=3": "its gallery is 3, expected a tuple such as (Having('zone', ('gate',)),)",
    'match=("zone",)': "its match is ('zone',), expected a tuple such as (Compared('outfit', 'other'),)",
    'cut="3"': "its cut is '3', expected an integer",
}


def refuse(path, text):
    path.write_text(HEAD + text)
    with pytest.raises(InputError) as refused:
        LoadedPlugins([PluginFile.open(path).load()])
    return str(refused.value)


@pytest.mark.parametrize("field", FIELDS)
def test_a_convention_that_cannot_be_made_is_told_by_its_field(tmp_path, field):
    path, made = tmp_path / "dusk.py", MADE.replace(", {}", f", {field}")
    said = f"convention 'dusk': {FIELDS[field]}"
    assert refuse(path, f"\nRULE = {made}\n") == f"plugin {path}: {said}; {path}, line 4; correct it"
    hook = f"@hookimpl\ndef vreid_conventions():\n    return {{'dusk': {made}}}\n"
    assert refuse(path, hook) == f"vreid_conventions of plugin 'dusk.py' of dusk.py: {said}; correct the plugin"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def f():\n    return [][1]\n\nf()\n", "IndexError: list index out of range; {path}, line 4"),
        ("import json\njson.loads('x')\n", "line 4)"),  # raised in another package
        ("x = = 1\n", "SyntaxError: invalid syntax (dusk.py, line 3)"),
        (f"RULE = {MADE.replace(', {}', ', least_frames=-1')}\n", "must be 0 or more; {path}, line 3"),
    ],
)
def test_a_failed_import_names_the_line_of_the_plugin(tmp_path, text, said):
    path = tmp_path / "dusk.py"
    assert said.format(path=path) in refuse(path, text)
