"""One named value that a plugin provides; errors in its code name the plugin."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from vreid_bench.contracts.dataset_description import DatasetDescription
from vreid_bench.contracts.recipe import Method, Preset
from vreid_bench.contracts.weight_file import WeightFile
from vreid_bench.registry.failures import describe_failure
from vreid_bench.registry.inspection import read_docstrings, read_option_types, read_options
from vreid_bench.registry.option_types import Types
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.source_code import fingerprint_modules
from vreid_bench.system.errors import TRACEBACK, InputError
from vreid_bench.system.memory import is_out_of_memory

KINDS = {
    "datasets": "dataset",
    "encoders": "encoder",
    "aggregators": "aggregator",
    "matchers": "matcher",
    "losses": "loss",
    "augmentations": "augmentation",
    "protocols": "protocol",
    "conventions": "convention",
    "methods": "method",
    "rerankers": "re-ranker",
    "checkpoints": "checkpoint",
    "trackers": "tracker",
    "executors": "executor",
}


@dataclass(frozen=True)
class Family:
    """Many factories under one name that ends in a colon: `timm:` provides every `timm:<member>`.

    member: maps the text after the colon to a factory; raises InputError if there is no such member. distribution:
    the package that provides the members, whose version a run records; "" means the plugin's own distribution.
    """

    member: Callable[[str], Callable[..., Any]]
    summary: str
    distribution: str = ""


@dataclass(frozen=True)
class Entry:
    """One named value of a kind, and the plugin that provides it."""

    kind: str
    name: str
    value: Any
    plugin: Plugin

    @contextmanager
    def blame(self) -> Iterator[None]:
        """Report a failure in the block as a fault of the plugin's code, as `blame` does."""
        with blame(self.title):
            yield

    @property
    def title(self) -> str:
        """Kind, name and distribution, as messages say them: `loss 'oim' of vreid-bench`."""
        return f"{KINDS[self.kind]} {self.name!r} of {self.distribution}"

    @property
    def loaded(self) -> Entry:
        """The same with its plugin imported: itself."""
        return self

    @cached_property
    def distribution(self) -> str:
        """The distribution that provides it."""
        return self.plugin.distribution

    @cached_property
    def version(self) -> str:
        """The version of that distribution."""
        return self.plugin.version

    @cached_property
    def summary(self) -> str:
        """The value's own `summary`, or the first line of its docstring."""
        text = getattr(self.value, "summary", None) or inspect.getdoc(self.value) or ""
        return str(text).strip().partition("\n")[0]

    def build_method(self, preset: Preset) -> Method:
        """The method of this entry at a preset. Raises InputError that names the distribution if it is none."""
        with self.blame(), sign(self.title):
            method = self.value(preset)
        if not isinstance(method, Method):
            found = "None" if method is None else f"a {type(method).__name__}"
            raise InputError(
                f"{self.title} returned {found} at preset {preset!r}, expected a vreid_bench.Method; "
                "return the method from its function"
            )
        return method

    @cached_property
    def can_fit(self) -> bool:
        """Can the part be fitted to the features of the training tracklets?"""
        return hasattr(self.value, "fit")

    @cached_property
    def files(self) -> tuple[WeightFile, ...]:
        """The files of published weights that the part can begin from, as far as they are known before it is built."""
        published = getattr(self.value, "published", ())
        known = published if isinstance(published, Sequence) else ()  # a property is known of the built part alone
        return tuple(kind.file for kind in known if kind.file is not None)

    @cached_property
    def shipped(self) -> tuple[str, ...]:
        """The paths of the files of weights that the package of the part has for some of its options."""
        shipped = getattr(self.value, "shipped", ())
        return tuple(map(str, shipped)) if isinstance(shipped, Sequence) else ()

    @cached_property
    def planes(self) -> tuple[str, ...]:
        """What an encoder reads of a frame: the value's own `planes`, or the colours alone."""
        planes = getattr(self.value, "planes", ("rgb",))
        return tuple(planes) if isinstance(planes, tuple | list) else ()

    @cached_property
    def description(self) -> Mapping[str, Any] | None:
        """What is known of a data set, ready for JSON; None where its reader has no description."""
        description = getattr(self.value, "description", None) if self.kind == "datasets" else None
        return description.to_data() if isinstance(description, DatasetDescription) else None

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """Option -> its default, of a part."""
        return read_options(self.kind, self.value)

    @cached_property
    def types(self) -> Mapping[str, Types]:
        """Option -> what it accepts, of a part."""
        return read_option_types(self.kind, self.value)

    @cached_property
    def docstrings(self) -> tuple[str, ...]:
        """What the code of a part says of its options."""
        return tuple(read_docstrings(self.value))

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """The full names of the modules whose code it is."""
        modules = {self.value.__module__} if inspect.isroutine(self.value) or inspect.isclass(self.value) else set()
        if {name.partition(".")[0] for name in modules} != {self.plugin.package}:  # made by the plugin, or taken over
            modules |= {self.plugin.source, type(self.value).__module__}
        return tuple(sorted(modules))

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """The top-level packages of its distribution, without those of the harness."""
        return self.plugin.packages

    @property
    def code(self) -> str:
        """A hash over the source code of the value, and of what it imports from its own distribution."""
        return fingerprint_modules(self.modules, self.packages)

    def provider(self) -> dict[str, str | None]:
        """Who provides it, as a record stores it."""
        who = {"distribution": self.distribution, "version": self.version}
        # the record has all that a method does: its recipe
        return {
            "kind": KINDS[self.kind],
            "name": self.name,
            **who,
            "code": None if self.kind == "methods" else self.code,
        }

    def describe(self) -> dict[str, str]:
        """One row of `vreid-bench list`."""
        who = {"distribution": self.distribution, "version": self.version}
        return {"kind": self.kind, "name": self.name, "summary": self.summary, **who}


@contextmanager
def blame(who: str) -> Iterator[None]:
    """Turn any exception of the block into an InputError that names `who`, and the line of its code.

    An InputError passes unchanged, and so does a lack of memory. With VREID_TRACEBACK=1 every exception does, so that
    its author sees the traceback.
    """
    try:
        yield
    except InputError:
        raise
    except Exception as fault:  # a plugin can raise anything; all of it is reported
        if os.environ.get(TRACEBACK) or is_out_of_memory(fault):  # for which no plugin is to blame
            raise
        raise InputError(describe_failure(who, fault)) from fault


@contextmanager
def sign(who: str) -> Iterator[None]:
    """Put `who` before an InputError of the block, whose author does not know for whom it works."""
    try:
        yield
    except InputError as fault:
        raise InputError(f"{who}: {fault}") from fault
