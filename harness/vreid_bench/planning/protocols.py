"""Protocols by name, transfer from one protocol to another included."""

from __future__ import annotations

from collections.abc import Mapping

from vreid_bench.contracts.convention import Convention
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.registry.entry import KINDS, Entry
from vreid_bench.registry.plugin_files import advise_names
from vreid_bench.registry.plugins import Plugin
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError, UnknownName

TO, TUNED = "-to-", "-fine-tuned"
TUNING = 0.1  # a common share of the learning rates; the papers do not state theirs


def find_protocol(known: Mapping[str, Protocol], name: str) -> Protocol:
    """The protocol of that name: a plugin's, or `A-to-B` and `A-to-B-fine-tuned` of any two of them.

    Raises InputError for an unknown name, and for a transfer that could test on people of the training.
    """
    if name in known:
        return known[name]
    pairs, pair = _list_pairs(name), find_pair(known, name)
    own = [protocol.name for protocol in known.values() if protocol.dataset == name and not protocol.target]
    if pair is None and own:
        raise InputError(f"{name!r} is a dataset, expected a protocol; its protocols are {', '.join(sorted(own))}")
    if pair is None:
        wrong = next((each for pair in pairs if {*pair} & {*known} for each in pair if each not in known), None)
        problem = "no protocol is named" if wrong is None else f"{name!r}: no protocol is named"
        raise UnknownName(problem, wrong or name, known, advise_names("protocols"))
    return known[pair[0]].transfer_to(known[pair[1]], name, TUNING if name.endswith(TUNED) else 0.0)


def _list_pairs(name: str) -> list[tuple[str, str]]:
    """The two names of each way to read a name as A-to-B."""
    return [(name[:at], name[at + len(TO) :].removesuffix(TUNED)) for at in range(len(name)) if name.startswith(TO, at)]


def find_pair(known: Mapping[str, Protocol], name: str) -> tuple[str, str] | None:
    """A and B of a transfer A-to-B or A-to-B-fine-tuned; None for another name."""
    return next((pair for pair in _list_pairs(name) if {*pair} <= {*known}), None)


def provide_transfer(registry: Registry, name: str) -> Registry:
    """The registry with the transfer of that name among its protocols, if it has no such entry and one of A and B.

    Raises InputError as `find_protocol` does.
    """
    pairs = _list_pairs(name)
    if not pairs or any(registry.find(kind, name) for kind in KINDS):
        return registry
    known = registry.values("protocols")
    if not any({*pair} & {*known} for pair in pairs):
        return registry
    protocol = find_protocol(known, name)
    own = [registry.entry("protocols", each) for each in find_pair(known, name) or ()]
    who = " and ".join(dict.fromkeys(entry.distribution for entry in own))
    return Registry((), [*registry.entries(), Entry("protocols", name, protocol, Plugin(name, protocol, who, ""))])


def name_protocol(protocol: Protocol, registry: Registry) -> str:
    """The protocol and its distribution, as messages name them; a transfer by name has no distribution."""
    entry = registry.find("protocols", protocol.name)
    return f"protocol {protocol.name!r}" if entry is None else entry.title


def find_conventions(protocol: Protocol, registry: Registry) -> tuple[Convention, ...]:
    """The conventions of a protocol.

    Raises InputError if no plugin provides one of them, or if no run can be scored under its headline.
    """
    known = registry.values("conventions")
    for name in protocol.conventions:
        if name not in known:
            problem = f"{name_protocol(protocol, registry)} is scored under the convention"
            raise UnknownName(problem, name, known, advise_names("conventions"), after=", which no plugin provides")
    if known[protocol.headline].ties == "expected":
        raise InputError(
            f"{name_protocol(protocol, registry)}: its headline {protocol.headline!r} has ties 'expected', expected "
            "'listed', because a run counts ranks in the order of the gallery; name another headline, and score its "
            "features by `vreid-bench score --ties expected`"
        )
    return tuple(known[name] for name in protocol.conventions)
