"""A stranger's data set with a small twin, its protocol, and two methods: all that a board of its own needs."""

from dataclasses import replace
from pathlib import Path

from vreid_bench import Clipping, Method, Protocol, Schedule, Train, hookimpl, part
from vreid_plugins.datasets.mars.reader import Mars
from vreid_plugins.datasets.mars.twin import plan

STEPS = 2
OTHER_STEPS, OTHER_RATE = 1, 1e-3
WORLD = replace(plan().world, height=32, width=16, cameras=3)


class Allotment:
    """Ten people in the layout of MARS."""

    def read(self, root):
        """The lists."""
        return replace(Mars().read(root), name="allotment")

    def twin(self):
        """The hash of what `synthesize` renders."""
        return plan(WORLD, ids=10).hash

    def synthesize(self, root, **world):
        """Render it."""
        Mars().synthesize(root, ids=10, cameras=3, size=(32, 16), workers=1, progress=False)


def declare(preset, steps, rate=1e-3):
    """Mean pooling on frames of 32 x 16 px."""
    clipping = Clipping("uniform", 2, clips=2)
    stage = Train(clipping, {"cross-entropy": 1.0}, steps, 2, 2, Schedule("constant", rate))
    encoder = part("resnet", depth=8)
    losses = {"cross-entropy": part("cross-entropy")}
    return Method(encoder, part("average"), part("mean"), clipping, (32, 16), losses, (stage,))


class Notebook:
    """A tracker: a file in the folder of each run."""

    @hookimpl
    def vreid_run_ended(self, run, fault):
        """One line."""
        (Path(run["directory"]) / "notebook.txt").write_text(f"{run['method']} {fault or 'grew'}")


@hookimpl
def vreid_trackers():
    """It."""
    return {"notebook": Notebook}


@hookimpl
def vreid_datasets():
    """One."""
    return {"allotment": Allotment()}


@hookimpl
def vreid_protocols():
    """Its own test."""
    return {"allotment": Protocol("allotment", "1", "allotment", "official", ("official",), "Ten people.", "")}


@hookimpl
def vreid_methods():
    """Two, which differ in their steps."""
    return {
        "beans": lambda preset: declare(preset, STEPS),
        "peas": lambda preset: declare(preset, OTHER_STEPS, OTHER_RATE),
    }
