"""Fingerprints of source code: what changes them, and what does not."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from vreid_bench.registry.parsed_code import read_code
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.source_code import fingerprint_imports, fingerprint_modules, fingerprint_packages

FILES = {
    "__init__.py": "",
    "net.py": '"""A network."""\nfrom . import blocks\nfrom .shape import WIDTH\n\n\ndef net():\n    return WIDTH\n',
    "blocks/__init__.py": "from shed.blocks.residual import Block\n",
    "blocks/residual.py": "class Block:\n    depth = 2\n",
    "shape.py": "WIDTH = 8\n",
    "other.py": "import fence\n\nHEIGHT = 9\n",
}


@pytest.fixture
def yard(tmp_path, monkeypatch):
    """Two packages on the path, `shed` and `fence`, which nobody imports; returns the folder of `shed`."""
    for package, files in {"shed": FILES, "fence": {"__init__.py": "POSTS = 3\n"}}.items():
        for name, text in files.items():
            (tmp_path / package / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / package / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)  # forgets what Python knew of its folders
    return tmp_path / "shed"


def code(*names, packages=()):
    read_code.cache_clear()  # a process reads each file once
    return fingerprint_modules(names, packages)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("net.py", '"""A network."""', '"""What a network is."""'),
        ("net.py", "return WIDTH", "return WIDTH  # of the maps"),
        ("net.py", "def net():\n", 'def net():\n    """The width."""\n'),
        ("net.py", "\n\n\n", "\n\n\n\n\n"),
        ("blocks/residual.py", "depth = 2", "depth = (2)"),
        ("other.py", "HEIGHT = 9", "HEIGHT = 10"),  # which it does not import
    ],
)
def test_comments_docstrings_layout_and_other_modules_change_nothing(yard, file, old, new):
    before = code("shed.net")
    assert old in FILES[file]
    (yard / file).write_text(FILES[file].replace(old, new))
    assert code("shed.net") == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("net.py", "return WIDTH", "return WIDTH + 1"),
        ("shape.py", "8", "16"),
        ("blocks/residual.py", "depth = 2", "depth = 3"),  # two imports away
        ("__init__.py", "", "import sys\n"),  # Python runs it before the others
        ("net.py", "def net():\n", 'def net():\n    "The width." + ""\n'),
    ],
)
def test_code_of_the_module_and_of_what_it_imports_changes_it(yard, file, old, new):
    before = code("shed.net")
    (yard / file).write_text(FILES[file].replace(old, new))
    assert code("shed.net") != before


def test_other_packages_count_if_they_are_of_the_distribution(yard):
    before, both = code("shed.other"), code("shed.other", packages=("fence",))
    (yard.parent / "fence/__init__.py").write_text("POSTS = 4\n")
    assert code("shed.other") == before
    assert code("shed.other", packages=("fence",)) != both


def test_nothing_is_imported(yard):
    code("shed.net")
    assert not [name for name in sys.modules if name.partition(".")[0] == "shed"]


def test_of_a_file_without_source_every_byte_counts(yard):
    (yard / "shape.py").write_bytes(b"\x00compiled")
    before = code("shed.net")
    (yard / "shape.py").write_bytes(b"\x00compiled.")
    assert code("shed.net") != before


def test_a_package_counts_with_all_its_modules(yard):
    before = fingerprint_packages("shed")
    read_code.cache_clear()
    (yard / "other.py").write_text("HEIGHT = 10\n")
    assert fingerprint_packages("shed") != before
    with pytest.raises(ModuleNotFoundError, match="garden"):
        fingerprint_packages("garden")


@pytest.mark.parametrize(
    ("file", "packages", "without", "counts"),
    [
        ("blocks/residual.py", ("shed.net", "shed.blocks"), (), True),
        ("blocks/residual.py", ("shed.net",), (), False),
        ("blocks/residual.py", ("shed",), ("shed.blocks.residual",), False),
        ("blocks/residual.py", ("shed",), ("shed.blocks",), True),  # imported by its own name, too
        ("shape.py", ("shed",), ("shed.blocks",), True),
        ("shape.py", ("shed.net", "shed.sha"), (), False),  # a name that begins alike is another package
    ],
)
def test_imports_count_where_they_are_followed(yard, file, packages, without, counts):
    (yard / "net.py").write_text(FILES["net.py"] + "import shed.blocks.residual\n")
    before = fingerprint_imports(["shed.net"], packages, without)
    read_code.cache_clear()
    (yard / file).write_text("MORE = 1\n")
    assert (fingerprint_imports(["shed.net"], packages, without) != before) == counts


def test_a_settled_module_counts_with_its_hash_and_its_imports_with_their_code(yard):
    def code(settled):
        read_code.cache_clear()
        return fingerprint_imports(["shed.net"], ["shed"], settled={"shed.blocks": settled})

    before = code("then")
    assert code("now") != before
    (yard / "blocks/__init__.py").write_text(f"{FILES['blocks/__init__.py']}MORE = 1\n")
    assert code("then") == before
    (yard / "blocks/residual.py").write_text("MORE = 1\n")
    assert code("then") != before


def test_the_parts_of_the_tree_count_as_those_of_strangers(tmp_path, monkeypatch):
    module = importlib.import_module("vreid_plugins.aggregators.pooling")
    average, text = Registry.installed().entry("aggregators", "average"), Path(module.__file__).read_text()
    before = average.code
    codes = []
    for number, new in enumerate(("maps.mean((1, 3, 4))  # a remark", "maps.sum((1, 3, 4))")):
        assert "maps.mean((1, 3, 4))" in text
        (tmp_path / f"{number}.py").write_text(text.replace("maps.mean((1, 3, 4))", new))
        monkeypatch.setattr(module, "__file__", str(tmp_path / f"{number}.py"))
        codes.append(average.code)
    assert [code == before for code in codes] == [True, False]
