"""The rules that keep rooms and plugins apart find what breaks them: each on a small tree."""

import import_graph
import pytest

ROOMS = ["system", "scoring", "run", "cli"]
WHOLE = {
    "vreid_bench/__init__.py": '_HOME = {"vreid_bench.scoring.score": ("score",)}\n__all__ = ["score"]\n',
    "vreid_bench/__main__.py": "from vreid_bench.cli.main import main\n",
    "vreid_bench/system/__init__.py": "",
    "vreid_bench/system/files.py": "",
    "vreid_bench/scoring/__init__.py": "",
    "vreid_bench/scoring/score.py": "from vreid_bench.system import files\n",
    "vreid_bench/scoring/metrics.py": "",
    "vreid_bench/run.py": "import vreid_bench.scoring.score\n",
    "vreid_bench/cli/__init__.py": "",
    "vreid_bench/cli/main.py": "def main():\n    from vreid_bench.run import run\n",
    "vreid_plugins/__init__.py": "",
    "vreid_plugins/tacan.py": "from vreid_bench import score\nfrom vreid_plugins.losses import triplet\n",
    "vreid_plugins/ica.py": "",
    "vreid_plugins/losses/__init__.py": "",
    "vreid_plugins/losses/triplet.py": "import torch\n\nfrom vreid_bench import score\n",
}
DOOR = '''
from vreid_bench.scoring.score import A, B, Documented, constant, documented
ALIAS = A | B
"""What it is."""
MARK = object()  # what it is for
BARE = 1
__all__ = ["A", "B", "BARE", "ALIAS", "Documented", "MARK", "constant", "documented", "missing"]
'''
DEFINED = '''
from vreid_bench.scoring.metrics import B
class A: ...
class Documented:
    """Is."""
def documented():
    """Is."""
constant: int = 2
'''


@pytest.fixture
def tree(tmp_path):
    """Write the whole tree with some files replaced; returns its modules and imports."""

    def write(changed=()):
        put(tmp_path, WHOLE | dict(changed))
        sources = import_graph.modules(tmp_path / "vreid_bench") | import_graph.modules(tmp_path / "vreid_plugins")
        return sources, import_graph.imports(sources)

    return write


def put(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_a_tree_in_order_has_no_faults(tree):
    sources, found = tree()
    assert import_graph.order_faults(found, ROOMS) == []
    assert import_graph.circles(found) == []
    assert import_graph.room_faults(sources, ROOMS) == []
    assert import_graph.door_faults(found) == []
    assert import_graph.plugin_faults(found, sources) == []
    assert import_graph.floors(found, ROOMS) == 4


def test_the_strings_of_the_door_are_its_imports(tree):
    _, found = tree()
    assert [str(each) for each in found if each.importer == "vreid_bench"] == [
        "vreid_bench, line 1, imports vreid_bench.scoring.score"
    ]


def test_the_list_of_rooms_is_read_from_its_section_alone():
    text = "1. `no/`: a step.\n\n## Rooms\n\n1. `system/`: files.\n2. `run.py`: the walk.\n\n## More\n\n1. `no/`: x.\n"
    assert import_graph.rooms_listed(text) == ["system", "run"]
    assert import_graph.rooms_listed("## Other\n\n1. `system/`: files.\n") == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("from vreid_bench.scoring.score import score\n", id="at the top"),
        pytest.param("from vreid_bench.scoring import score\n", id="by its module"),
        pytest.param("import vreid_bench.scoring.score as other\n", id="as a whole"),
        pytest.param("from ..scoring import score\n", id="relative"),
        pytest.param("def f():\n    from vreid_bench.scoring import score\n", id="in a function"),
        pytest.param("if TYPE_CHECKING:\n    from vreid_bench.scoring.score import score\n", id="for types alone"),
        pytest.param('importlib.import_module("vreid_bench.scoring.score")\n', id="by a string"),
    ],
)
def test_an_arrow_back_is_found_however_it_is_written(tree, text):
    _, found = tree({"vreid_bench/system/files.py": text})
    (fault,) = import_graph.order_faults(found, ROOMS)
    assert fault.startswith("vreid_bench.system.files, line ")
    assert " imports vreid_bench.scoring.score: system stands above scoring " in fault


def test_run_is_a_room_of_the_order(tree):
    _, found = tree({"vreid_bench/scoring/metrics.py": "from vreid_bench import run\n"})
    (fault,) = import_graph.order_faults(found, ROOMS)
    assert "scoring stands above run" in fault


def test_a_circle_within_a_room_is_found(tree):
    _, found = tree(
        {
            "vreid_bench/scoring/score.py": "from vreid_bench.scoring import metrics\n",
            "vreid_bench/scoring/metrics.py": "def f():\n    from vreid_bench.scoring.score import score\n",
        }
    )
    score, metrics = "vreid_bench.scoring.score", "vreid_bench.scoring.metrics"
    (fault,) = import_graph.circles(found)
    assert fault in (f"a circle: {score} -> {metrics} -> {score}", f"a circle: {metrics} -> {score} -> {metrics}")


def test_every_circle_is_found(tree):
    _, found = tree(
        {
            "vreid_bench/scoring/__init__.py": "from vreid_bench.scoring.score import score\n",
            "vreid_bench/scoring/score.py": "from vreid_bench.scoring import name\n",
            "vreid_plugins/ica.py": "from vreid_plugins import tacan\n",
            "vreid_plugins/tacan.py": "from vreid_plugins import ica\n",
        }
    )
    assert len(import_graph.circles(found)) == 2


def test_a_room_on_one_side_alone_is_found(tree):
    sources, _ = tree({"vreid_bench/attic/__init__.py": ""})
    assert import_graph.room_faults(sources, [*ROOMS, "cellar"]) == [
        "attic is a room that CONTRIBUTING.md does not list",
        "cellar is listed in CONTRIBUTING.md and does not exist",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "from vreid_bench import score\n",
        "import vreid_bench\n",
        "import vreid_bench.__main__\n",
        "from .. import score\n",
        "from vreid_plugins.losses import triplet\n",
        "import vreid_plugins\n",
    ],
)
def test_a_harness_module_that_imports_the_door_or_a_plugin_is_found(tree, text):
    _, found = tree({"vreid_bench/scoring/metrics.py": text})
    (fault,) = import_graph.door_faults(found)
    assert fault.startswith("vreid_bench.scoring.metrics, line 1, imports vreid_")


@pytest.mark.parametrize("text", ["from vreid_bench.scoring.score import score\n", "from vreid_bench import scoring\n"])
def test_a_plugin_that_reaches_past_the_door_is_found(tree, text):
    sources, found = tree({"vreid_plugins/losses/triplet.py": text})
    (fault,) = import_graph.plugin_faults(found, sources)
    assert "a plugin imports vreid_bench alone" in fault


@pytest.mark.parametrize("importer", ["ica", "losses/triplet"])
def test_whatever_imports_a_paper_is_found(tree, importer):
    sources, found = tree({f"vreid_plugins/{importer}.py": "from vreid_plugins.tacan import Tacan\n"})
    (fault,) = import_graph.plugin_faults(found, sources)
    assert "imports vreid_plugins.tacan: nothing imports a paper" in fault


def test_an_include_from_another_op_is_found(tmp_path):
    put(
        tmp_path,
        {
            "common/threads.h": "",
            "ranks/count.h": '#include "../common/threads.h"\n',
            "ranks/ranks.cpp": '#include "count.h"\n#include <vector>\n#include "generated.h"\n',
            "clip/cpu/clip.cpp": '#include "threads.h"\n#include "clip/cuda/clip.cuh"\n',
            "clip/cuda/clip.cuh": "",
        },
    )
    assert import_graph.include_faults(tmp_path) == []
    put(
        tmp_path, {"clip/cpu/clip.cpp": '#include "../../ranks/count.h"\n', "common/threads.h": '# include "count.h"\n'}
    )
    assert [fault.partition(", ")[0] for fault in import_graph.include_faults(tmp_path)] == [
        "clip/cpu/clip.cpp includes ranks/count.h",
        "common/threads.h includes ranks/count.h",
    ]


def test_a_loose_file_of_csrc_is_found(tmp_path):
    put(tmp_path, {"ranks/ranks.cpp": "", "loose.cpp": ""})
    assert import_graph.include_faults(tmp_path) == ["loose.cpp lies in no folder of csrc"]


def test_a_test_without_a_room_is_found(tmp_path):
    put(tmp_path, {"test_docs.py": "", "system/test_files.py": "", "attic/test_dust.py": "", "support/faults.py": ""})
    assert import_graph.homeless_tests(tmp_path, ROOMS) == ["tests/attic/test_dust.py: there is no room attic"]


@pytest.mark.parametrize(
    "parameter",
    ["this: Run", 'this: "Run"', "*, this: Run | None = None", "*all: Run", "this: work.Run", "these: list[Run]"],
)
def test_a_parameter_of_a_type_is_found(tree, parameter):
    sources, _ = tree({"vreid_bench/scoring/metrics.py": f"class A:\n    def f(self, {parameter}):\n        pass\n"})
    (fault,) = import_graph.parameters_of_type(sources, "Run")
    assert fault == "vreid_bench.scoring.metrics.f, line 2, takes a Run"


def test_other_types_are_not_that_type(tree):
    text = "def f(a: RunDirectory, Run: int, b=None) -> Run:\n    pass\n"
    sources, _ = tree({"vreid_bench/scoring/metrics.py": text})
    assert import_graph.parameters_of_type(sources, "Run") == []


def test_a_public_name_without_a_docstring_is_found(tree):
    sources, _ = tree(
        {
            "vreid_bench/__init__.py": DOOR,
            "vreid_bench/scoring/score.py": DEFINED,
            "vreid_bench/scoring/metrics.py": "def B():\n    pass\n",
        }
    )
    names = import_graph.public_names(sources["vreid_bench"])
    assert len(names) == 9
    faults = import_graph.undocumented(sources, "vreid_bench", names)
    assert [fault.split()[0] for fault in faults] == ["A", "B", "BARE", "constant", "missing"]
