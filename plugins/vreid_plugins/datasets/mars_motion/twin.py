"""The tree of `mars-motion`: the layout of MARS, with another world in it."""

from vreid_plugins.datasets.mars.twin import plan as plan_mars
from vreid_plugins.synthetic import Plan, World


def plan(world: World | None = None, ids: int = 60, unlabelled: int = 0) -> Plan:
    """The tree of `mars-motion` with `ids` people to train on and as many to test on; `unlabelled` as for MARS."""
    return plan_mars(world or World.motion(), ids, unlabelled)
