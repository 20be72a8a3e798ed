"""DetReIDX and its challenge VReID-XFD (WACV 2026), people seen by drones from afar: reader, protocols, convention."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from vreid_bench import Cases, Convention, Dataset, Protocol, Unscored, hookimpl
from vreid_plugins.datasets.case_folders import WHOLE, make_split, variants_of
from vreid_plugins.datasets.detreidx.description import DESCRIPTION
from vreid_plugins.datasets.detreidx.index import LAYOUT, load
from vreid_plugins.datasets.fault_report import stop
from vreid_plugins.datasets.layout_reader import LayoutReader
from vreid_plugins.datasets.synthetic_note import source_of

CODE = "VReID-XFD/VReID-XFD"
CHALLENGE, TRAINING = "cameras-ignored-trapezoid", "gallery-as-listed"
CALLED = {  # by the challenge's script
    "aerial-to-ground": "Case 1: Aerial to Ground",
    "ground-to-aerial": "Case 2: Ground to Aerial",
    "aerial-to-aerial": "Case 3: Aerial to Aerial",
}


class DetReidx(LayoutReader):
    """Reads `train` and the query and gallery of three cases, between air and ground and within the air, as published.

    A folder's name is the person. The name of a frame tells where it was taken from; a name that tells nothing is a
    fault.
    """

    description = DESCRIPTION
    variants = variants_of(LAYOUT.cases)

    def read(self, root: Path, variant: str = WHOLE) -> Dataset:
        """One split: the test of one case, or of all three, each tracklet with its `case`.

        Tracklets have the attributes `platform`, `height`, `distance`, `angle` and `flight-point`, and `session` or
        `view`. Where it is seen that the test identities are masked, the test cannot be scored. Raises InputError at
        the first fault; no frame is opened.
        """
        root = Path(root)
        index = load(root, stop)
        split = make_split(index.parts, LAYOUT, variant)
        called = tuple(CALLED.items()) if variant == WHOLE else (("", CALLED[variant]),)
        unscored = Unscored(index.masking, "vreid-xfd", cases=called) if index.masking else None
        return Dataset("detreidx", root, (split,), source_of(root), index.notes, unscored=unscored)


@hookimpl
def vreid_datasets() -> Mapping[str, DetReidx]:
    """The data set `detreidx`."""
    return {"detreidx": DetReidx()}


@hookimpl
def vreid_protocols() -> Mapping[str, Protocol]:
    """`detreidx`, the mean over the three cases, and each case alone."""
    every = Protocol(
        name="detreidx",
        version="1",
        dataset="detreidx",
        headline=CHALLENGE,
        conventions=(CHALLENGE, TRAINING),
        summary="Search people seen by a drone among tracklets from the ground, the reverse, and those of one session "
        "in the air among those of the other; the mean over the three, mAP-3.",
        source=f"{CODE}, evaluate_all_cases.py",
        variant=WHOLE,
        test=Cases(LAYOUT.cases),
    )
    alone = {
        f"detreidx-{case}": replace(
            every,
            name=f"detreidx-{case}",
            variant=case,
            test=None,
            summary=f"As detreidx, one case: {case.replace('-', ' ')}.",
        )
        for case in LAYOUT.cases
    }
    return {every.name: every, **alone}


@hookimpl
def vreid_conventions() -> Mapping[str, Convention]:
    """`cameras-ignored-trapezoid`, the score of the challenge VReID-XFD."""
    challenge = Convention(
        name=CHALLENGE,
        version="1",
        queries_in_gallery=None,
        average_precision="trapezoid",
        unmatched="skip",
        summary="As cameras-ignored with trapezoid AP: every other tracklet of the query's person is a match. "
        "VReID-XFD takes the number of a tracklet for its camera, so that nothing is junk.",
        source=f"{CODE}, calculate_metrics_from_csv.py; its training scores as gallery-as-listed, by session",
        same_camera="match",
    )
    return {challenge.name: challenge}
