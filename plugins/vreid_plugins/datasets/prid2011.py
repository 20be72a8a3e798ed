"""PRID2011 (Hirzer et al., SCIA 2011), multi-shot: reader and protocols of the video test on 178 persons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vreid_bench import Dataset, InputError, Protocol, Verification, hookimpl
from vreid_bench.contracts.dataset import Source
from vreid_plugins.datasets.described import is_synthetic
from vreid_plugins.datasets.faults import Report, stop
from vreid_plugins.datasets.halves import VARIANTS, Division, divided, drawn, from_json, from_matrix, origin
from vreid_plugins.datasets.views import Tree, View, load_tree

SHARED = 200  # up to this number the same folder is the same person in both cameras; beyond it, somebody else
ELIGIBLE = 27  # frames in both cameras, which 178 persons have
PRINTED = 21  # what papers print beside "178 persons"; but so many frames have 183
MATRICES = ("train_test_splits_prid.mat", "train-test people splits/train_test_splits_prid.mat")
LISTS = "splits_prid2011.json"
VIEWS = tuple(
    View(
        folder=f"prid_2011/multi_shot/cam_{camera}",
        person=r"person_(\d{4})",
        frame=r"(\d+)\.png",
        example="person_0001/0001.png",
    )
    for camera in "ab"
)
# of the widely used splits_prid2011.json, sha256 4a238a57...; a tree that they divide has the published 178 persons
PUBLISHED_HALVES = "d253db0ed740d51c727b0a30f291d900bb271f621bf5d71916c85de4aca9346e"
# Hirzer et al. 2011 and the page of the dataset; the persons by frames as person-reid-lib asserts them
PUBLISHED = {
    "cameras": 2,
    "persons of camera 1": 385,
    "persons of camera 2": 749,
    "persons in both cameras": 200,
    f"persons of {PRINTED} frames or more in both": 183,
    f"persons of {ELIGIBLE} frames or more in both": 178,
    "splits": 10,
    "train identities of a split": 89,
    "test identities of a split": 89,
    "queries of a split": 89,
}


class Prid2011:
    """Reads `prid_2011/multi_shot` as published, and ten splits in a file beside it.

    Persons 1 to 200 are in both cameras; of these, the protocol takes whom both have 27 frames of, 178 in the
    original. The others of the 385 and 749 persons take no part, as published.
    """

    variants = VARIANTS

    def read(self, root: Path, variant: str = VARIANTS[0]) -> Dataset:
        """Ten splits; camera a is query, camera b gallery. Raises InputError at the first fault."""
        root = Path(root)
        tree = load_tree(root, (VIEWS[0], VIEWS[1]), SHARED, stop, lambda leftover: None)
        division = halves(root, tree, stop)
        if division is None:
            raise AssertionError("a fault of the split file was not reported")
        splits = divided(tree, division, variant)
        return Dataset("prid2011", root, splits, source(root, tree, division), notes(root, tree, division))

    def verify(self, root: Path, decode: bool = False) -> Verification:
        """Every count beside its published number, every fault of folders, frames and splits as a sentence."""
        from vreid_plugins.datasets.views_verify import verify

        def load(report: Report) -> tuple[Tree, Division | None, dict[str, int]]:
            tree = load_tree(Path(root), (VIEWS[0], VIEWS[1]), SHARED, report, report)
            counts = {f"persons of {n} frames or more in both": len(tree.seen(n)) for n in (PRINTED, ELIGIBLE)}
            return tree, halves(Path(root), tree, report), counts

        return verify(Path(root), load, PUBLISHED, decode, start=1)

    def twin(self) -> str:
        """A hash that changes whenever `synthesize(root)` would write another tree."""
        from vreid_plugins.synthetic import plan_prid2011

        return plan_prid2011().hash

    def synthesize(self, root: Path, **world: Any) -> None:
        """Render a synthetic tree in this layout into the new folder `root`."""
        from vreid_plugins.synthetic import plan_prid2011, write_twin

        if world.pop("cameras", None) not in (None, 2):
            raise InputError("PRID2011 has 2 cameras; leave out cameras")
        write_twin(Path(root), plan_prid2011, **world)


def name(person: int) -> str:
    """A person's folder."""
    return f"person_{person:04d}"


def halves(root: Path, tree: Tree, report: Report) -> Division | None:
    """The published halves if a file of them is there, the .mat before the lists, else drawn ones.

    None where a fault was reported, such as a file that divides other persons than those with 27 frames.
    """
    persons, printed = tree.seen(ELIGIBLE), tree.seen(PRINTED)

    def explained(fault: str) -> None:
        report(
            f"{fault} This copy has {len(persons)} persons of at least {ELIGIBLE} frames in both cameras, who are "
            f"to be divided, and {len(printed)} of at least {PRINTED}."
        )

    if len(persons) < 2:  # nobody to divide; a missing folder was reported already
        if tree.persons:
            report(f"{root}: {len(persons)} persons have {ELIGIBLE} frames in both cameras; wanted two or more.")
        return None
    for file in MATRICES:
        if (root / file).exists():
            return from_matrix(root, file, persons, explained)
    if (root / LISTS).exists():
        return from_json(root, LISTS, persons, name, explained)
    return drawn(persons)


def source(root: Path, tree: Tree, division: Division) -> Source:
    """`official` if the frames leave the 178 persons of the published halves, and those are what was read."""
    if is_synthetic(root):
        return "synthetic"
    whole = [len(view) for view in tree.views] == [PUBLISHED[f"persons of camera {c}"] for c in (1, 2)]
    return "official" if whole and division.fingerprint == PUBLISHED_HALVES else "unverified"


def notes(root: Path, tree: Tree, division: Division) -> tuple[str, ...]:
    """What a reader of the result must know of the halves."""
    if not division.file:
        return origin(division, [*MATRICES, LISTS])
    if is_synthetic(root) or division.fingerprint == PUBLISHED_HALVES:
        return ()
    return (f"The halves of {division.file} are not those of the widely used {LISTS}: {division.fingerprint[:12]}.",)


@hookimpl
def vreid_datasets() -> Mapping[str, Prid2011]:
    """The dataset `prid2011`."""
    return {"prid2011": Prid2011()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`prid2011`, and the same with the halves swapped, as a family of code bases has them."""
    wang = Protocol(
        name="prid2011",
        version="1",
        dataset="prid2011",
        headline="one-camera-each",
        conventions=("one-camera-each",),
        summary="Ten splits of the 178 persons with 27 frames in both cameras: train on the second half of the "
        "published order, rank 89 tracklets of camera b for 89 queries of camera a.",
        source="Wang et al., ECCV 2014, on the data of Hirzer et al., SCIA 2011",
        variant="wang14",
        counts={"train identities": 89, "train tracklets": 178, "queries": 89, "gallery": 89, "splits": 10},
    )
    swapped = replace(
        wang,
        name="prid2011-dapeng",
        summary="As prid2011 with the halves swapped: train on the first half of the published order. Scores of the "
        "two are not of the same data.",
        source="dapengchen123/video_reid and the loaders after it",
        variant="dapeng",
    )
    return {wang.name: wang, swapped.name: swapped}
