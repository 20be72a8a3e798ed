"""`data verify` names every damage: kinds of damage by name, each struck at random places of the layouts it can hit."""

import os
import shutil
import zlib
from dataclasses import replace

import numpy as np
import pytest
from damage import EVERY, KINDS, READERS, Tree

from vreid_plugins.datasets.ccvid import twin as ccvid
from vreid_plugins.datasets.duke_video import twin as duke_video
from vreid_plugins.datasets.ilids_vid import twin as ilids_vid
from vreid_plugins.datasets.ls_vid import twin as ls_vid
from vreid_plugins.datasets.mars import twin as mars
from vreid_plugins.datasets.prid2011 import twin as prid2011
from vreid_plugins.synthetic.world import World
from vreid_plugins.synthetic.writer import write_tree

# Frames of the longest tracklets, as few as these layouts allow a person whom their lists name: few are soon verified.
LONGEST = {"ilids-vid": 23, "prid2011": 27}
# plan, cameras, people of each part, seeds that every kind of damage is struck with
TWINS = {
    "mars": (mars.plan, 3, 3, 2),
    "ilids-vid": (ilids_vid.plan, 2, 2, 1),
    "prid2011": (prid2011.plan, 2, 2, 1),
    "duke-video": (duke_video.plan, 4, 3, 2),
    "ls-vid": (ls_vid.plan, 15, 3, 2),
    "ccvid": (ccvid.plan, 9, 3, 2),
}


def cut(plan, longest):
    """The same plan with at most so many frames of a tracklet; None: with all."""
    if longest is None:
        return plan
    specs = [replace(job.spec, frames=min(longest, job.spec.frames)) for job in plan.jobs]
    jobs = tuple(replace(job, spec=s, paths=job.paths[: s.frames]) for job, s in zip(plan.jobs, specs, strict=True))
    frames = [s.frames for s in specs]
    counts = {"shortest_tracklet": min(frames), "longest_tracklet": max(frames)}
    counts |= dict.fromkeys(("frames", "frames_on_disk"), sum(frames))
    return replace(plan, jobs=jobs, expected={**plan.expected, **counts})


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """The whole tree of a layout, rendered when it is first asked for."""
    folder = tmp_path_factory.mktemp("twins")

    def whole(layout):
        root = folder / layout
        if not root.exists():
            plan, cameras, people, _ = TWINS[layout]
            world = World.appearance(cameras=cameras, typical_frames=1, height=16, width=8)
            write_tree(root, cut(plan(world, people), LONGEST.get(layout)), workers=1, progress=False)
        return root

    return whole


def test_there_are_at_least_20_kinds_of_damage_and_every_layout_suffers_them():
    assert len(KINDS) >= 20
    for layout in EVERY:
        assert sum(layout in layouts for layouts, _ in KINDS.values()) >= 20, layout


CASES = [(layout, name) for layout in EVERY for name, (layouts, _) in KINDS.items() if layout in layouts]


@pytest.mark.parametrize(("layout", "name"), CASES)
def test_verify_names_the_damage_wherever_it_strikes(twins, tmp_path, layout, name):
    for seed in range(TWINS[layout][-1]):
        tree = Tree(layout, tmp_path / str(seed))
        shutil.copytree(twins(layout), tree.root, copy_function=os.link)
        expected = KINDS[name][1](tree, np.random.default_rng([seed, zlib.crc32(name.encode())]))
        ways = (expected,) if isinstance(expected, str) else expected
        problems = READERS[layout].verify(tree.root, decode=True).problems
        below = [problem.replace(f"{tree.root}/", "") for problem in problems]
        assert any(way in problem for way in ways for problem in below), (seed, ways, problems)
        shutil.rmtree(tree.root)


@pytest.mark.parametrize("layout", EVERY)
def test_verify_finds_nothing_in_a_whole_tree(twins, layout):
    """After all the damage: the trees above share their files with this one."""
    assert READERS[layout].verify(twins(layout), decode=True).problems == ()
