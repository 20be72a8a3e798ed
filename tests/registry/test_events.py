"""The events that plugins and trackers receive; what these raise reaches nobody else, and ends no run."""

from types import SimpleNamespace

import pluggy
import pytest

from vreid_bench import InputError, hookimpl
from vreid_bench.registry.events import ENDED, EVENTS, FINISHED, LOGGED, STARTED, Events, Listener, build_trackers
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry

IDENTITY = {"id": "mars-1a2b", "seed": 3, "splits": 1}


class Recorder:
    """A tracker that keeps what it was told, and raises `fault` at one event."""

    def __init__(self, event="", fault=None):
        self.event, self.fault, self.told = event, fault, []

    def tell(self, event, **values):
        self.told.append((event, values))
        if event == self.event:
            raise self.fault

    @hookimpl
    def vreid_run_started(self, run):
        self.tell(STARTED, run=run)

    @hookimpl
    def vreid_metrics_logged(self, run, step, values):
        self.tell(LOGGED, run=run, step=step, values=values)

    @hookimpl
    def vreid_run_finished(self, record):  # as before there was a `run`
        self.tell(FINISHED, record=record)

    @hookimpl
    def vreid_run_ended(self, run, fault):
        self.tell(ENDED, run=run, fault=fault)


def walk(folder, *receivers):
    """The events of a short run."""
    listeners = [Listener(f"tracker {number}", each) for number, each in enumerate(receivers)]
    with Events(listeners, IDENTITY, folder) as events:
        for step in (0, 10):
            events.log(2, 0, (1, step), {"loss": 0.5})
        events.finish({"seed": 3})


def names(recorder):
    return [event for event, _ in recorder.told]


def test_a_run_tells_its_events_in_order(tmp_path):
    walk(tmp_path / "mars-1a2b-2", recorder := Recorder())
    run = {"id": "mars-1a2b-2", "seed": 3, "splits": 1, "directory": str(tmp_path / "mars-1a2b-2")}
    place = {"split": 2, "training": 0, "stage": 1}
    assert recorder.told == [
        (STARTED, {"run": run}),
        (LOGGED, {"run": {**run, **place}, "step": 0, "values": {"loss": 0.5}}),
        (LOGGED, {"run": {**run, **place}, "step": 10, "values": {"loss": 0.5}}),
        (FINISHED, {"record": {"seed": 3}}),
        (ENDED, {"run": run, "fault": ""}),
    ]


def test_a_run_made_anew_has_an_id_of_its_own(tmp_path):
    recorder = Recorder()
    for name in ("mars-1a2b", "mars-1a2b-2"):
        walk(tmp_path / name, recorder)
    assert [values["run"]["id"] for event, values in recorder.told if event == STARTED] == ["mars-1a2b", "mars-1a2b-2"]


class Unprintable(Exception):
    def __str__(self):
        raise ValueError("nor this")


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (RuntimeError("a\nb"), "RuntimeError: a b"),
        (SystemExit(3), "SystemExit: 3"),
        (MemoryError(), "MemoryError"),
        (Unprintable(), "Unprintable"),
        (InputError("x"), "InputError: x"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_one_that_raises_is_named_once_and_the_others_hear_all(tmp_path, capsys, event, fault, words):
    before, broken, after = Recorder(), Recorder(event, fault), Recorder()
    walk(tmp_path, before, broken, after)
    assert before.told == after.told
    assert names(before) == [STARTED, LOGGED, LOGGED, FINISHED, ENDED]
    kept = names(before)[: names(before).index(event) + 1]
    assert names(broken) == (kept if event == ENDED else [*kept, ENDED])  # at the last one it can clean up
    line = capsys.readouterr().err
    assert line.startswith(f"warning: tracker 1 failed in {event} ({words}")
    assert line.count("\n") == 1


def test_what_a_clean_up_raises_after_a_failure_is_not_told(tmp_path, capsys):
    broken = Recorder(STARTED, RuntimeError("first"))
    broken.tell_ = broken.tell

    def tell(event, **values):
        broken.tell_(event, **values)
        raise RuntimeError("second")

    broken.tell = tell
    walk(tmp_path, broken)
    told = capsys.readouterr().err
    assert "first" in told
    assert "second" not in told


@pytest.mark.parametrize("event", [STARTED, LOGGED, FINISHED])
def test_an_interruption_passes(tmp_path, event):
    broken, other = Recorder(event, KeyboardInterrupt()), Recorder()
    with pytest.raises(KeyboardInterrupt):
        walk(tmp_path, broken, other)
    if event != STARTED:
        assert other.told[-1][1]["fault"].startswith("KeyboardInterrupt")


def test_what_ends_a_run_is_told_and_stays(tmp_path):
    recorder = Recorder()
    with pytest.raises(InputError, match="no disk"), Events([Listener("t", recorder)], IDENTITY, tmp_path):
        raise InputError("no disk")
    assert names(recorder) == [STARTED, ENDED]
    assert recorder.told[-1][1]["fault"] == "InputError: no disk"


def test_nobody_sees_what_another_has_changed(tmp_path):
    class Vandal(Recorder):
        def tell(self, event, **values):
            for value in values.values():
                if isinstance(value, dict):
                    value.clear()

    recorder, alone = Recorder(), Recorder()
    walk(tmp_path, Vandal(), recorder)
    walk(tmp_path, alone)
    assert recorder.told == alone.told


def test_a_wrapper_of_one_plugin_wraps_no_other(tmp_path, capsys):
    class Wrapper:
        @pluggy.HookimplMarker("vreid_bench")(wrapper=True)
        def vreid_run_started(self):
            yield
            raise RuntimeError("wrapped")

    recorder = Recorder()
    walk(tmp_path, Wrapper(), recorder)
    assert len(recorder.told) == 5
    assert "RuntimeError: wrapped" in capsys.readouterr().err


def registry_of(hooks):
    module = SimpleNamespace(__name__="yard", **hooks)
    return Registry([Plugin("yard", module, "vreid-yard", "1")])


def provide(**factories):
    @hookimpl
    def vreid_trackers():
        return factories

    return {"vreid_trackers": vreid_trackers}


def test_trackers_are_built_by_name_with_their_options():
    class Counter:
        def __init__(self, every: int = 1):
            self.every = every

        @hookimpl
        def vreid_run_started(self):
            built.append(self.every)

    built = []
    registry = registry_of(provide(counter=Counter))
    [listener] = build_trackers(["counter:every=7", "counter:every=7"], registry)
    listener.receive(STARTED, run={})
    assert (listener.who, built) == ("tracker 'counter' of vreid-yard", [7])
    for name, words in {
        "contre": "no tracker is named",
        "counter:often=1": "has no option",
        "counter:every=x": "takes a whole number",
    }.items():
        with pytest.raises(InputError, match=words):
            build_trackers([name], registry)


def test_a_tracker_that_cannot_be_built_is_told_at_the_end_unless_its_user_can_mend_it(tmp_path, capsys):
    class Broken:
        def __init__(self):
            raise ZeroDivisionError("at once")

    class Refused:
        def __init__(self):
            raise InputError("install it first")

    class Misspelled:
        @hookimpl
        def vreid_run_start(self):
            return None

    registry = registry_of(provide(broken=Broken, refused=Refused, misspelled=Misspelled))
    with Events(build_trackers(["broken"], registry), IDENTITY, tmp_path):
        pass
    assert "tracker 'broken' of vreid-yard failed when it was built (ZeroDivisionError" in capsys.readouterr().err
    with pytest.raises(InputError, match="install it first"):
        build_trackers(["refused"], registry)
    with pytest.raises(InputError, match="tracker 'misspelled' of vreid-yard is not usable"):
        build_trackers(["misspelled"], registry)


def test_plugins_with_event_hooks_listen_to_every_run_and_providers_of_trackers_do_not(tmp_path):
    recorder = Recorder()
    registry = registry_of({"vreid_run_started": recorder.vreid_run_started, **provide(other=Recorder)})
    events = Events.of(registry, (), IDENTITY, tmp_path)
    assert [each.who for each in events.listeners] == ["plugin 'yard' of vreid-yard"]
    with events:
        pass
    assert names(recorder) == [STARTED]


def test_the_variable_asks_for_the_traceback(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("VREID_TRACEBACK", "1")
    walk(tmp_path, Recorder(LOGGED, RuntimeError("here")))
    assert "Traceback" in capsys.readouterr().err
