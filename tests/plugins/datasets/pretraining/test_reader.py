"""The people whom small encoders are trained on: what is rendered, what is refused, and that no twin has any of it."""

import json
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

from vreid_bench import InputError
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader
from vreid_plugins import datasets
from vreid_plugins.datasets.pretraining import twin
from vreid_plugins.datasets.pretraining.reader import Pretraining, vreid_protocols
from vreid_plugins.synthetic import World

FOLDERS = {path.parent.name for path in Path(datasets.__path__[0]).glob("*/twin.py")}
TWINS = {name: import_module(f"{datasets.__name__}.{name}.twin") for name in sorted(FOLDERS - {"pretraining"})}


@pytest.mark.slow
def test_what_was_rendered_is_read_back(tmp_path):
    root = tmp_path / "tree"
    Pretraining().synthesize(root, ids=3, cameras=5, size=(32, 16), workers=1, progress=False)
    for contract in (DatasetReader, CheckingReader, TwinReader):
        assert isinstance(Pretraining(), contract)
    dataset = Pretraining().read(root)
    [split] = dataset.splits
    assert (dataset.name, dataset.source) == ("pretraining", "synthetic")
    assert Counter(t.pid for t in split.train) == {1: 4, 2: 4, 3: 4}
    assert Counter(t.pid for t in split.test) == {4: 4, 5: 4}
    assert Counter(split.test[row].pid for row in split.query) == {4: 1, 5: 1}
    assert all(len(t.frames) == 10 for t in (*split.train, *split.test))
    assert len({(t.pid, t.camid) for t in (*split.train, *split.test)}) == 20  # never twice before a camera
    check = Pretraining().verify(root, decode=True)
    assert (check.source, check.problems) == ("synthetic", ())
    expected = json.loads((root / "synthetic.json").read_text())["expected"]
    found = {count.what.replace(" ", "_"): count.found for count in check.counts}
    assert found == found | {name: expected[name] for name in ("cameras", "train_frames", "gallery_tracklets")}


def test_another_tree_is_refused(tmp_path):
    for call in (Pretraining().read, Pretraining().verify):
        with pytest.raises(InputError, match=r"expected the rendered world `pretraining`, this is not .*custom"):
            call(tmp_path)


def test_the_protocol_states_what_is_rendered():
    expected, counts = twin.plan().expected, vreid_protocols()["pretraining"].counts
    assert counts == {
        "train identities": expected["train_identities"],
        "train tracklets": expected["train_tracklets"],
        "queries": expected["query_tracklets"],
        "gallery": expected["query_tracklets"] + expected["gallery_tracklets"],
    }
    assert expected["train_identities"] >= 600


def seen(plan):
    """Everybody and everything that may be seen in a plan: identities, groups of alike clothes, and cameras."""
    people = {number for job in plan.jobs for number in (job.spec.identity, *range(*job.spec.crowd))}
    groups = {number // plan.world.group_size for number in people}
    return {"identity": people, "group": groups, "camera": {job.spec.camera for job in plan.jobs}}


def test_nobody_and_nothing_of_it_is_in_a_twin():
    assert TWINS.keys() >= {"mars", "mars_motion", "ilids_vid", "prid2011", "duke_video", "ls_vid", "ccvid"}
    own = twin.plan()
    for name, module in TWINS.items():
        other = module.plan()
        assert other.world.seed != own.world.seed, name  # every random draw is another
        theirs = seen(other)
        for kind, numbers in seen(own).items():  # and would be for an equal seed
            assert numbers.isdisjoint(theirs[kind]), (name, kind)


def test_another_seed_draws_other_sightings():
    cameras = [[job.spec.camera for job in twin.plan(World(seed=seed, cameras=30), ids=20).jobs] for seed in (1, 2)]
    assert cameras[0] != cameras[1]
