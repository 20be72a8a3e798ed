"""Checksums at rest: a file that changed on disk is told before any number of it is used."""

from __future__ import annotations

import hashlib
import subprocess

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save, save_file

from vreid_bench.contracts.dataset import Split, Tracklet
from vreid_bench.records.adoption import find_stage
from vreid_bench.records.checksum import BLANK, CHECKSUM, find_damage, seal
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.run_directory import FoldDirectory
from vreid_bench.records.stage_state import save_stage
from vreid_bench.records.store_arrays import read_store_arrays
from vreid_bench.records.sums import FILE, find_changed, write_sums
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.system.errors import InputError
from vreid_bench.system.meter import COST

TENSORS = {"a": torch.arange(3.0), "b": torch.tensor([[1, 2]])}
CONTENT = pack_tensors(TENSORS, {"position": "[0, 7]"})


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("sealed") / "x.safetensors"


def test_the_checksum_is_the_sha256_with_zeros_in_its_place(place):
    place.write_bytes(CONTENT)
    tensors, note = unpack_tensors(place)
    expected = hashlib.sha256(CONTENT.replace(note[CHECKSUM].encode(), BLANK.encode())).hexdigest()
    assert note == {"position": "[0, 7]", CHECKSUM: expected}
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())
    assert load_file(place).keys() == TENSORS.keys()  # other programs read it as before


@pytest.mark.parametrize("at", range(len(CONTENT)))
def test_no_byte_can_change_unseen(place, at):
    changed = bytearray(CONTENT)
    changed[at] ^= 1
    place.write_bytes(changed)
    assert find_damage(place)
    with pytest.raises(InputError, match=r"damaged.*delete it and repeat the command"):
        unpack_tensors(place)


@given(st.integers(0, len(CONTENT) - 1))
def test_a_file_that_was_cut_short_is_damaged(place, length):
    place.write_bytes(CONTENT[:length])
    assert find_damage(place)


def test_a_header_that_claims_more_than_the_file_has_is_not_read(place):
    place.write_bytes(b"\xff" * 8 + CONTENT[8:])
    assert find_damage(place)


def test_equal_content_has_equal_bytes():
    note = dict.fromkeys("dcba", "ä")
    assert {pack_tensors(TENSORS, note) for _ in range(20)} == {pack_tensors(TENSORS, dict(sorted(note.items())))}
    assert seal(save(TENSORS)) == pack_tensors(TENSORS, {})


def test_a_damaged_stage_of_another_run_is_passed_over(tmp_path):
    folder, other = FoldDirectory(tmp_path / "a", tmp_path / "a"), FoldDirectory(tmp_path / "b", tmp_path / "b")
    other.path.mkdir()
    save_stage(other.stage(1), TENSORS, "x", dict.fromkeys(COST, 1.0))
    assert find_stage(folder, ["x"]) is not None
    content = bytearray(other.stage(1).read_bytes())
    content[-1] ^= 1
    other.stage(1).write_bytes(content)
    assert find_stage(folder, ["x"]) is None


class ComparesEuclidean:
    metric = "euclidean"


def test_features_that_changed_are_not_scored(tmp_path):
    path = tmp_path / "features.safetensors"
    tracklets = [Tracklet(("x.jpg",), pid, camid) for pid, camid in ((1, 1), (1, 2))]
    test = Split(train=(), test=tuple(tracklets), query=(0,), gallery=(1,))
    FeatureStore(torch.ones(2, 4), torch.ones(2), (1, 1)).save(path, test, ComparesEuclidean(), "0" * 64)
    content = path.read_bytes()
    np.testing.assert_array_equal(read_store_arrays(path)["pid"], [1, 1])
    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 16
        path.write_bytes(changed)
        with pytest.raises(InputError, match=r"damaged|cannot be read"):
            read_store_arrays(path)


def test_features_of_other_programs_need_no_checksum(tmp_path):
    save_file({"embedding": torch.ones(2, 4)}, tmp_path / "x.safetensors", {"made_by": "a colleague"})
    assert read_store_arrays(tmp_path / "x.safetensors")["embedding"].shape == (2, 4)


@pytest.fixture
def results(tmp_path):
    contents = {"record.json": b"{}", "per_query.npz": b"abc"}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    write_sums(tmp_path, contents.items())
    return tmp_path


def test_results_that_did_not_change_agree(results):
    assert find_changed(results) == ""
    assert find_changed(results / "no such folder") == ""
    subprocess.run(["sha256sum", "--check", "--strict", FILE], cwd=results, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["record.json", "per_query.npz"])
def test_a_result_that_changed_is_named(results, name):
    (results / name).write_bytes(b"{]")
    assert f"{name}: is damaged" in find_changed(results)
    (results / name).unlink()
    assert f"{name}: cannot be read" in find_changed(results)


def test_no_byte_of_the_checksums_can_change_unseen(results):
    content = (results / FILE).read_bytes()
    for at in range(len(content) - 1):  # the end of the last line says nothing
        changed = bytearray(content)
        changed[at] ^= 1
        (results / FILE).write_bytes(changed)
        assert find_changed(results)
    (results / FILE).write_bytes(b"\xff\xfe")
    assert "cannot be read" in find_changed(results)
