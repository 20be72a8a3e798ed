"""AG-VPReID (CVPR 2025), people seen from the air and from the ground: reader, protocols and a convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Cases, Convention, Dataset, Protocol, Unscored, hookimpl
from vreid_plugins.datasets.ag_vpreid.description import DESCRIPTION
from vreid_plugins.datasets.ag_vpreid.index import LAYOUT, load
from vreid_plugins.datasets.case_folders import WHOLE, make_split, variants_of
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of

CODE = "agvpreid25/AG-VPReID, README.md and baselines/tfclip"
FULL, CUT = "gallery-as-listed", "first-20"
DEPTH = 20  # ranks that the challenge scores


class AgVpreid(LayoutReader):
    """Reads `train` and the query and gallery of two cases, aerial to ground and ground to aerial, as published.

    A folder's name is the person, counted from 0; the name of a frame tells its camera, and so the platform, and the
    altitude of the flight. The tables in `attributes` may be missing.
    """

    description = DESCRIPTION
    variants = variants_of(LAYOUT.cases)

    def read(self, root: Path, variant: str = WHOLE) -> Dataset:
        """One split: the test of one case, or of both, each tracklet with its `case`.

        Tracklets have the attributes `platform`, `altitude`, `date` and `session`, and those of the tables. Where the
        tables show that the test identities are masked, the test cannot be scored. Raises InputError at the first
        fault; no frame is opened.
        """
        root = Path(root)
        index = load(root, stop)
        split = make_split(index.parts, LAYOUT, variant)
        unscored = Unscored(index.masking, "ag-vpreid", DEPTH) if index.masking else None
        return Dataset("ag-vpreid", root, (split,), source_of(root), index.notes, unscored=unscored)


@hookimpl
def vreid_datasets() -> Mapping[str, AgVpreid]:
    """The data set `ag-vpreid`."""
    return {"ag-vpreid": AgVpreid()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`ag-vpreid`, the mean over both cases, and each case alone."""
    both = Protocol(
        name="ag-vpreid",
        version="1",
        dataset="ag-vpreid",
        headline=FULL,
        conventions=(FULL, CUT),
        summary="Search the people seen by drones among the tracklets of cameras on the ground and on people, and the "
        "reverse, where the gallery has strangers, too; the mean over the two.",
        source=CODE,
        variant=WHOLE,
        test=Cases(LAYOUT.cases),
    )
    words = {
        "aerial-to-ground": "search the people seen by drones among the tracklets of the other cameras.",
        "ground-to-aerial": "search the people seen by other cameras among the tracklets of drones.",
    }
    alone = {
        f"ag-vpreid-{case}": replace(
            both, name=f"ag-vpreid-{case}", variant=case, test=None, summary=f"As ag-vpreid, one case: {words[case]}"
        )
        for case in LAYOUT.cases
    }
    return {both.name: both, **alone}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """`first-20`, the score of the challenge."""
    cut = Convention(
        name=CUT,
        version="1",
        queries_in_gallery=None,
        average_precision="step",
        unmatched="skip",
        summary="As gallery-as-listed, but a match behind rank 20 counts as never found: mAP@20.",
        source="challenge agvpreid25 on Kaggle, which scores mAP@20",
        cut=DEPTH,
    )
    return {cut.name: cut}
