"""The conventions in the package: what each does, and that a change of a rule changes the fingerprint."""

from dataclasses import replace

from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.conventions import CONVENTIONS, MARS


def test_conventions_say_what_they_do():
    rules = {c.name: (c.queries_in_gallery, c.average_precision, c.unmatched, c.version) for c in CONVENTIONS}
    assert [c.name for c in CONVENTIONS if c.same_camera == "match"] == ["cameras-ignored"]
    assert not any(c.attributes or c.cut or c.least_frames for c in CONVENTIONS)
    assert rules == {
        "queries-in-gallery": (True, "step", "skip", "1"),
        "official": (True, "trapezoid", "error", "1"),
        "torchreid": (False, "step", "skip", "1"),
        "gallery-as-listed": (None, "step", "skip", "1"),
        "cameras-ignored": (None, "step", "skip", "1"),
        "one-camera-each": (None, "step", "error", "1"),
    }
    assert set(MARS) == {"queries-in-gallery", "official", "torchreid"}


def test_fingerprints_have_not_changed():
    """Committed records carry them: they may change only together with a version."""
    assert {c.name: c.fingerprint[:8] for c in CONVENTIONS} == {
        "queries-in-gallery": "e9d6dbdf",
        "official": "b8968227",
        "torchreid": "0ed0c203",
        "gallery-as-listed": "27d21cdc",
        "cameras-ignored": "a7ffc2bd",
        "one-camera-each": "21ac4e6b",
    }


def test_every_rule_is_in_the_fingerprint_and_no_prose():
    [first, *_] = CONVENTIONS
    changes = {"name": "x", "version": "2", "queries_in_gallery": None, "average_precision": "trapezoid"}
    prints = {replace(first, **{field: value}).fingerprint for field, value in changes.items()}
    assert len(prints | {first.fingerprint}) == len(changes) + 1
    assert replace(first, summary="other words", source="elsewhere").fingerprint == first.fingerprint


def test_they_enter_by_the_door_of_every_plugin():
    entries = {e.name: e for e in Registry.installed().entries("conventions")}
    assert {c.name for c in CONVENTIONS} <= set(entries)
    assert entries["official"].plugin.distribution == "vreid-bench"
