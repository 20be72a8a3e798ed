"""A synthetic world: every parameter that decides how its people, cameras and tracklets look."""

import hashlib
import json
import zlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# Raise it whenever the same parameters would give other pixels: trees of two versions are different data.
RENDERER_VERSION = "2"


@dataclass(frozen=True)
class World:
    """The parameters of a synthetic world; equal worlds give equal bytes on x86-64 with AVX2."""

    name: str = "appearance"
    seed: int = 0
    height: int = 64  # px of a crop
    width: int = 32
    cameras: int = 6
    fps: float = 12.5
    typical_frames: int = 20  # median length of a tracklet

    group_size: int = 4  # identities that share the base colours of their clothes
    upper_colours: int = 18  # how many of the palette's colours are worn, the common ones first
    lower_colours: int = 8
    colour_jitter: float = 0.025  # of one identity around the colour of its group
    detail: float = 1.0  # contrast of stripes, prints, bags; 0 leaves plain clothes
    twins: float = 0.0  # share of identities that wear exactly what another one wears
    clothes: int = 0  # > 0: the world has only so many outfits, build and gait tell people apart
    gait_spread: float = 1.0  # between identities, in units of a natural crowd
    gait_within: float = 0.15  # between tracklets of one identity, in the same units

    yaw_spread: float = 70.0  # degrees to each side of the side view
    yaw_jitter: float = 15.0  # degrees between tracklets of one camera
    cast: float = 0.06  # white balance between cameras
    gain: float = 0.12  # exposure and gamma between cameras
    lowres: float = 1.5  # largest loss of resolution among the cameras
    blur: float = 0.5  # px at 64 rows, largest among the cameras
    noise: float = 0.015
    illumination: float = 0.06  # between tracklets of one camera
    clutter: float = 0.3  # contrast of the street; 1 is a sharp sunny day, where small networks learn the places
    shadow: float = 0.45  # darkest ground shadow

    p_object: float = 0.35  # per tracklet: a thing stands before the person for a while
    p_pedestrian: float = 0.35  # another pedestrian walks past
    p_switch: float = 0.15  # the tracker follows somebody else for a while
    p_miss: float = 0.10  # the detector shows the street alone
    p_drift: float = 0.30  # the box slides off
    p_blur: float = 0.30  # motion blur
    crop_jitter: float = 0.025  # of the box from frame to frame, in widths

    @classmethod
    def appearance(cls, **changes: Any) -> "World":
        """The default world: clothes and things carried tell people apart, nuisances hide them."""
        return cls(**changes)

    @classmethod
    def motion(cls, **changes: Any) -> "World":
        """A world of six outfits before three cameras: build and gait tell people apart, and few things hide them."""
        motion: dict[str, Any] = {"name": "motion", "clothes": 6, "gait_spread": 1.8, "gait_within": 0.03}
        motion |= {"cameras": 3, "yaw_spread": 45.0, "typical_frames": 40}
        motion |= {f"p_{kind}": 0.10 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}
        return cls(**(motion | changes))

    def parameters(self) -> dict[str, Any]:
        """All parameters by name, ready for JSON."""
        return asdict(self)

    @property
    def hash(self) -> str:
        """Sha256 over the parameters and the renderer's version."""
        text = json.dumps({"world": self.parameters(), "renderer": RENDERER_VERSION}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def stream(self, purpose: str, *numbers: int) -> np.random.Generator:
        """The random numbers for one purpose and thing; no stream depends on what was drawn before."""
        return np.random.default_rng(np.random.SeedSequence([self.seed, zlib.crc32(purpose.encode()), *numbers]))


WORLDS = {"appearance": World.appearance, "motion": World.motion}
