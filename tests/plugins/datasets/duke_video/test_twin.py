"""The twin of DukeMTMC-VideoReID, read back."""

from pathlib import Path

import pytest

from vreid_bench import InputError
from vreid_plugins.datasets.duke_video.reader import DukeVideo


@pytest.mark.slow
def test_a_twin_is_read_back_and_verifies_without_any_problem(tmp_path: Path) -> None:
    root = tmp_path / "twin"
    DukeVideo().synthesize(root, ids=4, size=(32, 16), workers=1, progress=False)
    dataset = DukeVideo().read(root)
    assert (dataset.source, dataset.notes) == ("synthetic", ())
    assert DukeVideo().verify(root, decode=True).problems == ()
    counts = {count.what: count.published for count in DukeVideo().verify(root).counts}
    assert None not in counts.values()
    with pytest.raises(InputError, match="2 to 8 cameras, not 4 and 9"):
        DukeVideo().synthesize(tmp_path / "other", ids=4, cameras=9)
