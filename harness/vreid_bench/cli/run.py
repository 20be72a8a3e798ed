"""The command `run`: train or load a method, run a protocol, write a record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from vreid_bench.cli.arithmetic import take_arithmetic
from vreid_bench.cli.options import (
    ACCEPT_WITHDRAWN,
    ARITHMETIC,
    AS_JSON,
    CHECKPOINT_EVERY,
    DEVICE,
    FILE,
    FOLDER,
    LOG_LEVEL,
    MEMORY,
    QUIET,
    RERANK,
    RUN,
    RUNS,
    THREADS,
    TRACKERS,
)
from vreid_bench.cli.plugin_file import take_plugin
from vreid_bench.cli.sweep import list_assignments
from vreid_bench.contracts.precision import PRECISIONS
from vreid_bench.contracts.split_numbers import parse_numbers
from vreid_bench.system.errors import InputError
from vreid_bench.system.event_log import log_events
from vreid_bench.system.processes import decide, joined
from vreid_bench.system.progress import write_line
from vreid_bench.system.terminal import echo

UNSCORED = "in the form of the challenge; there are no scores, because this copy does not have the true identities"

if TYPE_CHECKING:  # importing them takes seconds, which `--help` does not need
    from vreid_bench.planning.plan import RunRequest
    from vreid_bench.records.record import Record
    from vreid_bench.records.run_directory import RunDirectory


@click.command()
@click.option(
    "--plugin",
    "names",
    multiple=True,
    metavar="NAME",
    help="A method, or a part that replaces one of the baseline recipe, or FILE.py that provides one; if repeated, one "
    "runs after the other.",
)
@click.option(
    "--protocol",
    help="What to train on and to query; A-to-B transfers. Default: mars, or with --from the protocol of that run.",
)
@click.option(
    "--data",
    type=FILE,
    help="Your copy of the dataset, or a folder with a copy of each; default: VREID_DATA, else the synthetic twin.",
)
@click.option("--preset", type=click.Choice(["paper", "small"]), help="Default: small on a twin, else paper.")
@click.option("--seed", type=click.IntRange(0, 2**53), help="Decides every random draw; default: 0.")
@click.option("--seeds", metavar="NUMBERS", help="One run for each of these seeds, for instance 0-2 or 0,3.")
@click.option(
    "--set",
    "assignments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change one setting of the recipe, or with --from one of the test; may be repeated. Stage 1 of messages is "
    "stages.0 here.",
)
@click.option(
    "--sweep",
    "sweeps",
    multiple=True,
    metavar="NAME=VALUES",
    help="One run for each value of a setting: 0-7, 0.1,0.2,0.5, or [1],[1,2]; if repeated, for each combination.",
)
@click.option(
    "--from",
    "source",
    type=FILE,
    metavar="RUN",
    help="Evaluate the weights of this run without training, on the run's own data unless --data names other data.",
)
@click.option(
    "--checkpoint",
    metavar="FAMILY:FILE",
    help="Test a checkpoint of another program as its authors do, without training; `list checkpoints` shows the "
    "families.",
)
@click.option("--anew", is_flag=True, help="Train and test again, in a folder of its own beside the finished run.")
@click.option("--yes", is_flag=True, help="Run preset paper on a CPU however long that is estimated to take.")
@click.option(
    "--weights",
    multiple=True,
    metavar="PART=FILE",
    help="Start training encoder, aggregator or matcher from these published weights: .safetensors, or a PyTorch file "
    "of tensors alone; may be repeated.",
)
@click.option(
    "--from-scratch", is_flag=True, help="Start from random weights although the method starts from pre-trained ones."
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    help="Of the network in training: fp32, the default, or bf16, faster and coarser on a GPU. The test is in fp32.",
)
@click.option(
    "--splits", metavar="NUMBERS", help="Run only these splits of the protocol, for instance 0-2,7; default: all."
)
@click.option(
    "--validate",
    metavar="every=N[,held-out=SHARE]",
    help="Score the model every N training steps on people held out of training: a tenth of them, or another share; "
    "at least two. The final weights are always those of the last step.",
)
@click.option(
    "--dry-run", is_flag=True, help="Print what the run would do, and about how long it takes on a CPU; train nothing."
)
@RUNS
@DEVICE
@THREADS
@ARITHMETIC
@CHECKPOINT_EVERY
@QUIET
@LOG_LEVEL
@TRACKERS
@RERANK
@MEMORY
@ACCEPT_WITHDRAWN
@AS_JSON
def run(**options: Any) -> None:
    """Train or load a method, run a protocol, write a record.

    \b
    Repeat a command to continue an interrupted run, or to show a finished one.
        vreid-bench run --plugin mean-pooling --protocol mars --seed 1
        vreid-bench run --plugin mean-pooling --protocol mars --set margin=0.2
        vreid-bench run --plugin mean-pooling --plugin max-pooling --protocol mars --seeds 0-2
        vreid-bench run --plugin clip-top --protocol mars --sweep matcher.top=0.2,0.6,1.0
        vreid-bench run --from runs/mars@synthetic-mean-pooling-small-seed1-1a2b3c4d --protocol mars --set test.clips=1
        vreid-bench run --plugin my_aggregator.py --protocol mars

    `vreid-bench score RUN --by COLUMN` breaks a finished run down by an attribute of the queries, such as outfit;
    breakdown.json in its folder has this for each attribute.

    --checkpoint takes a whole method from a file of another program: FAMILY says whose. Clips, size, colours and
    metric are those of its published test; class heads stay in the file, no code in it runs, and the record says
    that nothing was trained here.

    \b
        vreid-bench list checkpoints
        vreid-bench run --checkpoint torchreid:osnet_x1_0.pth.tar --protocol mars --data /data/mars
        vreid-bench run --checkpoint tf-clip:best_model.pth.tar --protocol ls-vid --data /data/ls-vid

    --validate shows how a training goes on without looking at the test: mAP and R1 of the model so far, on
    people of the training part who are held out for that. No score chooses anything: the weights are those of
    the last step. With fewer people it is another training, so its row is marked with validate.held-out.

    \b
        vreid-bench run --plugin mean-pooling --protocol mars --validate every=500
        vreid-bench run --plugin mean-pooling --protocol mars --validate every=500,held-out=0.2

    --dry-run shows the recipe on the data of the run: people and tracklets, for each stage its steps, epochs,
    drops of the rate and batches, sizes, parts, first weights, and an estimate of time and memory on a CPU. A
    paper's length in epochs becomes steps on the training people. It trains nothing and writes no folder.

    \b
        vreid-bench run --plugin ica --protocol ilids-vid --data /data/ilids-vid --dry-run
        vreid-bench run --plugin ica --protocol ilids-vid --set "stages.0.steps=100 epochs" --dry-run --json

    Preset small computes with --arithmetic portable: on the CPU and on one thread a training has the same
    weights, to the last bit, on every x86-64 processor with AVX2. With native another kind of processor gives
    another training.

    Papers begin from published weights, so preset paper asks for them: --dry-run names the files, --weights takes
    your copies, and --from-scratch does without and marks the row. Tensors are matched by their published names;
    a report shows what fits, and what does not and why. With timm installed, each of its models is an encoder,
    timm:NAME.

    \b
        vreid-bench run --plugin mean-pooling --protocol mars --data /data/mars --weights encoder=resnet50.pth
        vreid-bench run --plugin timm:resnet50 --protocol mars --data /data/mars --weights encoder=timm.safetensors
    """
    take_arithmetic(options.pop("arithmetic"), options["source"], options)
    from vreid_bench.planning.method import RUNNABLE
    from vreid_bench.planning.plan import RunRequest, check_requests

    names, seed, seeds, as_json = (options.pop(name) for name in ("names", "seed", "seeds", "as_json"))
    level, dry, fixed = options.pop("log_level"), options.pop("dry_run"), options.pop("assignments")
    sweeps = options.pop("sweeps")
    several = seeds is not None or len(names) > 1 or bool(sweeps)
    taken: list[str | None] = [take_plugin(name, RUNNABLE) for name in names]
    requests = [
        RunRequest(name=name, seed=number, assignments=(*fixed, *swept), **options)
        for name in dict.fromkeys(taken or [None])
        for swept in list_assignments(sweeps)
        for number in choose_seeds(seed, seeds)
    ]
    if dry:
        return show_outlines(requests, several=several, as_json=as_json)
    if several:
        check_requests(name_each(requests))
    finished: list[tuple[RunDirectory, Record | None]] = []
    with joined():
        try:
            for request in announce(requests):
                finished.append(finish(request, level))
        except Exception:  # whatever it is: the runs before it are done
            if finished:
                show_results(finished, several=several, as_json=as_json)
            raise
        show_results(finished, several=several, as_json=as_json)


def show_results(finished: Sequence[tuple[RunDirectory, Record | None]], *, several: bool, as_json: bool) -> None:
    """Print the table of finished runs, and where their records are."""
    from vreid_bench.reporting.left_out import list_left_out
    from vreid_bench.reporting.queried_people import read_people
    from vreid_bench.reporting.terminal import render

    if as_json:
        reports = [report(folder, record) for folder, record in finished]
        echo(json.dumps(reports if several else reports[0]))
        return
    each = {folder.path: (folder, record) for folder, record in finished}.values()  # swept values can be equal: 1, 1.0
    if scored := [(folder, record) for folder, record in each if record is not None]:
        echo(render([record for _, record in scored], read_people(scored)))
        notes = (note for folder, record in scored for note in list_left_out(folder, record))
        for note in dict.fromkeys(notes):  # runs of one protocol leave out the same
            echo(note)
    for folder, record in each:
        echo(f"record: {folder.record}" if record else f"ranking: {folder.ranking}, {UNSCORED}")


def choose_seeds(seed: int | None, seeds: str | None) -> Sequence[int | None]:
    """The seeds of the runs, from `--seed` and `--seeds`. Raises InputError if both are given."""
    if seeds is None:
        return [seed]
    if seed is not None:
        raise InputError(f"--seed {seed} and --seeds {seeds}: expected one of them; leave --seed out")
    return parse_numbers("--seeds", seeds)


def show_outlines(requests: Sequence[RunRequest], *, several: bool, as_json: bool) -> None:
    """Print what each run would do, without doing it (`--dry-run`). Raises InputError for a request with `--from`."""
    from vreid_bench.planning.outline import outline_run
    from vreid_bench.reporting.outline import render_outline

    outlines = [outline_run(request) for request in name_each(requests)]
    if as_json:
        plain = [asdict(outline) for outline in outlines]
        echo(json.dumps(plain if several else plain[0]))
    else:
        echo("\n\n".join(map(render_outline, outlines)))


def name_each(requests: Sequence[RunRequest]) -> Iterator[RunRequest]:
    """Each request; an error meanwhile begins with what that one of several has of its own."""
    meta = click.get_current_context().meta
    names = {request.name for request in requests}
    seeds = {request.seed for request in requests}
    for request, own in zip(requests, list_own_assignments(requests), strict=True):
        words = [str(request.name)] * (len(names) > 1) + own + [f"seed {request.seed}"] * (len(seeds) > 1)
        meta[RUN] = ", ".join(words)
        yield request
    meta.pop(RUN, None)


def list_own_assignments(requests: Sequence[RunRequest]) -> list[list[str]]:
    """The assignments of each request that not all of them have."""
    common = set.intersection(*(set(request.assignments) for request in requests))
    return [[each for each in request.assignments if each not in common] for request in requests]


def announce(requests: Sequence[RunRequest]) -> Iterator[RunRequest]:
    """Each request; of several, after a line on stderr that says which begins, by what it has of its own."""
    own_assignments = list_own_assignments(requests)
    for number, request in enumerate(name_each(requests), 1):
        if len(requests) > 1:
            what = [str(request.name), *own_assignments[number - 1]]
            what += [] if request.seed is None else [f"seed {request.seed}"]
            write_line(f"run {number} of {len(requests)}: {', '.join(what)}", quiet=request.quiet)
        yield request


def finish(request: RunRequest, level: str) -> tuple[RunDirectory, Record | None]:
    """Do one run, or find it finished, and say so; returns its folder and its record, if its test could be scored.

    level: of its `run.log`.
    """
    from vreid_bench.planning.claim import claim_run
    from vreid_bench.records.record import Record

    with claim_run(request) as (plan, folder):
        click.get_current_context().meta[FOLDER] = folder.path
        if not decide(lambda: folder.is_finished):
            with log_events(folder.events, level):
                from vreid_bench.run import run as walk  # imports torch, which a finished run does not need

                return folder, walk(plan, folder, request)
        record = Record.from_file(folder.record)
    date = record.created.replace("T", " ")[:-4]
    echo(f"{folder.path}: finished on {date} UTC; its result is shown again; --anew runs it again beside it", err=True)
    return folder, record


def report(folder: RunDirectory, record: Record | None) -> dict[str, Any]:
    """What `--json` prints of a run."""
    if record is None:
        return {"run": str(folder.path), "ranking": str(folder.ranking), "unscored": UNSCORED}
    from vreid_bench.records.breakdown_file import read_breakdown
    from vreid_bench.reporting.queried_people import read_people
    from vreid_bench.reporting.run_report import as_json

    parts = read_breakdown(folder.breakdown) if folder.breakdown.exists() else {}
    return {"run": str(folder.path), **as_json(record, read_people([(folder, record)])), "breakdown": parts}
