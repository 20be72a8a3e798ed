"""All laws of each kind, and the checks of one part."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import list_places
from vreid_bench.system.errors import InputError
from vreid_bench.testing.augmentations import AUGMENTATION
from vreid_bench.testing.check import Check, Law
from vreid_bench.testing.conventions import CONVENTION
from vreid_bench.testing.datasets import DATASET
from vreid_bench.testing.encoders_and_aggregators import AGGREGATOR, ENCODER
from vreid_bench.testing.losses import LOSS
from vreid_bench.testing.matchers import MATCHER
from vreid_bench.testing.methods import METHOD
from vreid_bench.testing.protocols import PROTOCOL
from vreid_bench.testing.rerankers import RERANKER
from vreid_bench.testing.subject import Subject, find_kind

LAWS: Mapping[str, tuple[Law, ...]] = {
    "datasets": DATASET,
    "encoders": ENCODER,
    "aggregators": AGGREGATOR,
    "matchers": MATCHER,
    "losses": LOSS,
    "augmentations": AUGMENTATION,
    "protocols": PROTOCOL,
    "conventions": CONVENTION,
    "methods": METHOD,
    "rerankers": RERANKER,
}

PARTS = ("encoders", "aggregators", "matchers", "losses", "augmentations")  # that a method can have


def list_checks(  # noqa: PLR0913  # most of them are left out
    kind: str,
    part: Any,
    options: Mapping[str, Any] | None = None,
    *,
    method: str | None = None,
    data: Path | None = None,
    decode: bool = False,
    registry: Registry | None = None,
) -> list[Check]:
    """The checks of a part, reader, protocol or method, for `pytest.mark.parametrize` or to be called one by one.

    kind: such as "aggregator". part: a name that an installed plugin provides, or the class, function or object itself.
    options: of a part; the others have their defaults. method: an installed method that has the part, to try it with
    that method's options and other parts; otherwise its neighbours are small ones of the kit's own. data: the folder
    of the data set, for a reader or a protocol: without it, checks that read are skipped. decode: also decode
    every frame of it. Raises InputError for another kind. registry: the installed plugins, if they are known already.
    """
    found = find_kind(kind)
    if found not in LAWS:
        raise InputError(f"there are no checks of the kind {kind!r}; expected one of {', '.join(LAWS)}")
    subject = Subject(found, part, options or {}, method, data, registry, decode)
    return [Check(law, subject) for law in LAWS[found]]


def choose_method(registry: Registry, kind: str, name: str) -> str | None:
    """The first method of the same distribution that has the part; None if there is none."""
    own = registry.entry(kind, name).distribution
    for entry in registry.entries("methods") if kind in PARTS else ():
        if entry.distribution == own:
            for place in list_places(registry.build_method(entry, "small")):
                parts = place.value if isinstance(place.value, tuple) else (place.value,)
                if place.kind == kind and any(part is not None and part.name == name for part in parts):
                    return entry.name
    return None
