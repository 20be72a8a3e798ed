"""Who walks through a world: build, gait and outfit of each identity."""

from dataclasses import dataclass, replace
from functools import lru_cache

from .body import Build, Gait, draw_build, draw_gait
from .outfit import Outfit, draw_outfit
from .world import World


@dataclass(frozen=True, eq=False)
class Identity:
    """One person of a world."""

    build: Build
    gait: Gait
    outfit: Outfit


CHANGE = 10_000_000  # more than any person's number: number + n * CHANGE is the person after n changes of clothes


@lru_cache(maxsize=1024)
def identity(world: World, number: int, infrared: bool = False) -> Identity:
    """The person with this number; it depends on no other person, except one whose clothes it wears.

    Beyond CHANGE it is a person of a smaller number in other clothes: build, gait, skin and hair stay.
    infrared: the same person in the same clothes, in the shades that an infrared camera sees.
    """
    if number >= CHANGE:
        usual = identity(world, number % CHANGE, infrared)
        changed = draw_outfit(world, number // world.group_size, number, usual.outfit, infrared=infrared)
        return replace(usual, outfit=changed)
    outfit = number
    if number % 2 and world.stream("twin", number).random() < 2 * world.twins:
        outfit = number - 1
    if world.clothes:
        outfit = number % world.clothes
    rng = world.stream("body", number)
    return Identity(
        build=draw_build(rng),
        gait=draw_gait(rng, world.gait_spread),
        outfit=draw_outfit(world, outfit // world.group_size, outfit, infrared=infrared),
    )
