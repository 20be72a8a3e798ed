"""What a source file holds: a hash of its code, and what it imports. A file is parsed once for each change of it."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from vreid_bench.registry.source_state import read_state
from vreid_bench.system.cache_folder import read_cached, write_cached
from vreid_bench.system.fingerprint import digest, sha256
from vreid_bench.system.plain_json import load_json

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


class Code(NamedTuple):
    """A hash of the code of a file, whatever its comments and docstrings say, and the names of all it may import."""

    fingerprint: str
    imports: tuple[str, ...]  # full names


@cache
def read_code(file: Path, name: str) -> Code:
    """The code of the file of the module `name`. A file that is not source code counts with every byte."""
    memory, key = _remember(), f"{name} {file}"
    if key in memory and memory[key][0] == read_state(str(file)):
        _, fingerprint, imports = memory[key]
        return Code(fingerprint, tuple(imports))
    code = _parse(file, name)
    if (state := read_state(str(file))) is not None:  # after the file was read, so that it is not newer than that
        memory[key] = [state, *code]
        memory.changed = True
    return code


def keep_codes() -> None:
    """Let other processes know what this one has parsed. Files that are gone are forgotten."""
    memory = _remember()
    if memory.changed:
        present = {key: code for key, code in memory.items() if Path(key.partition(" ")[2]).exists()}
        write_cached(_name(), json.dumps(present).encode())
        memory.changed = False


class _Memory(dict[str, list[Any]]):
    """Name and path of a module -> size and modification time of its file, and its code."""

    changed = False  # since it was read or written


@cache
def _remember() -> _Memory:
    content = read_cached(_name())
    try:
        known = load_json(content) if content else {}
        return _Memory({key: [state, str(code), tuple(imports)] for key, (state, code, imports) in known.items()})
    except (ValueError, TypeError, AttributeError):  # of somebody else
        return _Memory()


def _name() -> str:
    """The file of the memory: one for each Python, whose parsers differ, and for each version of this module."""
    return f"code/{digest([sys.version, sha256(Path(__file__).read_bytes())])[:16]}"


def _parse(file: Path, name: str) -> Code:
    content = file.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # not source code
        return Code(sha256(content), ())
    imports = tuple(_list_imports(tree, name, is_package=file.name == "__init__.py"))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return Code(sha256(ast.unparse(tree).encode()), imports)


def _list_imports(tree: ast.Module, name: str, *, is_package: bool) -> Iterator[str]:
    """Every name that an import statement may mean: modules, and what is taken from them, which may be modules."""
    package = name if is_package else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*parents, *filter(None, [node.module])])
            yield from (module, *(f"{module}.{alias.name}" for alias in node.names))
