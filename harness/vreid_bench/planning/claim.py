"""The plan of a run and its folder, which this process holds: all that is needed to find the run finished."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vreid_bench.planning.plan import Plan, RunRequest, plan_run
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.system.processes import decide, first_before_others


@contextmanager
def claim_run(request: RunRequest) -> Iterator[tuple[Plan, RunDirectory]]:
    """Plan a run, and hold its folder for the block.

    Raises InputError for a request that cannot be run, and if another process works on the run.
    """
    if request.device not in ("auto", "cpu"):  # which torch can always use
        from vreid_bench.system.environment import pick_device  # imports torch, to ask it for any other device

        pick_device(request.device)
    with first_before_others():  # who find the twin and the hashes that it leaves
        plan = plan_run(Registry.installed(), request)
    folder = decide(lambda: RunDirectory.choose(request.runs, plan.id, request.anew))
    with folder.claim(plan.data_roots, plan.described):
        yield plan, folder
