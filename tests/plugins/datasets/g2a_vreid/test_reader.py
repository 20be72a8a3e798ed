"""Reading G2A-VReID and its twin: two cameras, the queries out of the gallery, and the sides swapped."""

from pathlib import Path

import pytest
from scipy.io import loadmat, savemat

from vreid_bench import InputError
from vreid_bench.contracts.dataset import CheckingReader, DatasetReader, TwinReader, VariantReader
from vreid_plugins.datasets.g2a_vreid import reader
from vreid_plugins.datasets.g2a_vreid.description import DESCRIPTION
from vreid_plugins.datasets.g2a_vreid.reader import VARIANTS, G2aVreid
from vreid_plugins.datasets.g2a_vreid.twin import plan


def test_it_is_a_reader_of_two_variants_that_verifies_and_synthesizes() -> None:
    for contract in (DatasetReader, VariantReader, CheckingReader, TwinReader):
        assert isinstance(G2aVreid(), contract)


def test_queries_of_the_ground_search_in_the_air_and_the_other_way_when_swapped(twin: Path) -> None:
    (split,) = G2aVreid().read(twin).splits
    (swapped,) = G2aVreid().read(twin, VARIANTS[1]).splits
    assert {split.test[row].camid for row in split.query} == {1}
    assert {split.test[row].camid for row in split.gallery} == {2}
    assert (swapped.test, swapped.query, swapped.gallery) == (split.test, split.gallery, split.query)
    assert len(split.query) == len({split.test[row].pid for row in split.query}) == 4


def test_a_twin_verifies_without_any_problem(twin: Path) -> None:
    found = G2aVreid().verify(twin, decode=True)
    assert (found.source, found.problems, found.notes) == ("synthetic", (), ())
    counts = {count.what: count.found for count in found.counts}
    expected = {"identities": 8, "tracklets": 16, "queries": 4, "gallery": 4, "queries without a match": 0}
    assert {what: counts[what] for what in expected} == expected
    frames = len(list(twin.rglob("*.jpg")))
    assert counts["frames"] == counts["train frames on disk"] + counts["test frames on disk"] == frames


def test_a_copy_of_neither_version_is_told_so_and_frames_are_noted(copy: Path) -> None:
    (copy / "synthetic.json").unlink()
    found = G2aVreid().verify(copy)
    assert sorted(problem.split(" has ")[1].split(";")[0] for problem in found.problems) == [
        "16 tracklets, expected 5,576",
        "8 identities, expected 2,788",
    ]
    (note,) = found.notes
    assert note.endswith("frames were found; 185,907 are said to be there, which is not certain.")


def test_queries_of_both_cameras_are_a_problem(copy: Path) -> None:
    query = loadmat(copy / "info/query_IDX.mat")["query_IDX"]
    query[0, 1] += 1
    savemat(copy / "info/query_IDX.mat", {"query_IDX": query})
    assert any("queries are of camera 1 and 2, expected one camera" in p for p in G2aVreid().verify(copy).problems)


def test_the_published_counts_are_two_tracklets_a_person_in_the_first_version() -> None:
    counts = DESCRIPTION.counts
    assert counts["cameras"] * counts["identities"][0] == counts["tracklets"][0]


def test_both_protocols_are_scored_on_the_gallery_as_listed() -> None:
    protocols = reader.vreid_protocols()
    assert {name: p.variant for name, p in protocols.items()} == {
        "g2a-vreid": "ground-to-aerial",
        "g2a-vreid-aerial-to-ground": "aerial-to-ground",
    }
    assert {p.conventions for p in protocols.values()} == {("gallery-as-listed",)}
    assert len({p.fingerprint for p in protocols.values()}) == 2


def test_the_default_twin_asks_everybody_once(tmp_path: Path) -> None:
    assert plan().expected["queries"] == plan().expected["test_identities"] == 300
    with pytest.raises(InputError, match="2 to 1999 identities and 2 cameras, not 1 and 2"):
        G2aVreid().synthesize(tmp_path / "twin", ids=1)
