"""Synthetic pedestrians: rendered people, streets and cameras, written in the layouts of real data sets."""

from .mars import plan_mars, write_mars
from .nuisance import FLAGS
from .plan import Job, Plan
from .tracklet import Rendered, TrackletSpec, render
from .two_cameras import plan_ilids_vid, plan_prid2011, write_twin
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
    "plan_ilids_vid",
    "plan_mars",
    "plan_prid2011",
    "render",
    "write_mars",
    "write_tree",
    "write_twin",
]
