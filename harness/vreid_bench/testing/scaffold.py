"""A new plugin as an installable package: rendered from templates, and never written over anything."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from vreid_bench.registry.entry import KINDS
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40  # characters of a name
SHARED = ("pyproject.toml", "README.md")
DATA = ("dataset", "protocol")  # kinds whose tests need data


def write_package(name: str, kind: str, parent: Path, registry: Registry) -> list[Path]:
    """Write the package `vreid-<name>` into a new folder of that name below `parent`; returns its files.

    Raises InputError for a name that cannot be one, that is taken, or whose folder exists.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        raise InputError(
            f"{name!r} cannot be the name of a plugin; expected up to {LONGEST} lower-case letters and digits, with "
            "single dashes between words, such as soft-min"
        )
    plural = next(each for each, one in KINDS.items() if one == kind)
    if (taken := registry.find(plural, name)) is not None:
        raise InputError(f"{taken.title} has this name already; choose another")
    folder = parent / f"vreid-{name}"
    if folder.exists():
        raise InputError(f"{folder}: is there already and is not written over; choose another name or --out")
    module = f"vreid_{name.replace('-', '_')}"
    title = "".join(word.capitalize() for word in name.split("-"))
    facts = {"name": name, "kind": kind, "plural": plural, "module": module, "title": title}
    contents = {each: _render(f"{each}.jinja", facts) for each in SHARED}
    contents[f"{module}/__init__.py"] = _render(f"{kind}.py.jinja", facts)
    contents[f"test_{module}.py"] = _render("data_test.py.jinja" if kind in DATA else "test.py.jinja", facts)
    (folder / module).mkdir(parents=True)
    for file, text in contents.items():
        write_atomic(folder / file, text.encode())
    return [folder / file for file in contents]


def _render(template: str, facts: dict[str, str]) -> str:
    text = files("vreid_bench.testing").joinpath("templates", template).read_text()
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    return environment.from_string(text).render(facts)
