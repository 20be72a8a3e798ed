"""Synthetic pedestrians: rendered people, streets and cameras, written in the layouts of real data sets."""

from .mars import plan_mars, write_mars
from .nuisance import FLAGS
from .plan import Job, Plan
from .tracklet import Rendered, TrackletSpec, render
from .world import RENDERER_VERSION, WORLDS, World
from .writer import write_tree

__all__ = [
    "FLAGS",
    "RENDERER_VERSION",
    "WORLDS",
    "Job",
    "Plan",
    "Rendered",
    "TrackletSpec",
    "World",
    "plan_mars",
    "render",
    "write_mars",
    "write_tree",
]
