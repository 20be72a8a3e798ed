"""What is checked: a part, a reader, a protocol or a method, installed or given as it is, and what it is tried with."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import SkipTest

import torch
from torch import Tensor, nn

from vreid_bench.contracts.parts import PLANES, ClipFeatures, Clips
from vreid_bench.contracts.recipe import Method, Part
from vreid_bench.modeling.probe import begin_stream, draw_clips, draw_like, keep_streams
from vreid_bench.registry.entry import KINDS, Entry
from vreid_bench.registry.factories import Factories, Factory
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import list_places
from vreid_bench.system.errors import InputError
from vreid_bench.testing.neighbours import FRAMES, PEOPLE, list_neighbours, surround

CLIPS = 6  # on which a part is tried
ALONE = ("encoders", "aggregators", "matchers", "losses", "augmentations", "rerankers")  # need nothing installed


class Misuse(InputError):
    """The checks were asked for with options or a method that the part does not fit: it is not the part's fault."""

    def __init__(self, message: str, given: str) -> None:
        """given: what to change, in words."""
        super().__init__(message)
        self.given = given


class Remark(SkipTest):
    """What a check cannot decide, in a sentence, and where in the code it is."""

    def __init__(self, message: str, place: str) -> None:
        """place: as `place.find_place` returns it."""
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class Subject:
    """What is checked.

    kind: one of `registry.entry.KINDS`. part: a name that an installed plugin provides, or the thing itself: a class
    or another factory, a reader, a protocol, a function of the preset. options: of a part; the others have their
    defaults. method: an installed method that has the part. Then it is tried with the options and the neighbours that
    it has there at preset small, in place of the kit's own. data: the folder of a data set.
    installed: the installed plugins, if they are known already. decode: decode every frame of the data.
    """

    kind: str
    part: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    method: str | None = None
    data: Path | None = None
    installed: Registry | None = None
    decode: bool = False

    @cached_property
    def registry(self) -> Registry:
        """What is checked, its neighbours, and the installed plugins if any of them is needed."""
        given = [] if isinstance(self.part, str) else [enter(self.kind, self.part)]
        alone = bool(given) and self.kind in ALONE and self.method is None
        values = [*self.options.values(), *(value for entry in given if alone for value in entry.options.values())]
        if not alone or any(isinstance(value, Part) for value in values):
            given = [*(self.installed or Registry.installed()).entries(), *given]
        return Registry((), [*given, *list_neighbours()])

    @cached_property
    def entry(self) -> Entry:
        """The entry of what is checked, imported. Raises InputError for an unknown name."""
        name = self.part if isinstance(self.part, str) else enter(self.kind, self.part).name
        return self.registry.entry(self.kind, name).loaded

    @property
    def title(self) -> str:
        """Kind, name and distribution, as messages say them."""
        return self.entry.title

    @cached_property
    def chosen(self) -> Part:
        """The part with all its options. Raises InputError for an option that it lacks or that has no value."""
        there = {} if self.method is None else self._find_options(self.method)
        try:
            return self._resolve({**there, **self.options})
        except InputError as fault:
            if self.options and str(fault) != self._refuse(there):
                raise Misuse(str(fault), self.request) from fault
            raise

    @property
    def request(self) -> str:
        """The options and the method that the checks were given, in words."""
        options = ", ".join(f"{name}={value!r}" for name, value in self.options.items())
        words = [f"the options that it was given, {options}"] * bool(options)
        return " or ".join([*words, *([f"the method that it was given, {self.method}"] if self.method else [])])

    def check_request(self) -> None:
        """Raise Misuse for options or a method that the part does not fit."""
        if self.options or self.method is not None:
            try:
                _ = self.chosen
            except Misuse:
                raise
            except InputError:
                return  # a fault of the part itself, which a check tells

    @cached_property
    def recipe(self) -> Method:
        """The method in which the part is tried."""
        if self.method is not None:
            return self._build_method(self.method)
        return surround(self.kind, self.chosen, self.entry)

    @cached_property
    def factories(self) -> Factories:
        """The factories of all parts of that method."""
        return self.registry.factories(self.recipe)

    @cached_property
    def factory(self) -> Factory:
        """Builds the part from what `given` has."""
        return self.registry.factory(self.kind, self.chosen)

    @property
    def given(self) -> tuple[Any, ...]:
        """What the harness passes to the factory before the options."""
        if self.kind == "aggregators":
            return (tuple(self.maps.shape[2:]),)
        if self.kind == "matchers":
            return (self.features.embedding.shape[1],)
        return (self.dims, PEOPLE) if self.kind == "losses" else ()

    def build(self, seed: int = 0) -> Any:
        """The part, with the random weights of that seed, in evaluation. Raises InputError if its code fails."""
        given = self.given
        begin_stream(seed, self.kind)
        part = self.factory(*given)
        return part.eval() if isinstance(part, nn.Module) else part

    def draw_clips(self, count: int = CLIPS, frames: int = 0) -> Tensor:
        """Random clips [count, T, P, H, W] with the planes of the encoder; frames: 0 means as the method's test."""
        planes = self.registry.entry("encoders", self.recipe.encoder.name).planes
        return draw_clips(
            count, frames or self.recipe.test.T or FRAMES, sum(PLANES[p] for p in planes), self.recipe.size
        )

    @cached_property
    def maps(self) -> Tensor:
        """What the encoder makes of random clips: [B, T', D, h, w]."""
        return self.encode(self.draw_clips())

    def encode(self, clips: Tensor) -> Tensor:
        """clips [B, T, P, H, W] -> the maps of the encoder, without a gradient."""
        with keep_streams(), torch.no_grad(), self.factories.encoder.blame():
            begin_stream(0, "encoder")
            maps: Tensor = self.factories.encoder().eval()(clips)
            return maps

    @cached_property
    def features(self) -> ClipFeatures:
        """What the aggregator makes of these maps, without a gradient."""
        with keep_streams(), torch.no_grad(), self.factories.aggregator.blame():
            begin_stream(0, "aggregator")
            output: Any = self.factories.aggregator(tuple(self.maps.shape[2:])).eval()(self.maps)
        return output if isinstance(output, ClipFeatures) else ClipFeatures(output)

    @cached_property
    def dims(self) -> dict[str, int]:
        """The widths of what a loss may learn from."""
        width = self.features.embedding.shape[1]
        with torch.no_grad(), self.factories.matcher.blame():
            one = self.factories.matcher(width).eval().represent(Clips.single(self.features.embedding))
        extra = {name: value.shape[-1] for name, value in self.features.extra.items()}
        return {**extra, "clips": width, "embedding": one.embedding.shape[-1]}

    def draw_features(self, count: int, seed: int = 0) -> ClipFeatures:
        """Random features of `count` clips, in the range of those of the aggregator."""
        own = self.features
        weight = None if own.importance is None else draw_like(own.importance[:, None], count, seed)[:, 0]
        extra = {name: draw_like(value, count, seed) for name, value in own.extra.items()}
        return ClipFeatures(draw_like(own.embedding, count, seed), weight, extra)

    def _find_options(self, method: str) -> Mapping[str, Any]:
        """The options that the part has in that method, where it stands first."""
        for place in list_places(self._build_method(method)):
            parts = place.value if isinstance(place.value, tuple) else (place.value,)
            for part in parts:
                if place.kind == self.kind and part is not None and part.name == self.entry.name:
                    return part.options
        raise Misuse(f"method {method!r} has no {self.title}; name a method that has it", self.request)

    def _build_method(self, name: str) -> Method:
        try:
            return self.registry.build_method(self.registry.entry("methods", name), "small")
        except InputError as fault:
            raise Misuse(str(fault), self.request) from fault

    def _resolve(self, options: Mapping[str, Any]) -> Part:
        return self.registry.resolve(self.kind, Part(self.entry.name, options))

    def _refuse(self, options: Mapping[str, Any]) -> str:
        """Why these options cannot be; empty if they can."""
        try:
            self._resolve(options)
        except InputError as fault:
            return str(fault)
        return ""


def enter(kind: str, value: Any) -> Entry:
    """The entry of a thing that no plugin provides; a protocol and a convention have names of their own."""
    home = inspect.getmodule(value) or inspect.getmodule(type(value))
    named = value if hasattr(value, "__name__") else type(value)
    own = getattr(value, "name", None) if kind in ("protocols", "conventions") else None
    name = own or named.__name__.lower().strip("_<>")
    where = home.__name__ if home else "unknown module"
    return Entry(kind, str(name), value, Plugin(name, home or SimpleNamespace(), where, ""))


def find_kind(text: str) -> str:
    """The kind of that name, in the singular or plural. Raises InputError for another word."""
    kind = next((kind for kind, one in KINDS.items() if text in (kind, one)), None)
    if kind is None:
        raise InputError(f"no kind is named {text!r}; expected one of {', '.join(KINDS.values())}")
    return kind
