"""The events of a run, which plugins and trackers receive by the event hooks. What these raise ends no run."""

from __future__ import annotations

import os
import traceback
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from types import TracebackType
from typing import Any

import pluggy

from vreid_bench.contracts import hookspecs
from vreid_bench.registry.assignments import parse_part
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import TRACEBACK, InputError, describe_exception
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.progress import write_line

STARTED, LOGGED = "vreid_run_started", "vreid_metrics_logged"
FINISHED, ENDED = "vreid_run_finished", "vreid_run_ended"
EVENTS = (STARTED, LOGGED, FINISHED, ENDED)


class Listener:
    """One receiver of events, with a plugin manager of its own, so that what it raises reaches no other."""

    def __init__(self, who: str, receiver: Any) -> None:
        """who: its name in messages. Raises InputError for a receiver with a hook that there is not."""
        self.who = who
        self.failure = ""  # where it failed first, and with what
        manager = pluggy.PluginManager("vreid_bench")
        manager.add_hookspecs(hookspecs)
        try:
            manager.register(receiver, name=who)
            manager.check_pending()
        except (pluggy.PluginValidationError, ValueError) as fault:
            raise InputError(f"{who} is not usable: {' '.join(str(fault).split())}") from fault
        self._hook = manager.hook

    def receive(self, event: str, **values: Any) -> None:
        """Receive an event. After a failure only the last one is received, at which a tracker may clean up."""
        if self.failure and event != ENDED:
            return
        try:
            getattr(self._hook, event)(**deepcopy(values))  # its own, which it may change
        except (Exception, SystemExit) as fault:  # a plugin can raise anything; Ctrl-C and other signals pass
            if os.environ.get(TRACEBACK):
                traceback.print_exception(fault)
            self.failure = self.failure or f"in {event} ({_describe(fault)})"


class Events:
    """The events of one run, which is the block. At its end each receiver that failed is named, once."""

    def __init__(self, listeners: Sequence[Listener], identity: Mapping[str, Any], folder: Path) -> None:
        """The id of the run is the name of its folder, which differs for a run made anew."""
        self.listeners = listeners
        self.run = {**identity, "id": folder.name, "directory": str(folder.absolute())}

    @classmethod
    def of(cls, registry: Registry, trackers: Sequence[str], identity: Mapping[str, Any], folder: Path) -> Events:
        """Events for the installed plugins that implement an event hook, and for trackers as `--tracker` names them.

        Raises InputError for a tracker that cannot be used, for instance because its package is not installed.
        """
        hook = registry.manager.hook
        names = dict.fromkeys(each.plugin_name for event in EVENTS for each in getattr(hook, event).get_hookimpls())
        plugins = [registry.plugin(name) for name in names]
        listeners = [Listener(f"plugin {each.name!r} of {each.distribution}", each.module) for each in plugins]
        return cls([*listeners, *build_trackers(trackers, registry)], identity, folder)

    def __enter__(self) -> Events:
        self._tell(STARTED, self.run)
        return self

    def log(self, split: int, training: int, position: tuple[int, int], values: Mapping[str, float]) -> None:
        """Report the values of one training step, or the scores after it; position: the stage and its step."""
        stage, step = position
        place = {"split": split, "training": training, "stage": stage}
        self._tell(LOGGED, {**self.run, **place}, step=step, values=dict(values))

    def finish(self, record: Mapping[str, Any]) -> None:
        """Report that the run ended with scores, with what its record holds."""
        self._tell(FINISHED, self.run, record=record)

    def __exit__(self, kind: object, fault: BaseException | None, where: TracebackType | None) -> None:
        self._tell(ENDED, self.run, fault="" if fault is None else _describe(fault))
        for listener in self.listeners:
            if listener.failure:
                line = f"{listener.who} failed {listener.failure}; the run is what it is without it"
                LOGGER.warning("%s", line)
                write_line(f"warning: {line}")

    def _tell(self, event: str, run: Mapping[str, Any], **values: Any) -> None:
        for listener in self.listeners:
            listener.receive(event, run=run, **values)


def build_trackers(names: Sequence[str], registry: Registry) -> list[Listener]:
    """The trackers of these names, each `NAME` or `NAME:option=value,...`, once.

    Raises InputError for an unknown name or option, and what a tracker raises of this kind when it is built. Any other
    exception of its code makes a receiver that has failed already.
    """
    listeners = []
    for name in dict.fromkeys(names):
        part = parse_part("trackers", name, registry)
        entry = registry.entry("trackers", part.name)
        try:
            tracker, failure = entry.value(**part.options), ""
        except InputError:
            raise
        except Exception as fault:
            tracker, failure = object(), f"when it was built ({_describe(fault)})"
        listeners.append(Listener(entry.title, tracker))
        listeners[-1].failure = failure
    return listeners


def _describe(fault: BaseException) -> str:
    try:
        return describe_exception(fault)
    except Exception:  # its own text raises
        return type(fault).__name__
