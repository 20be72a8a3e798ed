"""How the plugins of an earlier run are named in a message."""

import pytest

from vreid_bench.registry.missing_plugins import advise_plugin
from vreid_bench.registry.plugin_files import HASH


@pytest.mark.parametrize(
    ("files", "advice"),
    [
        ((), "install its package, or name its file in VREID_PLUGIN_FILES"),
        (("b.py", "b.py"), "name b.py with --plugin FILE.py, or in VREID_PLUGIN_FILES where a command has no --plugin"),
        (("b.py", "a.py"), "name them by VREID_PLUGIN_FILES=a.py:b.py"),  # several --plugin are several runs
    ],
)
def test_files_are_named_as_a_command_takes_them(files, advice):
    installed = {"distribution": "vreid-bench", "version": "0.1.0"}
    assert advise_plugin([installed, *({"distribution": each, "version": f"{HASH}0"} for each in files)]) == advice
