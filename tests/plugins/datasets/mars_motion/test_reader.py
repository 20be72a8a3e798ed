"""The motion world: what is rendered under its name, what is refused, and its test with shuffled frames."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from vreid_bench import InputError
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, RolesReader, TwinReader
from vreid_bench.records.record import Record
from vreid_bench.scoring.comparison import compare
from vreid_plugins.datasets.mars_motion.reader import MarsMotion

SHORT = ("--preset", "small", "--set", "stages.0.steps=2", "--set", "stages.0.P=4", "--set", "stages.0.K=2")


@pytest.fixture(scope="module")
def motion(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "mars-motion"
    MarsMotion().synthesize(root, ids=4, cameras=2, size=(32, 16), workers=1, progress=False)
    return root


def test_the_world_is_one_of_six_outfits_and_reads_back(motion):
    for contract in (DatasetReader, CheckingReader, TwinReader, RolesReader):
        assert isinstance(MarsMotion(), contract)
    note = json.loads((motion / "synthetic.json").read_text())
    assert (note["layout"], note["world"]["name"], note["world"]["clothes"]) == ("mars", "motion", 6)
    dataset = MarsMotion().read(motion)
    assert (dataset.name, dataset.source) == ("mars-motion", "synthetic")
    assert len(dataset.splits[0].test) == note["expected"]["test_tracklets"]
    assert not MarsMotion().verify(motion).problems


def test_another_world_is_refused(tiny_mars, tmp_path):
    for call in (MarsMotion().read, MarsMotion().verify):
        with pytest.raises(InputError, match="expected the rendered world `motion`, this is appearance"):
            call(tiny_mars)
        with pytest.raises(InputError, match="this is not rendered"):
            call(tmp_path)


def test_shuffled_frames_are_seen_by_the_same_weights(motion, tmp_path, cli_json):
    """And what the order of frames is worth comes with an interval."""

    def run(protocol):
        call = ("run", "--plugin", "lstm", "--protocol", protocol, "--data", motion, "--runs", tmp_path, *SHORT)
        return Path(cli_json(*call)["run"])

    ordered, shuffled = run("mars-motion"), run("mars-motion-shuffled-frames")
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (ordered, shuffled)]
    assert weights[0] == weights[1]
    clips, mixed = (load_file(shuffled / f"{name}.safetensors")["embedding"] for name in ("features", "spoiled"))
    assert (abs(clips - mixed).max(1) > 1e-6).mean() > 0.9  # one clip in 24 is shuffled into its own order
    found = compare(ordered, shuffled)["queries-in-gallery"]["mAP"]
    records = [Record.from_file(folder / "record.json") for folder in (ordered, shuffled)]
    a, b = (record.conventions["queries-in-gallery"].mAP for record in records)
    assert (found.a, found.b, found.difference) == pytest.approx((a, b, a - b), abs=1e-12)
    assert found.interval[0] <= found.difference <= found.interval[1]
