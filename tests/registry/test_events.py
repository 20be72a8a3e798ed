"""The events that trackers receive."""

from types import SimpleNamespace

from vreid_bench.registry.events import Events


def test_a_run_made_anew_has_an_id_of_its_own(tmp_path):
    told = []
    hook = SimpleNamespace(vreid_run_started=lambda run: told.append(run))
    for name in ("mars-1a2b", "mars-1a2b-2"):
        Events.of(hook, {"id": "mars-1a2b", "seed": 3}, tmp_path / name).start()
    assert [run["id"] for run in told] == ["mars-1a2b", "mars-1a2b-2"]
    assert told[1] == {"id": "mars-1a2b-2", "seed": 3, "directory": str(tmp_path / "mars-1a2b-2")}
