"""What spoils a clip, and how many clips of a training tracklet are spoiled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from vreid_bench.system.errors import InputError

Kind = Literal["low-resolution", "occlusion", "motion-blur", "shuffled-frames"]


@dataclass(frozen=True)
class Distortion:
    """What spoils a clip. Raises InputError for settings that are not valid.

    low-resolution: frames are scaled down by `strength`, stored as JPEG of `quality`, and scaled up again
    (Matiyali & Sharma 2020, section 4.4, which does not state the quality). occlusion: a block hides the share
    `strength` of height and width. motion-blur: the camera moves by the share `strength` of the width.
    shuffled-frames: the share `strength` of the frames is shuffled.
    """

    kind: Kind
    strength: float
    quality: int = 20  # of the JPEG, 1 to 95

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise InputError(f"corruption {self.kind!r}: expected one of {', '.join(get_args(Kind))}")
        lowest, highest = (1, float("inf")) if self.kind == "low-resolution" else (0, 1)
        if not lowest < self.strength <= highest:
            raise InputError(
                f"corruption {self.kind}: strength must be above {lowest} and at most {highest}, got {self.strength}"
            )
        if not 1 <= self.quality <= 95:
            raise InputError(f"corruption {self.kind}: JPEG quality must be 1 to 95, got {self.quality}")


@dataclass(frozen=True)
class ClipCorruption:
    """Spoils M_c clips of each training tracklet of a batch (Matiyali & Sharma 2020, section 4.4).

    M_c is drawn evenly from 0 to `most`, or to the number of its clips if that is less; then, which clips they are.
    Raises InputError for settings that are not valid.
    """

    most: int = 0  # M_c^max; 0: no clip is spoiled
    kind: Kind = "low-resolution"  # what spoils a clip
    strength: float = 5.0  # for `low-resolution`: frames are scaled down by this; for others a share, as of Distortion
    quality: int = 20  # of the JPEG, 1 to 95

    def __post_init__(self) -> None:
        if self.most < 0:
            raise InputError(f"corruption: most is {self.most!r}, expected a whole number of at least 0")
        Distortion(self.kind, self.strength, self.quality)

    @property
    def distortion(self) -> Distortion:
        """What spoils a clip."""
        return Distortion(self.kind, self.strength, self.quality)

    def __str__(self) -> str:
        stored = f", stored as JPEG of quality {self.quality}" if self.kind == "low-resolution" else ""
        return f"up to {self.most} clips of a tracklet: {self.kind} of strength {self.strength:g}{stored}"


UNSPOILED = ClipCorruption()
