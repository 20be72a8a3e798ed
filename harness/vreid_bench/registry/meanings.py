"""What each setting of a recipe means, read where it is defined, so that no second list can go stale.

The meaning of a field of `contracts.recipe` is the comment beside it. The meaning of a part's option is what the part's
docstring says of it: the text after `option:`, or in the forms of Google, NumPy and Sphinx, else the first sentence
that names the option.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from vreid_bench.contracts.recipe import Method, Part
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import list_places, look_up, settings

# How a line of a docstring begins what it says of options; more lines of the text are indented, or all of it is.
NAMES, WORDS = r"(?P<names>\w+(?:, \w+)*)", r":(?: (?P<words>.+))?"
FORMS = (
    re.compile(rf"{NAMES}(?P<value> [\w.]+)?: (?P<words>.+)"),  # `metric, normalize: text`; `depth 50: text` of a value
    re.compile(rf"{NAMES} \(.+?\){WORDS}"),  # Google: `bins (list of int): text`
    re.compile(rf":(?:param|arg|argument|keyword|key)(?: [^:]+)? {NAMES}{WORDS}"),  # Sphinx: `:param bins: text`
    re.compile(rf"{NAMES}(?: : .+|:)?"),  # NumPy: `bins : list of int`, `bins`, with the text below
)
SENTENCE = re.compile(r"(?<=[.:])\s+(?=[A-Z])")


def explain_settings(method: Method, registry: Registry) -> dict[str, str]:
    """Dotted path of each setting (`losses.triplet.margin`) -> its meaning, empty where its code does not say.

    method: resolved, so that every option of every part is in it.
    """
    options = {
        place.path: explain_options(registry.entry(place.kind, place.value.name).docstrings, place.value.options)
        for place in list_places(method)
        if isinstance(place.value, Part)
    }
    return {path: _explain(method, path.split("."), options) for path, _ in settings(method)}


def _explain(value: Any, path: Sequence[str], options: Mapping[str, Mapping[str, str]]) -> str:
    meaning = ""
    for at, name in enumerate(path):
        if isinstance(value, Part):
            meaning = options[".".join(path[:at])].get(name, "")
        elif not isinstance(value, Mapping | tuple):
            definition: Any = type(value)
            meaning = read_comments(definition).get(name, "")
        value = look_up(value, [name])
    return meaning


@cache
def read_comments(definition: type) -> dict[str, str]:
    """Field -> the comment behind it, else the comment lines above it, of a class with annotated fields."""
    lines = textwrap.dedent(inspect.getsource(definition)).splitlines()
    [tree] = ast.parse("\n".join(lines)).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.end_col_offset is not None:
            end = (node.end_lineno or node.lineno) - 1
            _, _, comment = lines[end][node.end_col_offset :].partition("# ")
            above: list[str] = []
            while not comment and lines[node.lineno - 2 - len(above)].lstrip().startswith("# "):
                above.insert(0, lines[node.lineno - 2 - len(above)].strip().removeprefix("# "))
            found[node.target.id] = comment or " ".join(above)
    return found


def explain_options(docstrings: Sequence[str], options: Collection[str]) -> dict[str, str]:
    """Option -> what the docstrings of its factory say of it, or ""."""
    found: dict[str, str] = {}
    for text in docstrings:
        said: dict[str, list[str]] = {}
        for names, value, words in _list_remarks(text, options):
            for name in names:
                said.setdefault(name, []).append(f"{value}: {words}" if value else words)
        found |= {name: "; ".join(words) for name, words in said.items() if name not in found}
    paragraphs = [part for text in docstrings for part in text.split("\n\n")]
    prose = [part for part in paragraphs if not any(_list_remarks(part, options))]
    sentences = [each for part in prose for each in SENTENCE.split(" ".join(part.split()))]
    for name in options:
        naming = [each for each in sentences if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", each)]
        found.setdefault(name, naming[0] if naming else "")
    return found


def _list_remarks(text: str, options: Collection[str]) -> Iterator[tuple[list[str], str, str]]:
    """(names of options, value or nothing, words) of each `name: words` in a docstring, in every style."""
    lines = text.splitlines()
    for at, line in enumerate(lines):
        matches = filter(None, (form.fullmatch(line.strip()) for form in FORMS))
        if match := next((each for each in matches if set(each["names"].split(", ")) <= set(options)), None):
            said = {"words": "", "value": "", **match.groupdict("")}
            words = [said["words"], *_list_deeper(lines[at + 1 :], len(line) - len(line.lstrip()))]
            if any(words):
                yield match["names"].split(", "), said["value"].strip(), " ".join(filter(None, words))


def _list_deeper(lines: Sequence[str], depth: int) -> Iterator[str]:
    """The lines before the next paragraph that stand deeper than so many spaces."""
    for line in lines:
        if not line.startswith(" " * (depth + 2)):
            return
        yield line.strip()
