"""What is known of a data set, as data: what it must say, and that every data set of the package says it."""

import pytest

from vreid_bench import DatasetDescription, InputError
from vreid_bench.contracts.dataset_description import DescribedReader

TEXTS = {"title": "Toy", "licence": "none found", "access": "a folder", "citation": "none"}


@pytest.mark.parametrize("missing", TEXTS)
def test_every_text_must_say_something(missing):
    with pytest.raises(InputError, match=f"has no {missing}; say what is known"):
        DatasetDescription(**{**TEXTS, missing: ""})


def test_only_a_count_can_be_uncertain():
    with pytest.raises(InputError, match="description of Toy calls 'queries' uncertain, which it does not count"):
        DatasetDescription(**TEXTS, counts={"gallery": 2}, uncertain=("queries",))


def test_its_data_is_ready_for_json():
    described = DatasetDescription(**TEXTS, counts={"queries": (3, 4), "gallery": 2}, uncertain=("gallery",))
    counts = {"queries": [3, 4], "gallery": 2}
    assert described.to_data() == {**TEXTS, "counts": counts, "uncertain": ["gallery"], "withdrawn": ""}


def test_every_data_set_of_the_package_is_described(cli_json):
    from vreid_bench.registry.registry import Registry

    entries = list(Registry.installed().entries("datasets"))
    assert all(isinstance(entry.value, DescribedReader) for entry in entries)
    listed = {row["name"]: row["description"] for row in cli_json("list", "datasets")}
    assert listed == {entry.name: entry.value.description.to_data() for entry in entries}
    assert [name for name, description in listed.items() if description["withdrawn"]] == ["duke-video"]
    assert listed["mars"]["counts"]["queries"] == 1980
