"""The pages of the hooks and of the public door, from their signatures, fields and docstrings."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterable
from typing import Any

import vreid_bench
from vreid_bench.contracts import dataset, hookspecs, parts

# What a plugin gives and gets, by the page's headings; other names of the public door stand under "More".
GROUPS = {
    "Scoring": "score Report Metric Convention Compared Having",
    "Recipes": (
        "Method Train Fit Clipping Part part Preset Schedule Optimizer Epochs Reported reported_row reported_table "
        "shrink_method shrink_training SMALL_SIZE STEPS"
    ),
    "What parts receive and return": "Batch Clips ClipFeatures PairScores Hardest Published WeightFile Family",
    "Data sets and protocols": (
        "Dataset Split Tracklet Roles Source SYNTHETIC DISTRACTOR JUNK person_ids DatasetCheck Count "
        "DatasetDescription Known Unscored Protocol Cases Corruption ClipCorruption Distortion Reassociation Selection"
    ),
    "Checkpoints": "Checkpoint CheckpointFamily Container Opened Renaming Shapes",
    "Clip ops and distances": (
        "clip_distance clip_batch_hard clip_mean ClipRule ClipSide pairwise_distance batch_hard add_query_clip "
        "count_top pair_importance sequential_similarity nearest_columns"
    ),
    "Re-ranking": "FromFeatures FromDistances KReciprocalRule k_reciprocal_distance RERANK_MEMORY",
}


def hooks_page() -> str:
    """Every hook with its signature and docstring, and the types that a plugin's values have."""
    hooks = {name: value for name, value in vars(hookspecs).items() if name.startswith("vreid_")}
    events = [name for name, hook in hooks.items() if inspect.signature(hook).parameters]
    text = [
        "# Hooks",
        "A plugin implements the hooks that it needs: functions of these names, marked with `@vreid_bench.hookimpl`. "
        "[Plugins](../plugins.md) has complete ones. Those of the first group take no arguments and return names with "
        "what they stand for.",
        "## What a plugin provides",
        *(_hook(name, hook) for name, hook in hooks.items() if name not in events),
        "## Events",
        "Called while a run goes on, for what follows runs. They return nothing.",
        *(_hook(name, hooks[name]) for name in events),
        "## What a hook returns",
        "Structural types: a class that has these methods needs no base class.",
        *(_definition(getattr(parts, name), name) for name in _protocols(parts)),
        *(_definition(getattr(dataset, name), name) for name in _protocols(dataset)),
    ]
    return "\n\n".join(text) + "\n"


def python_page() -> str:
    """Every name of the public door with its signature or fields, and its docstring."""
    groups = {title: names.split() for title, names in GROUPS.items()}
    listed = {"hookimpl", *(name for names in groups.values() for name in names)}
    groups["More"] = [name for name in vreid_bench.__all__ if name not in listed]
    text = [
        "# Python",
        "What `import vreid_bench` gives: all that a plugin or a notebook needs. Other modules may change at any time.",
    ]
    for title, names in groups.items():
        text.append(f"## {title}")
        text += [_definition(getattr(vreid_bench, name), name) for name in names]
    return "\n\n".join(text) + "\n"


def prose(text: str | None) -> str:
    """A docstring as Markdown: what Markdown would read as its own signs is escaped; indented lines are code."""
    blocks = []
    for block in (inspect.cleandoc(text) if text else "").split("\n\n"):
        if block.startswith("    "):
            blocks.append(f"```text\n{textwrap.dedent(block)}\n```")
            continue
        pieces = block.split("`")
        pieces[::2] = [_escape(piece) for piece in pieces[::2]]
        blocks.append("`".join(pieces).replace("\n\\-", "\n\n\\-"))
    return "\n\n".join(blocks)


def _escape(text: str) -> str:
    """Of the signs of Markdown, only the stars around a stressed word are left."""
    return re.sub(r"[\\_\[\]#]|\*(?!\w+\*)(?<!\w\*)", r"\\\g<0>", text).replace("<", "&lt;")


def _hook(name: str, hook: Any) -> str:
    return f"### `{name}`\n\n```python\n@hookimpl\n{_signature(hook)} ...\n```\n\n{prose(hook.__doc__)}"


def _protocols(module: Any) -> Iterable[str]:
    """The structural types that a module defines, in its order."""
    for name, value in vars(module).items():
        if getattr(value, "_is_protocol", False) and value.__module__ == module.__name__:
            yield name


def _definition(value: Any, name: str) -> str:
    """A heading, the declaration as code, and the docstring."""
    if inspect.isclass(value):
        doc = value.__doc__ if not (value.__doc__ or "").startswith(f"{name}(") else ""
        return f"### `{name}`\n\n```python\n{_fields(value)}\n```\n\n{prose(doc)}"
    if inspect.isfunction(value):
        return f"### `{name}`\n\n```python\n{_signature(value)}\n```\n\n{prose(value.__doc__)}"
    return f"### `{name}`\n\n```python\n{name} = {_shown(value)}\n```"


def _shown(value: Any) -> str:
    return str(value).replace("typing.", "") if not isinstance(value, str | int | float) else repr(value)


def _signature(function: Any) -> str:
    """`def name(...)` as it stands in the source, with its comments on shapes, without decorators and body."""
    source = textwrap.dedent(inspect.getsource(function))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef)
    return _lines(source, node.lineno, node.body[0].lineno - 1)


def _fields(kind: type) -> str:
    """`class name:` with its fields and their comments, and the signatures of its public methods."""
    source = textwrap.dedent(inspect.getsource(kind))
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.ClassDef)
    kept = [_lines(source, node.lineno, node.lineno)]
    for entry in node.body:
        if isinstance(entry, ast.AnnAssign):
            kept.append(_lines(source, entry.lineno, entry.end_lineno or entry.lineno))
        elif isinstance(entry, ast.FunctionDef) and (
            entry.name == "__call__" or not entry.name.startswith("_") or _builds(entry, kind)
        ):
            kept.append(_method(source, entry))
    return "\n".join(kept)


def _builds(entry: ast.FunctionDef, kind: type) -> bool:
    """Is it the constructor of a class whose fields do not say how to make one?"""
    return entry.name == "__init__" and not dataclasses.is_dataclass(kind)


def _method(source: str, entry: ast.FunctionDef) -> str:
    """The declaration of a method, and the first sentence of its docstring as a comment."""
    first = entry.body[0]
    head = _lines(source, entry.lineno, max(first.lineno - 1, entry.lineno))
    if first.lineno == entry.lineno:
        head = head.removesuffix("...").rstrip()
    said = (ast.get_docstring(entry) or "").split("\n\n")[0].replace("\n", " ")
    marks = [f"    @{ast.unparse(mark).replace('cached_property', 'property')}" for mark in entry.decorator_list]
    comment = textwrap.wrap(said, 88, initial_indent="    # ", subsequent_indent="    # ")
    return "\n".join(["", *comment, *marks, f"{head} ..."])


def _lines(source: str, first: int, last: int) -> str:
    return "\n".join(source.splitlines()[first - 1 : last])
