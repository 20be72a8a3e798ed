"""The twins of iLIDS-VID and PRID2011: their quirks, and reading them back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vreid_bench import InputError
from vreid_plugins.datasets.ilids_vid.reader import IlidsVid
from vreid_plugins.datasets.ilids_vid.twin import plan as plan_ilids_vid
from vreid_plugins.datasets.mars.twin import plan as plan_mars
from vreid_plugins.datasets.prid2011.reader import Prid2011
from vreid_plugins.datasets.prid2011.twin import plan as plan_prid2011
from vreid_plugins.synthetic import Plan, TrackletSpec, World


def test_the_twin_of_ilids_vid_has_gaps_in_its_numbers_and_unequal_lengths() -> None:
    plan = plan_ilids_vid()
    people = sorted({int(Path(path).parent.name.removeprefix("person")) for job in plan.jobs for path in job.paths})
    assert len(people) == 300
    assert people != list(range(people[0], people[0] + 300))
    lengths = [job.spec.frames for job in plan.jobs]
    assert (min(lengths), max(lengths)) == (23, 192)
    assert 60 < np.mean(lengths) < 80
    assert len({job.paths[0][-9:] for job in plan.jobs}) > 100  # sequences begin anywhere
    assert len({(job.spec.identity, job.spec.camera) for job in plan.jobs}) == len(plan.jobs) == 600


def test_the_twin_of_prid2011_has_short_sequences_and_strangers_in_each_camera() -> None:
    plan = plan_prid2011()
    seen: dict[tuple[str, int], TrackletSpec] = {}
    for job in plan.jobs:
        camera, person = Path(job.paths[0]).parts[-3:-1]
        seen[camera, int(person.removeprefix("person_"))] = job.spec
    first, second = ({n: s for (camera, n), s in seen.items() if camera == c} for c in ("cam_a", "cam_b"))
    assert {n for n in first if n <= 200} == {n for n in second if n <= 200} == set(range(1, 201))
    assert all(first[n].identity == second[n].identity for n in range(1, 201))
    strangers = [view[n].identity for view in (first, second) for n in view if n > 200]
    assert len(strangers) == len(set(strangers)) == 89
    assert not set(strangers) & {first[n].identity for n in range(1, 201)}
    shortest = [min(first[n].frames, second[n].frames) for n in range(1, 201)]
    assert sum(frames >= 27 for frames in shortest) == 178
    assert sum(21 <= frames < 27 for frames in shortest) == 11
    assert min(shortest) < 21


def test_no_person_and_no_camera_is_in_two_twins() -> None:
    plans = plan_mars(World()), plan_ilids_vid(), plan_prid2011()
    for part in ("identity", "camera"):
        each = [{getattr(job.spec, part) for job in plan.jobs} for plan in plans]
        assert sum(map(len, each)) == len(set.union(*each))
    crowds = [{range(*job.spec.crowd) for job in plan.jobs} for plan in plans]  # who walks by
    walkers = [{number for crowd in each for number in crowd} for each in crowds]
    assert sum(map(len, walkers)) == len(set.union(*walkers))


@pytest.mark.slow
@pytest.mark.parametrize(("plan", "reader"), [(plan_ilids_vid, IlidsVid()), (plan_prid2011, Prid2011())])
def test_a_twin_of_two_cameras_is_read_back_and_verifies(
    plan: Callable[..., Plan], reader: Any, tmp_path: Path
) -> None:
    reader.synthesize(tmp_path / "twin", ids=3, size=(32, 16), workers=1, progress=False)
    dataset = reader.read(tmp_path / "twin")
    assert (dataset.source, dataset.notes, len(dataset.splits)) == ("synthetic", (), 10)
    assert all(len(split.query) == len(split.gallery) == 3 for split in dataset.splits)
    assert all(len(split.train) == 6 for split in dataset.splits)
    verification = reader.verify(tmp_path / "twin", decode=True)
    assert verification.problems == ()
    assert all(count.found == count.published for count in verification.counts)
    assert reader.twin() == plan().hash


@pytest.mark.parametrize(("plan", "ids"), [(plan_ilids_vid, 1), (plan_ilids_vid, 470), (plan_prid2011, 90)])
def test_numbers_that_do_not_fit_two_cameras_are_refused(plan: Callable[..., Plan], ids: int) -> None:
    with pytest.raises(InputError, match=f"identities and 2 cameras, not {ids} and 2"):
        plan(ids=ids)


@pytest.mark.parametrize("reader", [IlidsVid(), Prid2011()])
def test_a_third_camera_is_refused(reader: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"identities and 2 cameras, not \d+ and 3; change ids or cameras"):
        reader.synthesize(tmp_path / "new", cameras=3)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("plan", [plan_ilids_vid, plan_prid2011])
def test_a_seed_gives_another_world_and_a_size_other_frames(plan: Callable[..., Plan]) -> None:
    worlds = [replace(World.appearance(cameras=2), **change) for change in ({}, {"seed": 1}, {"height": 32})]
    assert len({plan(world).hash for world in worlds}) == 3
    assert plan(worlds[0]).hash == plan().hash
