"""What a training takes over from another one: all of it, or nothing that a later attempt would take for complete."""

import pytest
import torch

from vreid_bench.records import adoption
from vreid_bench.records.adoption import adopt_stage, find_stage
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.records.stage_state import save_stage
from vreid_bench.system.meter import COST, read_costs

SPENT = dict.fromkeys(COST, 7.0)


@pytest.fixture
def folders(tmp_path):
    """The folder of a training that left two stages, and an empty one beside it."""
    left, new = (FoldDirectory(tmp_path / name, tmp_path / name) for name in ("left", "new"))
    for folder in (left, new):
        folder.path.mkdir()
    for number, made_by in ((1, "first"), (2, "second")):
        save_stage(left.stage(number), {"encoder.weight": torch.ones(2)}, made_by, SPENT)
    left.log.write_text("a line\n")
    return left, new


def test_the_last_equal_stage_is_found(folders):
    left, new = folders
    assert find_stage(new, ["first", "second"]) == (2, left.stage(2))
    assert find_stage(new, ["first", "another"]) == (1, left.stage(1))
    assert find_stage(new, ["another", "third"]) is None
    new.checkpoint.write_bytes(b"")  # it has begun
    assert find_stage(new, ["first", "second"]) is None


def test_a_stage_that_was_taken_over_in_part_is_taken_over_again(folders, monkeypatch):
    left, new = folders
    whole = adoption.write_atomic

    def stop(path, content):
        if path == new.stage(2):
            raise KeyboardInterrupt
        whole(path, content)

    monkeypatch.setattr(adoption, "write_atomic", stop)
    with pytest.raises(KeyboardInterrupt):
        adopt_stage(find_stage(new, ["first", "second"]), new)
    assert not new.stage(2).exists()
    new.costs.unlink()  # whatever the first attempt had done
    monkeypatch.undo()
    adopt_stage(find_stage(new, ["first", "second"]), new)
    assert new.stage(2).read_bytes() == left.stage(2).read_bytes()
    assert new.log.read_text() == "a line\n"
    assert read_costs(new.costs) == {"train": SPENT}
