"""Where the data of a run was: found again from any folder."""

from pathlib import Path

import pytest

from vreid_bench.records.data_roots import FILE, read_data_roots, write_data_roots


def test_a_folder_named_from_here_is_found_from_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    write_data_roots(tmp_path, {"mars": Path("copies/mars")})
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_data_roots(tmp_path) == {"mars": tmp_path / "copies/mars"}


@pytest.mark.parametrize("content", [None, b"", b"cut", b"[1]", b'{"mars": 3}'])
def test_without_a_readable_file_nothing_is_known(tmp_path, content):
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert read_data_roots(tmp_path) == {}
