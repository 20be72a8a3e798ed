"""A damaged break-down is told, wherever it is read."""

import json

import pytest

from vreid_bench.records.breakdown_file import read_breakdown
from vreid_bench.system.errors import InputError

WHOLE = {"official": {"attributes": {}}, "torchreid": {}}


def test_what_was_written_is_read(tmp_path):
    (tmp_path / "breakdown.json").write_text(json.dumps(WHOLE))
    assert read_breakdown(tmp_path / "breakdown.json") == WHOLE


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"[]", b'{"official": 3}', b"null", b"[" * 100_000, b"9" * 5000]
)
def test_anything_else_is_a_sentence(tmp_path, content):
    (tmp_path / "breakdown.json").write_bytes(content)
    with pytest.raises(InputError, match=r"breakdown\.json: .*repeat the command of the run with --anew"):
        read_breakdown(tmp_path / "breakdown.json")
