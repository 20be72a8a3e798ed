"""Synthetic pedestrians: rendered people, streets and cameras, written in the layouts of real data sets."""

from .ccvid import plan_ccvid
from .duke_video import plan_duke_video
from .layout import write_layout
from .ls_vid import plan_ls_vid
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
    "plan_ccvid",
    "plan_duke_video",
    "plan_ilids_vid",
    "plan_ls_vid",
    "plan_mars",
    "plan_prid2011",
    "render",
    "write_layout",
    "write_mars",
    "write_tree",
    "write_twin",
]
