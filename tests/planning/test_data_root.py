"""The synthetic twins beside each other, where transfer meets new people before new cameras, and their banner."""

import re
from itertools import combinations

import click
import pytest
from places import ROOT

from vreid_bench.contracts.dataset import TwinReader
from vreid_bench.planning.data_root import data_root
from vreid_bench.registry.registry import Registry
from vreid_plugins.datasets.ag_vpreid.twin import plan as plan_ag_vpreid
from vreid_plugins.datasets.buptcampus.twin import plan as plan_buptcampus
from vreid_plugins.datasets.ccvid.twin import plan as plan_ccvid
from vreid_plugins.datasets.detreidx.twin import plan as plan_detreidx
from vreid_plugins.datasets.duke_video.twin import plan as plan_duke_video
from vreid_plugins.datasets.g2a_vreid.twin import plan as plan_g2a_vreid
from vreid_plugins.datasets.hitsz_vcm.twin import plan as plan_hitsz_vcm
from vreid_plugins.datasets.ilids_vid.twin import plan as plan_ilids_vid
from vreid_plugins.datasets.ls_vid.twin import plan as plan_ls_vid
from vreid_plugins.datasets.mars.twin import plan as plan_mars
from vreid_plugins.datasets.mevid.twin import plan as plan_mevid
from vreid_plugins.datasets.mot.twin import plan as plan_mot
from vreid_plugins.datasets.p_destre.twin import plan as plan_p_destre
from vreid_plugins.datasets.pretraining.twin import plan as plan_pretraining
from vreid_plugins.datasets.prid2011.twin import plan as plan_prid2011
from vreid_plugins.datasets.vccr.twin import plan as plan_vccr
from vreid_plugins.synthetic.identity import CHANGE

PLANS = {
    "mars": plan_mars,
    "ilids-vid": plan_ilids_vid,
    "prid2011": plan_prid2011,
    "duke-video": plan_duke_video,
    "ls-vid": plan_ls_vid,
    "ccvid": plan_ccvid,
    "mevid": plan_mevid,
    "g2a-vreid": plan_g2a_vreid,
    "p-destre": plan_p_destre,
    "mot": plan_mot,
    "pretraining": plan_pretraining,
    "vccr": plan_vccr,
    "hitsz-vcm": plan_hitsz_vcm,
    "ag-vpreid": plan_ag_vpreid,
    "detreidx": plan_detreidx,
    "buptcampus": plan_buptcampus,
}


@pytest.fixture(scope="module")
def plans():
    """The plan of each twin."""
    return {name: plan() for name, plan in PLANS.items()}


@pytest.fixture(scope="module")
def specs(plans):
    """Who is seen by which camera in each twin."""
    return {name: [job.spec for job in plan.jobs] for name, plan in plans.items()}


def test_no_two_twins_share_a_person(specs):
    people = {name: {spec.identity % CHANGE for spec in found} for name, found in specs.items()}
    for one, other in combinations(people, 2):
        assert not people[one] & people[other], (one, other)


def test_no_two_twins_share_a_camera(specs):
    cameras = {name: {spec.camera for spec in found} for name, found in specs.items()}
    for one, other in combinations(cameras, 2):
        assert not cameras[one] & cameras[other], (one, other)


def test_every_twin_has_ranges_of_people_and_cameras_of_its_own(specs):
    """So that more people or cameras of one twin are still not those of another; `mars-motion` is MARS' other world."""
    people = {
        name: {number // 10_000 for spec in found for number in (spec.identity % CHANGE, *spec.crowd)}
        for name, found in specs.items()
    }
    cameras = {name: {spec.camera // 10 for spec in found} for name, found in specs.items()}
    for ranges in (people, cameras):
        for one, other in combinations(ranges, 2):
            assert not ranges[one] & ranges[other], (one, other)


def test_every_reader_with_a_twin_is_among_them():
    entries = Registry.installed().entries("datasets")
    assert {entry.name for entry in entries if isinstance(entry.value, TwinReader)} == {*PLANS, "mars-motion"}


def test_the_docs_tell_the_size_of_every_twin(plans):
    page = (ROOT / "docs/data.md").read_text()
    for name, plan in plans.items():
        row = re.search(rf"^\| {name} \| (\d+) \|.*\| ([\d,]+) \| ([\d,]+) \|$", page, re.MULTILINE)
        cameras, tracklets, frames = (int(number.replace(",", "")) for number in row.groups())
        assert (cameras, tracklets) == (plan.expected["cameras"], len(plan.jobs)), name
        assert frames == sum(job.spec.frames for job in plan.jobs), name


class Yard:
    """A reader whose twin is an empty folder."""

    def read(self, root):
        raise AssertionError("nothing is read here")

    def twin(self):
        return "0" * 64

    def synthesize(self, root, **world):
        root.mkdir()

    def visibility(self, root):
        return {}


def test_a_command_of_several_runs_prints_the_banner_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VREID_CACHE", str(tmp_path))
    monkeypatch.delenv("VREID_DATA", raising=False)
    for _ in range(2):  # two commands
        with click.Context(click.Command("run")):
            assert data_root(Yard(), "yard", None) == data_root(Yard(), "yard", None)
            data_root(Yard(), "court", None)  # has a banner of its own
        told = capsys.readouterr().err
        assert told.count("this is the SYNTHETIC twin of yard") == 1
        assert told.count("this is the SYNTHETIC twin of court") == 1
