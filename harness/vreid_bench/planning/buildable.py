"""Whether the parts of a method can be built with their options; asked before any data is read."""

from __future__ import annotations

from contextlib import nullcontext
from importlib.metadata import version

from vreid_bench.planning.method import ChosenMethod
from vreid_bench.registry.entry import sign
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.source_code import fingerprint_packages
from vreid_bench.system.cache_folder import read_cached, write_cached
from vreid_bench.system.fingerprint import digest


def check_buildable(registry: Registry, chosen: ChosenMethod) -> None:
    """Raises InputError, naming the part and its distribution, for an option that the part refuses.

    What could be built once is remembered with the code of all parts, so that a finished run is shown without torch.
    """
    code = [chosen.providers, fingerprint_packages("vreid_bench.modeling"), version("torch")]
    known = f"built/{digest([chosen.settings, chosen.reranking, code])[:16]}"
    if read_cached(known) is not None:
        return
    from vreid_bench.modeling.sizes import size_parts  # imports torch

    # a part in the baseline is named by the fault itself, and the baseline is not at fault
    with nullcontext() if chosen.swapped else sign(registry.entry("methods", chosen.name).title):
        size_parts(chosen.method, registry.factories(chosen.method))
    if chosen.reranker is not None:
        registry.factory("rerankers", chosen.reranker)()
    write_cached(known, b"")
