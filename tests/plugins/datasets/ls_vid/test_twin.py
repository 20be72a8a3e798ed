"""The twin of LS-VID, read back."""

from pathlib import Path

import pytest
from scipy.io import loadmat

from vreid_plugins.datasets.ls_vid.reader import LsVid
from vreid_plugins.datasets.ls_vid.twin import plan


@pytest.mark.slow
def test_a_twin_is_read_back_and_verifies_without_any_problem(tmp_path: Path) -> None:
    root = tmp_path / "twin"
    LsVid().synthesize(root, ids=4, size=(32, 16), workers=1, progress=False)
    assert LsVid().read(root).source == "synthetic"
    found = LsVid().verify(root, decode=True)
    assert found.problems == ()
    assert all(count.published is not None for count in found.counts)
    with pytest.raises(NotImplementedError):  # as MATLAB's own: scipy knows the version by its header
        loadmat(root / "test/data/info_test.mat")


def test_the_default_twin_has_the_quirks_of_the_original() -> None:
    twin = plan()
    assert twin.expected["cameras"] == 15
    assert 0 < twin.expected["train_tracklets_under_48_frames"] < twin.expected["train_tracklets"]
    assert twin.expected["queries_without_a_match,_queries_out_of_the_gallery"] > 0
    assert twin.expected["query_identities"] < twin.expected["test_identities"]
    assert min(len(job.paths) for job in twin.jobs) == 1
    stems = [job.paths[0].rpartition("_")[0] for job in twin.jobs]
    assert any(a != b and b.startswith(a) for a in stems for b in stems)  # a careless glob takes too many
