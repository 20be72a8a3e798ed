"""A stranger's data set of six people, its protocol and conventions; tests make each of them wrong."""

from dataclasses import replace
from types import SimpleNamespace

from vreid_bench import Convention, Dataset, Protocol, Split, Tracklet, hookimpl
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry

CONVENTION = Convention("c", "1", True, "step", "skip", "", "")
APART = Convention("apart", "1", False, "step", "skip", "", "")
PROTOCOL = Protocol("yard", "1", "yard", "c", ("c",), "", "")


def tracklet(pid, camid, frames=2):
    return Tracklet(tuple(f"{pid}-{camid}/{number}.jpg" for number in range(frames)), pid, camid)


SPLIT = Split(
    tuple(tracklet(pid, camid) for pid in (1, 2, 3) for camid in (1, 2)),
    tuple(tracklet(pid, camid) for pid in (7, 8, 9) for camid in (1, 2)),
    (0, 2, 4),
    tuple(range(6)),
)


class Reader:
    """Returns a data set with the given split, with some of its fields changed, or something else."""

    def __init__(self, split=SPLIT, returns=None, **fields):
        self.split, self.returns, self.fields = split, returns, fields

    def read(self, root):
        if self.returns is not None:
            return self.returns()
        return replace(Dataset("yard", root, (self.split,), "unverified"), **self.fields)


def registry(reader, protocol=PROTOCOL, conventions=(CONVENTION, APART)):
    """What a stranger's distribution provides; protocols may be several, and one may be given with its name."""
    named = [item if isinstance(item, tuple) else (item.name, item) for item in conventions]
    given = protocol if isinstance(protocol, list) else [protocol]
    protocols = dict(each if isinstance(each, tuple) else (each.name, each) for each in given)
    provided = {"datasets": {"yard": reader}, "conventions": dict(named), "protocols": protocols}
    hooks = {f"vreid_{kind}": hookimpl(_returning(values)) for kind, values in provided.items()}
    return Registry([Plugin("yard", SimpleNamespace(**hooks), "vreid-yard", "1")])


def _returning(values):
    return lambda: values


ALONE = replace(SPLIT, query=(0,), gallery=(0, 2, 3, 4, 5))  # person 7 is in the gallery as the query alone
BOTH = replace(SPLIT, train=(*SPLIT.train, tracklet(7, 3)))
