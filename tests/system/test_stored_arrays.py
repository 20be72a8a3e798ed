"""What NumPy reads from a file and cannot be used."""

import io
import zipfile

import numpy as np
import pytest

from vreid_bench.records.npz import read_npz
from vreid_bench.system.errors import InputError
from vreid_bench.system.plain_json import load_json
from vreid_bench.system.stored_arrays import check_array


@pytest.mark.parametrize("order", "<>")
def test_texts_of_bytes_that_are_no_characters(order):
    good = np.array(["a", "\U0010ffff"], f"{order}U2")
    check_array(good, "x")
    bad = good.view(f"{order}u4").copy()
    bad[3] = 0x110000
    with pytest.raises(ValueError, match="x holds bytes that are no characters"):
        check_array(bad.view(f"{order}U2"), "x")


@pytest.mark.parametrize(
    "array", [np.array("a"), np.zeros((0, 3), "U4"), np.zeros(2, "U0"), np.array(["a", "b", "c"])[::2]]
)
def test_texts_of_any_shape(array):
    check_array(array, "x")


def test_an_archive_that_unpacks_to_more_than_it_can_hold(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("embedding.npy", bytes(1 << 28))
    with pytest.raises(InputError, match=r"x\.npz: .*embedding\.npy unpacks to 268,435,456 bytes"):
        read_npz(tmp_path / "x.npz")


def test_a_member_that_is_no_array(tmp_path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("pid", b"text")
    (tmp_path / "x.npz").write_bytes(buffer.getvalue())
    with pytest.raises(InputError, match=r"x\.npz: .*pid is no array"):
        read_npz(tmp_path / "x.npz")


def test_json_without_end_is_an_error_of_its_value():
    assert load_json(b'{"a": [1]}') == {"a": [1]}
    with pytest.raises(ValueError, match="nested too deeply"):
        load_json("[" * 100_000)
