"""What the twins of two cameras share: a person in one camera, and the counts that a reader must find."""

from collections.abc import Sequence
from dataclasses import dataclass

from vreid_plugins.datasets.half_splits import SPLITS
from vreid_plugins.synthetic import TrackletSpec


@dataclass(frozen=True)
class PersonView:
    """One person in one camera."""

    number: int  # in the folder's name
    spec: TrackletSpec
    start: int = 1  # number of the first frame


def count_views(views: Sequence[Sequence[PersonView]], shared: int, divided: int) -> dict[str, int]:
    """The counts of a tree with `shared` persons in both views, of whom the halves divide `divided`."""
    lengths = [seen.spec.frames for view in views for seen in view]
    return {
        "cameras": len(views),
        "persons_of_camera_1": len(views[0]),
        "persons_of_camera_2": len(views[1]),
        "persons_in_both_cameras": shared,
        "tracklets": len(lengths),
        "shortest_tracklet": min(lengths),
        "longest_tracklet": max(lengths),
        "frames": sum(lengths),
        "frames_on_disk": sum(lengths),
        "split_files": 1,
        "splits": SPLITS,
        "train_identities_of_a_split": divided - divided // 2,
        "test_identities_of_a_split": divided // 2,
        "queries_of_a_split": divided // 2,
    }
