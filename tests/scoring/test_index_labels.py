"""Features without labels get those of a data set's index, however their code base listed the gallery."""

import numpy as np
import pytest
import torch
from scipy.io import savemat


@pytest.fixture
def mars(tmp_path):
    """The index files of a small MARS, and features of all its tracklets."""
    random = np.random.default_rng(0)
    pid, camid = random.integers(-1, 7, 80), random.integers(1, 4, 80)
    people = np.flatnonzero(pid > 0)
    rows = np.sort(people[np.unique(pid[people] * 10 + camid[people], return_index=True)[1]])
    features = (random.standard_normal((9, 5))[pid] + random.standard_normal((80, 5))).astype(np.float32)
    index = np.stack([np.arange(1, 81), np.arange(1, 81), pid, camid], 1)
    savemat(tmp_path / "tracks_test_info.mat", {"track_test_info": index})
    savemat(tmp_path / "query_IDX.mat", {"query_IDX": rows[None] + 1})
    np.savez(tmp_path / "test.npz", embedding=features)
    kept = np.setdiff1d(np.flatnonzero(pid != -1), rows)
    return tmp_path, features, rows, kept


def save(folder, features, query, gallery):
    for name, rows in (("qf", query), ("gf", gallery)):
        torch.save(torch.from_numpy(features[rows]), folder / f"{name}.pt")
    return [folder / "qf.pt", folder / "gf.pt", "--protocol", "mars", "--info", folder]


@pytest.mark.parametrize("way", ["as the index", "queries behind", "without queries"])
def test_the_gallery_is_found_by_its_number_of_rows(cli_json, mars, way):
    folder, features, rows, kept = mars
    gallery = {"as the index": np.arange(80), "queries behind": np.append(kept, rows), "without queries": kept}[way]
    rule = "torchreid" if way == "without queries" else "queries-in-gallery"
    found = cli_json("score", *save(folder, features, rows, gallery), "--convention", rule)["conventions"][rule]
    expected = cli_json("score", "--features", folder / "test.npz", "--protocol", "mars", "--info", folder)[
        "conventions"
    ]
    for score in ("mAP", "R1", "R5", "mINP", "queries"):
        assert found[score] == expected[rule][score], score


def test_attributes_stand_beside_the_features_in_the_order_of_the_index(cli_json, mars):
    folder, features, rows, _ = mars
    outfit = np.array(["coat", "suit"])[np.arange(80) % 2]
    np.savez(folder / "test.npz", **{"embedding": features, "attribute.outfit": outfit})
    found = cli_json(
        "score", "--features", folder / "test.npz", "--protocol", "mars", "--info", folder, "--by", "outfit"
    )
    by = found["conventions"]["torchreid"]["by"]["outfit"]
    assert {each["value"] for each in by} == set(outfit[rows])


@pytest.mark.parametrize("way", ["as the index", "without queries"])
def test_the_conventions_are_those_of_the_protocol(cli_json, mars, way):
    """Those that a gallery without the queries does not allow say so; none is chosen in their place."""
    folder, features, rows, kept = mars
    command = save(folder, features, rows, np.arange(80) if way == "as the index" else kept)
    found = cli_json("score", *command)["conventions"]
    assert list(found) == ["queries-in-gallery", "official", "torchreid"]  # the headline first
    refused = {name for name, numbers in found.items() if "not_computable" in numbers}
    assert refused == (set() if way == "as the index" else {"queries-in-gallery", "official"})


@pytest.mark.parametrize(
    ("protocol", "words"),
    [
        ("mars-dev", "tests on people held out"),
        ("mars-half", "divides mars as 'halves', but its index files are read as 'published'; name a protocol"),
    ],
)
def test_a_protocol_with_another_test_than_the_index_is_refused(cli, mars, protocol, words):
    folder, features, rows, _ = mars
    command = [word if word != "mars" else protocol for word in save(folder, features, rows, np.arange(80))]
    result = cli("score", *command)
    assert (result.exit_code, f"--protocol {protocol}: {words}" in result.stderr) == (2, True)


def test_another_number_of_rows_is_refused(cli, mars):
    folder, features, rows, kept = mars
    result = cli("score", *save(folder, features, rows, kept[:-2]))
    assert result.exit_code == 2
    assert f"has {len(kept) - 2} gallery rows" in result.stderr
    assert "expected one of the three" in result.stderr
