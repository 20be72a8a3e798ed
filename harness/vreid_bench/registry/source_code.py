"""Fingerprints of source code: equal code has an equal fingerprint, whatever its comments and docstrings say.

A number belongs to the code that computed it. The fingerprint of a module covers every module of the same packages that
it imports, directly or through others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from vreid_bench.registry.parsed_code import keep_codes, read_code
from vreid_bench.system.fingerprint import digest

CODE_NAME = "__code_name__"  # attribute of a module under whose value its code counts, if not under its own name


def fingerprint_modules(names: Iterable[str], packages: Iterable[str] = ()) -> str:
    """A hash over the code of modules and of all that they import from their own packages or from `packages`.

    names: full names of modules; packages: further top-level packages whose imports are followed. No module is
    imported. A module without source, such as a compiled one, counts with every byte of its file; one without a file
    does not count.
    """
    names = list(names)
    followed = {name.partition(".")[0] for name in names} | set(packages)
    return _fingerprint(names, lambda name: name.partition(".")[0] in followed)


def fingerprint_imports(
    names: Iterable[str],
    packages: Collection[str],
    without: Collection[str] = (),
    settled: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """A hash over the code of modules and of all that they import from `packages`, directly or through others.

    packages: full names; imports from others are not followed. without: modules in them that do not count, and whose
    own imports are not followed either. settled: modules that count with this hash, whatever their code is now.
    Otherwise as `fingerprint_modules`.
    """
    inside = [f"{package}." for package in packages]
    return _fingerprint(names, lambda name: name not in without and f"{name}.".startswith(tuple(inside)), settled)


def _fingerprint(
    names: Iterable[str], counts: Callable[[str], bool], settled: Mapping[str, str] = MappingProxyType({})
) -> str:
    """A hash over the code of the modules that count among `names` and all their imports."""
    open_ = list(names)
    found: dict[str, str] = {}
    while open_:
        name = open_.pop()
        if _name_code(name) in found or not counts(name) or (file := _find_file(name)) is None:
            continue
        code = read_code(file, name)
        found[_name_code(name)] = settled.get(name, code.fingerprint)
        open_ += [name.rpartition(".")[0], *code.imports]  # Python runs a package before its modules
    keep_codes()
    return digest(found)


def fingerprint_packages(*names: str) -> str:
    """A hash over the code of every module of these packages. What they import from other packages does not count."""
    found = {}
    for name in names:
        file = _find_file(name)
        if file is None:
            raise ModuleNotFoundError(f"no package {name!r}", name=name)
        for path in sorted(file.parent.rglob("*.py")):
            found[f"{name}/{path.relative_to(file.parent)}"] = read_code(path, name).fingerprint
    keep_codes()
    return digest(found)


def _name_code(name: str) -> str:
    return str(getattr(sys.modules.get(name), CODE_NAME, name))


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
