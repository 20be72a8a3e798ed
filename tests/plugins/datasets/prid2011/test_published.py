"""PRID2011 on the published lists, if VREID_PRID_SPLITS names them."""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from two_cameras import (
    MULTI_SHOT,
    TOO_SHORT,
    put,
)

from vreid_bench import InputError
from vreid_plugins.datasets.prid2011.reader import Prid2011

PRID_SPLITS = os.environ.get("VREID_PRID_SPLITS")


official = pytest.mark.skipif(
    not PRID_SPLITS, reason="VREID_PRID_SPLITS does not name the published splits_prid2011.json"
)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The frames that the published lists ask for: the numbers of the removed persons as the field has them."""
    tmp_path = tmp_path_factory.mktemp("published")
    root = tmp_path / "prid2011"
    frame = put(tmp_path / "frame.png")
    for camera, persons in (("a", 385), ("b", 749)):
        for person in range(1, persons + 1):
            frames = 27 if person <= 200 and person not in TOO_SHORT else 26 if person <= 71 else 21
            folder = root / MULTI_SHOT / f"cam_{camera}/person_{person:04d}"
            folder.mkdir(parents=True)
            for number in range(1, frames + 1 if person <= 200 else 2):
                os.link(frame, folder / f"{number:04d}.png")
    shutil.copy(str(PRID_SPLITS), root / "splits_prid2011.json")
    return root


@official
def test_the_published_lists_leave_out_the_22_persons_of_the_field() -> None:
    content = Path(str(PRID_SPLITS)).read_bytes()
    # AsuradaYuci/CNN-RNN2016 at 2b8c4fc
    assert sha256(content).hexdigest() == "4a238a57e7b4499b2b8552f695a1f41199bad3df91fad24476ed85a7c915d2c8"
    lists = json.loads(content)
    assert len(lists) == 10
    for split in lists:
        assert [len(split[half]) for half in ("train", "test")] == [89, 89]
        divided = {int(name.removeprefix("person_")) for half in split.values() for name in half}
        assert divided == set(range(1, 201)) - TOO_SHORT
        assert all(half == sorted(half) for half in split.values())


@official
def test_the_published_lists_divide_178_persons_in_halves_of_89(published: Path) -> None:
    dataset = Prid2011().read(published)
    assert (dataset.source, dataset.notes) == ("official", ())
    assert [len(split.query) for split in dataset.splits] == [89] * 10
    assert [len({t.pid for t in split.train}) for split in dataset.splits] == [89] * 10
    counts = {count.what: (count.found, count.published) for count in Prid2011().verify(published).counts}
    assert counts["persons of 27 frames or more in both"] == (178, 178)
    assert (counts["persons of camera 1"], counts["persons of camera 2"]) == ((385, 385), (749, 749))
    assert counts["queries of a split"] == (89, 89)


@official
def test_published_lists_that_were_edited_are_no_longer_official(published: Path) -> None:
    whole = (published / "splits_prid2011.json").read_text()
    lists = json.loads(whole)
    lists[3]["train"][0], lists[3]["test"][0] = lists[3]["test"][0], lists[3]["train"][0]
    (published / "splits_prid2011.json").write_text(json.dumps(lists))
    try:
        dataset = Prid2011().read(published)
    finally:
        (published / "splits_prid2011.json").write_text(whole)
    assert dataset.source == "unverified"
    assert "are not those of the widely used splits_prid2011.json" in dataset.notes[0]


@official
def test_a_lost_frame_makes_the_published_lists_name_somebody_too_short(published: Path) -> None:
    frame = published / MULTI_SHOT / "cam_b/person_0100/0027.png"
    frame.rename(published / "lost.png")
    try:
        with pytest.raises(InputError, match=r"'person_0100' is not among the persons.*has 177 persons of at least 27"):
            Prid2011().read(published)
    finally:
        (published / "lost.png").rename(frame)
