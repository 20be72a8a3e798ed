"""The events of a made run, for the tests of trackers: two stages, an interruption, and a record with splits."""

from vreid_bench.registry.events import Events, Listener

IDENTITY = {"method": "mean", "protocol": "mars", "preset": "small", "seed": 3, "splits": 1}
SCORES = {"mAP": 0.5, "R1": 0.25, "R5": 0.5, "R10": 0.75, "R20": 1.0, "mINP": 0.125}
RECORD = {"conventions": {"official": {**SCORES, "queries": 4, "splits": [SCORES]}}, "seed": 3, "conditions": []}
INTERRUPTED = [((0, 0), 2.0), ((0, 10), 1.5), ((0, 19), 1.25), ((1, 0), 1.0), ((1, 10), 0.75)]  # position, loss
RESUMED = [((1, 10), 0.75), ((1, 19), 0.5)]  # one step again


def follow(tracker, folder, steps, *, record=None, fault=None, training=0):
    """Give a tracker the events of one command."""
    folder.mkdir(exist_ok=True)
    try:
        with Events([listener := Listener("tracker", tracker)], IDENTITY, folder) as events:
            for position, loss in steps:
                events.log(0, training, position, {"loss": loss, "rate": 0.1})
            if record is not None:
                events.finish(record)
            if fault is not None:
                raise fault
    except KeyboardInterrupt:
        pass
    assert not listener.failure
