"""The features of a run on disk: their names beside their numbers, and files of earlier versions."""

import numpy as np
import pytest
import torch
from safetensors.torch import save

from vreid_bench import InputError, Split, Tracklet
from vreid_bench.records.feature_store import FeatureStore
from vreid_bench.records.store_arrays import read_store_arrays, read_store_metric
from vreid_plugins.matchers.mean import Mean

TEST = (
    Tracklet(("a/1.jpg", "a/2.jpg"), 1, 1, person="p000", camera="cam first"),
    Tracklet(("b/1.jpg",), 1, 2, person="p000", camera="café"),
    Tracklet(("c/1.jpg",), -1, 2, person="-1", camera="café"),
)
STORE = FeatureStore(torch.eye(4), torch.ones(4), (2, 1, 1))


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "features.safetensors"
    STORE.save(path, Split((), TEST, (0,), (0, 1, 2)), Mean(4), "made by a test")
    return path


def test_the_names_are_read_beside_the_numbers(stored):
    arrays = read_store_arrays(stored)
    assert arrays["pid"].tolist() == [1, 1, -1]
    assert arrays["person"].tolist() == ["p000", "p000", "junk"]
    assert arrays["camera"].tolist() == ["cam first", "café", "café"]
    assert arrays["tracklet"].tolist() == ["a/1.jpg", "b/1.jpg", "c/1.jpg"]
    np.testing.assert_array_equal(arrays["valid"], [[1, 1], [1, 0], [1, 0]])
    assert read_store_metric(stored) == "euclidean"


def test_the_features_are_those_that_were_stored(stored):
    read = FeatureStore.from_file(stored)
    assert torch.equal(read.embedding, STORE.embedding)
    assert read.counts == STORE.counts


def test_a_file_without_names_is_read(tmp_path):
    path = tmp_path / "features.safetensors"
    path.write_bytes(save({"pid": torch.tensor([4, 5])}))
    assert {name: array.tolist() for name, array in read_store_arrays(path).items()} == {"pid": [4, 5]}


def test_a_note_that_is_no_list_of_names_is_refused(tmp_path):
    path = tmp_path / "features.safetensors"
    path.write_bytes(save({"pid": torch.tensor([4, 5])}, {"person": "anna, ben"}))
    with pytest.raises(InputError, match=r"cannot be read as \.safetensors"):
        read_store_arrays(path)
