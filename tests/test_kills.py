"""Work that is killed and repeated ends as if nobody had disturbed it; `kills.py` does so as often as is asked."""

import pytest
from kills import kill_often


@pytest.mark.slow
def test_a_killed_command_is_only_to_be_repeated(tmp_path):
    done = kill_often(10, 1, tmp_path)
    assert done.keys() == {"run", "splits", "add", "render", "fill"}
