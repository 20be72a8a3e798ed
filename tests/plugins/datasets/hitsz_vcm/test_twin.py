"""The twin of HITSZ-VCM, read back and looked at."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vreid_bench import InputError
from vreid_plugins.datasets.hitsz_vcm.reader import VARIANTS, HitszVcm
from vreid_plugins.datasets.hitsz_vcm.twin import plan


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = HitszVcm().read(twin)
    assert (dataset.source, dataset.notes) == ("synthetic", ())
    found = HitszVcm().verify(twin, decode=True)
    assert (found.problems, found.notes) == ((), ())
    assert all(count.published is not None for count in found.counts)


def test_infrared_frames_are_grey_and_visible_ones_are_not(twin: Path) -> None:
    (split,) = HitszVcm().read(twin).splits
    for tracklet in (*split.train, *split.test):
        with Image.open(twin / tracklet.frames[0]) as image:
            pixels = np.asarray(image.convert("RGB")).astype(int)
        colour = np.ptp(pixels, axis=2).mean()
        assert (colour < 1) == (tracklet.attribute("modality") == "infrared"), tracklet.name


def test_roles_by_list_and_by_modality_agree(twin: Path) -> None:
    for variant, asked in zip(VARIANTS, ("infrared", "visible"), strict=True):
        (split,) = HitszVcm().read(twin, variant).splits
        assert {split.test[row].attribute("modality") for row in split.query} == {asked}
        assert asked not in {split.test[row].attribute("modality") for row in split.gallery}


def test_a_twin_has_twelve_cameras(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 999 identities and 12 cameras, not 1 and 12"):
        HitszVcm().synthesize(tmp_path / "twin", ids=1)


def test_the_files_of_the_twin_are_written_as_published() -> None:
    twin = plan()
    modality, start, end, person, camera = twin.files["track_train_info.txt"].decode().splitlines()[0].split()
    names = twin.files["train_name.txt"].decode().splitlines()
    assert (start, modality, len(person)) == ("1", "2", 4)
    assert names[0] == f"{person}M2D{camera}T1F1.jpg"
    assert names[int(end) - 1] == f"{person}M2D{camera}T1F{5 * int(end) - 4}.jpg"  # the end is the last frame
    query = twin.files["query_IDX.txt"].decode()
    assert (query.count("\n"), query[-1]) == (1, "\n")
    rows = [line.split()[0] for line in twin.files["track_test_info.txt"].decode().splitlines()]
    assert {rows[int(number) - 1] for number in query.split()} == {"1"}
    assert len(query.split()) == rows.count("1")


def test_the_traps_of_the_original_are_in_the_default_twin() -> None:
    twin = plan()
    names = [name for part in ("train", "test") for name in twin.files[f"{part}_name.txt"].decode().splitlines()]
    assert any("D1T" in name for name in names)
    assert any("D12T" in name for name in names)
    folders: dict[str, set[str]] = {}
    for name in names:
        folders.setdefault(name.split("T")[0], set()).add(name.split("T")[1].split("F")[0])
    assert any(len(tracks) > 1 for tracks in folders.values())  # two tracklets in one folder
    paths = [path for job in twin.jobs for path in job.paths]
    assert len(set(paths)) == len(paths) == len(names)
    shortest = min(len(job.paths) for job in twin.jobs)
    assert shortest == 1
    both = {spec.camera for spec in (job.spec for job in twin.jobs) if spec.infrared}
    assert both == {spec.camera for spec in (job.spec for job in twin.jobs) if not spec.infrared}


def test_short_tracklets_are_left_out_and_no_query_stays_without_a_match() -> None:
    expected = plan().expected
    assert (expected["train_identities"], expected["test_identities"], expected["cameras"]) == (120, 120, 12)
    short = expected["queries"] - expected["queries_of_12_frames_or_more"]
    assert 0.05 * expected["queries"] < short < 0.15 * expected["queries"]  # 11 % in the original
    assert expected["queries_without_a_match,_of_12_frames_or_more"] == 0
