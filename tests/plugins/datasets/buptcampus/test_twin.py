"""The twin of BUPTCampus, read back and run on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from vreid_bench import InputError, decode
from vreid_plugins.datasets.buptcampus.reader import BuptCampus
from vreid_plugins.datasets.buptcampus.twin import plan


@pytest.fixture(scope="session")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six people to train on and six to test on, as the renderer writes them."""
    root = tmp_path_factory.mktemp("data") / "buptcampus"
    BuptCampus().synthesize(root, ids=6, size=(32, 16), workers=1, progress=False)
    return root


def test_a_twin_is_read_back_and_verifies_without_any_problem(twin: Path) -> None:
    dataset = BuptCampus().read(twin)
    assert (dataset.source, dataset.notes) == ("synthetic", ())
    found = BuptCampus().verify(twin, decode=True)
    assert (found.problems, found.notes) == ((), ())
    assert all(count.published is not None for count in found.counts)


def test_a_twin_has_the_cameras_of_the_original_and_no_others(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 to 1999 identities and 6 cameras, not 1 and 6"):
        BuptCampus().synthesize(tmp_path / "twin", ids=1)
    with pytest.raises(InputError, match="6 cameras, not 4 and 7"):
        BuptCampus().synthesize(tmp_path / "twin", ids=4, cameras=7)


def test_both_tracklets_of_a_walk_are_the_same_scene(twin: Path) -> None:
    """Pixel by pixel: what is bright beside its neighbour in one is told apart in the other; infrared is grey."""
    (split,) = BuptCampus().read(twin).splits
    pairs = zip(split.train[::2], split.train[1::2], strict=True)
    alike, apart = [], []
    edges = []
    for visible, infrared in pairs:
        assert [t.attribute("modality") for t in (visible, infrared)] == ["RGB", "IR"]
        assert (visible.pid, visible.camid, len(visible.frames)) == (infrared.pid, infrared.camid, len(infrared.frames))
        in_colour, in_grey = (
            np.stack([decode((twin / frame).read_bytes()) for frame in t.frames]).astype(float)
            for t in (visible, infrared)
        )
        assert np.ptp(in_grey, axis=-1).max() <= 4  # JPEG moves the channels apart a little
        edges.append([np.abs(np.diff(each.mean(-1), axis=2)).mean(0) for each in (in_colour, in_grey)])
    for number, (visible, infrared) in enumerate(edges):
        other = edges[(number + 1) % len(edges)][1]
        alike.append(np.corrcoef(visible.ravel(), infrared.ravel())[0, 1])
        apart.append(np.corrcoef(visible.ravel(), other.ravel())[0, 1])
    assert np.mean(alike) > np.mean(apart) + 0.1


def test_aligned_tracklets_show_the_person_alike_in_every_frame() -> None:
    """The plan renders them from one walk; the renderer's own tests hold that their silhouettes are equal."""
    jobs = plan(ids=6).jobs
    for visible, infrared in zip(jobs[::2], jobs[1::2], strict=True):
        assert (visible.spec.infrared, infrared.spec.infrared) == (False, True)
        assert visible.spec.key == infrared.spec.key
        assert visible.spec.frames == infrared.spec.frames
        assert [path.replace("RGB", "IR") for path in visible.paths] == list(infrared.paths)


def test_the_files_of_the_twin_are_written_as_published() -> None:
    files = {name: content.decode() for name, content in plan().files.items()}
    train, query = files["train.txt"].splitlines(), files["query.txt"].splitlines()
    assert {row.split()[1] for row in train} == {"RGB/IR"}
    assert {row.split()[1] for row in query} == {"RGB", "IR"}
    paths = json.loads(files["data_paths.json"])
    for row in query:
        person, modality, camera, tracklet = row.split()
        first = paths[person][modality][camera][tracklet][0]
        assert first.startswith(f"{person}/{modality}/{camera}/{person}_{modality}_{camera}_{tracklet}_")
    people = [int(row.split()[0]) for row in train]
    assert people != sorted(people)


def test_frames_in_the_order_of_text_would_be_out_of_order() -> None:
    jobs = plan().jobs
    assert sum(list(job.paths) != sorted(job.paths) for job in jobs) > len(jobs) / 4


def test_every_table_can_be_scored_on_the_default_twin() -> None:
    expected = plan().expected
    assert (expected["train_identities"], expected["query_identities"]) == (160, 320)
    assert expected["RGB_queries"] == expected["IR_queries"] == 160
    assert not any(number for what, number in expected.items() if what.startswith("queries_without"))
    assert expected["queries_whose_camera_saw_their_person_in_the_gallery"] == 64


@pytest.mark.slow
def test_a_run_scores_all_tables_at_once(cli_json, twin: Path, tmp_path: Path) -> None:
    short = ("--set", "stages.0.steps=2", "--set", "stages.0.P=2", "--set", "stages.0.K=2", "--quiet")
    command = ("run", "--plugin", "mean-pooling", "--data", twin, "--preset", "small", "--runs", tmp_path / "runs")
    tables = cli_json(*command, "--protocol", "buptcampus-ir-to-rgb", *short)["conventions"]
    assert len(tables) == 5
    assert {name: table["queries"] for name, table in tables.items()} == {
        "cameras-ignored": 6,
        "rgb-to-rgb-cameras-ignored": 3,
        "rgb-to-ir-cameras-ignored": 3,
        "ir-to-rgb-cameras-ignored": 3,
        "ir-to-ir-cameras-ignored": 3,
    }
