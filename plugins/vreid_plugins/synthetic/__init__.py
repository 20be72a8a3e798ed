"""Synthetic pedestrians: rendered people, streets and cameras, written as trees of frames."""

from .nuisance import FLAGS
from .plan import Job, Plan, check_size, count_parts
from .tracklet import RenderedTracklet, TrackletSpec, render
from .twin import write_twin
from .world import RENDERER_VERSION, WORLDS, World
from .writer import write_tree

__all__ = [
    "FLAGS",
    "RENDERER_VERSION",
    "WORLDS",
    "Job",
    "Plan",
    "RenderedTracklet",
    "TrackletSpec",
    "World",
    "check_size",
    "count_parts",
    "render",
    "write_tree",
    "write_twin",
]
