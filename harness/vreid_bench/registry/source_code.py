"""Fingerprints of source code: equal code has an equal fingerprint, whatever its comments and docstrings say.

A number belongs to the code that computed it. The fingerprint of a module covers every module of the same packages that
it imports, directly or through others.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from vreid_bench.system.fingerprint import digest, sha256

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def fingerprint_modules(names: Iterable[str], packages: Iterable[str] = ()) -> str:
    """A hash over the code of modules and of all that they import from their own packages or from `packages`.

    names: full names of modules; packages: further top-level packages whose imports are followed. No module is
    imported. A module without source, such as a compiled one, counts with every byte of its file; one without a file
    does not count.
    """
    open_ = list(names)
    followed = {name.partition(".")[0] for name in open_} | set(packages)
    found: dict[str, str] = {}
    while open_:
        name = open_.pop()
        if name in found or name.partition(".")[0] not in followed or (file := _find_file(name)) is None:
            continue
        code = _read(file, name)
        found[name] = code.fingerprint
        open_ += [name.rpartition(".")[0], *code.imports]  # Python runs a package before its modules
    return digest(found)


def fingerprint_packages(*names: str) -> str:
    """A hash over the code of every module of these packages. What they import from other packages does not count."""
    found = {}
    for name in names:
        file = _find_file(name)
        if file is None:
            raise ModuleNotFoundError(f"no package {name!r}", name=name)
        for path in sorted(file.parent.rglob("*.py")):
            found[f"{name}/{path.relative_to(file.parent)}"] = _read(path, name).fingerprint
    return digest(found)


class _Code:
    """What a file holds: a hash of its code, and the full names of all that it may import."""

    def __init__(self, fingerprint: str, imports: tuple[str, ...]) -> None:
        self.fingerprint, self.imports = fingerprint, imports


def _find_file(name: str) -> Path | None:
    """The file of a module; None if `name` is no module or has no file. Nothing is imported."""
    if (module := sys.modules.get(name)) is not None:
        file = getattr(module, "__file__", None)
        return Path(file) if file and Path(file).is_file() else None
    top, *inner = name.split(".")
    spec = find_spec(top) if top else None
    if spec is None:
        return None
    folders = [Path(folder, *inner) for folder in spec.submodule_search_locations or ()]
    files = [file for folder in folders for file in (folder / "__init__.py", folder.with_suffix(".py"))]
    if not inner and spec.has_location and spec.origin:
        files.append(Path(spec.origin))
    return next((file for file in files if file.is_file()), None)


@cache
def _read(file: Path, name: str) -> _Code:
    content = file.read_bytes()
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # not source code
        return _Code(sha256(content), ())
    imports = tuple(_list_imports(tree, name, is_package=file.name == "__init__.py"))
    for node in ast.walk(tree):
        if isinstance(node, DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return _Code(sha256(ast.unparse(tree).encode()), imports)


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
