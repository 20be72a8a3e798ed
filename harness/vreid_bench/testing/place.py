"""The line of a plugin's code that a fault belongs to."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import traceback
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.annotations import find_code
from vreid_bench.registry.entry import KINDS, Entry
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.testing.subject import Misuse, Subject

# The method that computes what the harness asks of each kind, and words of a message that belong to another one.
METHODS = {
    "encoders": "forward",
    "aggregators": "forward",
    "matchers": "distance",
    "losses": "forward",
    "augmentations": "__call__",
    "rerankers": "rerank",
    "datasets": "read",
}
WORDS = {
    "built": "__init__",
    "option": "__init__",
    "represent": "represent",
    "fit(": "fit",
    "hardest": "hardest",
    "vectors": "vectors",
    "from_features": "from_features",
    "verify": "verify",
    "twin": "twin",
}

TITLE = re.compile(r"(?P<kind>[a-z-]+) '(?P<name>[^']+)' of ")  # as `Entry.title` writes it


def find_place(subject: Subject, fault: BaseException) -> str:
    """File, line and function to change, as `FILE, line N, in FUNCTION`; empty if the code cannot be found.

    It is where a name stands that nobody provides, if the plugin's own code has it; else the line that raised, if that
    code did. Else it is where the method begins that the message is about, or the class. Where the checks were given
    options or a method that the part refuses, it names these.
    """
    if isinstance(fault, Misuse):
        return fault.given
    with suppress(InputError, OSError, TypeError):
        guilty = _find_guilty(subject, str(fault))
        value = guilty.value
        unknown = next((cause.name for cause in _list_causes(fault) if isinstance(cause, UnknownName)), None)
        if unknown is not None and (place := find_text(subject, unknown)):
            return place
        if isinstance(value, Protocol | Convention):
            return _find_definition(subject)
        home = Path(inspect.getsourcefile(_unwrap(value)) or "")
        if isinstance(fault, InputError) and subject.options and _refuses(subject, fault, home):
            return subject.request
        for line in _list_lines(fault):
            if Path(line.filename) == home:
                return f"{home}, line {line.lineno}, in {line.name}"
        return _find_method(_unwrap(value), guilty.kind, str(fault))
    return ""


def _find_guilty(subject: Subject, message: str) -> Entry:
    """The part that a message begins with, as checks of a method name one of its parts; else what is checked."""
    named = TITLE.match(message)
    kind = next((kind for kind, word in KINDS.items() if named and word == named["kind"]), None)
    entry = subject.registry.find(kind, named["name"]) if named and kind else None
    return entry.loaded if entry else subject.entry


def _refuses(subject: Subject, fault: InputError, home: Path) -> bool:
    """Did the part itself refuse to be built, with the given options alone?"""
    *_, last = traceback.extract_tb(fault.__traceback__)
    inside = [line.name for line in traceback.extract_tb(fault.__traceback__) if Path(line.filename) == home]
    if Path(last.filename) != home or not {"__init__", getattr(subject.entry.value, "__name__", "")} & {*inside}:
        return False
    replace(subject, options={}).build()  # raises InputError if it is not the options
    return True


def _find_definition(subject: Subject) -> str:
    """Where the plugin gives a protocol or a convention its name; its file, if no line has the name as it is."""
    plugin = subject.entry.plugin
    if plugin.source == type(subject.entry.value).__module__:
        return ""  # no plugin provides it, and its class is the harness's own
    return find_text(subject, subject.entry.name) or inspect.getsourcefile(sys.modules[plugin.source]) or ""


def find_text(subject: Subject, text: str) -> str:
    """Where the code of the plugin first has a text that is this and nothing else; empty if it has none."""
    plugin = subject.entry.plugin
    inside = [sys.modules[plugin.source]] if plugin.source in sys.modules else []
    inside += [module for key, module in list(sys.modules.items()) if key.startswith(f"{plugin.package}.")]
    for module in inside:
        with suppress(OSError, TypeError, SyntaxError):
            file = Path(inspect.getsourcefile(module) or "")
            texts = [node for node in ast.walk(ast.parse(file.read_bytes())) if isinstance(node, ast.Constant)]
            lines = [node.lineno for node in texts if node.value == text]
            if lines:
                return f"{file}, line {min(lines)}"
    return ""


def find_option(factory: Any, option: str) -> str:
    """Where the code of a factory annotates an option; empty if that cannot be found."""
    owner = factory.func if isinstance(factory, partial) else factory
    for each in (find_code(factory), owner):  # a dataclass has no `__init__` in its file, but the field
        with suppress(OSError, TypeError, SyntaxError):
            lines, first = inspect.getsourcelines(each)
            for node in ast.walk(ast.parse(textwrap.dedent("".join(lines)))):
                named = isinstance(node, ast.arg) and node.arg == option
                field = isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == option
                if isinstance(node, ast.arg | ast.AnnAssign) and (named or field):
                    return f"{inspect.getsourcefile(each)}, line {first + node.lineno - 1}"
    return ""


def _list_lines(fault: BaseException) -> Iterator[traceback.FrameSummary]:
    """The lines of the plugin's exception behind a fault, the innermost first."""
    for cause in _list_causes(fault):
        yield from reversed(traceback.extract_tb(cause.__traceback__))


def _list_causes(fault: BaseException) -> Iterator[BaseException]:
    """A fault, and each that it was raised from."""
    cause: BaseException | None = fault
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:  # a fault can be its own cause: `raise fault from fault.cause`
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__


def _unwrap(value: Any) -> Any:
    """What the source of a thing is: a class or a function; of an instance, its class."""
    return value if inspect.isclass(value) or inspect.isroutine(value) else type(value)


def _find_method(value: Any, kind: str, message: str) -> str:
    names = [name for word, name in WORDS.items() if word in message] + [METHODS.get(kind, "")]
    own = vars(value) if inspect.isclass(value) else {}
    named = next(((name, own[name]) for name in names if inspect.isroutine(own.get(name))), None)
    code = named[1] if named else value
    _, line = inspect.getsourcelines(code)
    owner = getattr(value, "__name__", type(value).__name__)
    return f"{inspect.getsourcefile(code)}, line {line}, in {f'{owner}.{named[0]}' if named else owner}"
