"""The numbers behind the figures of papers, of a finished run, as arrays (`inspections` lists them).

A part of the model offers what its contract says: attention, part maps, importance of clips, scores of pairs. The
others are offered by every model. Clips are those of the test, without its corruption.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vreid_bench.contracts.dataset import Dataset, Tracklet
from vreid_bench.contracts.parts import ScoresPairs
from vreid_bench.evaluation.collectors import COLLECT
from vreid_bench.evaluation.curves import Arrays, collect_cmc, collect_validations
from vreid_bench.evaluation.inspections import INSPECTIONS
from vreid_bench.evaluation.pair_scores import choose_comparisons, choose_queries
from vreid_bench.evaluation.strategies.corruption import Corruption
from vreid_bench.evaluation.subject import Comparison, Subject, describe_clips, label
from vreid_bench.evaluation.trained_model import TrainedModel
from vreid_bench.evaluation.visibility import knows_visibility, read_visibility
from vreid_bench.modeling.listening import find_able, find_layers
from vreid_bench.modeling.model import Model
from vreid_bench.planning.plan import Plan, RunRequest, choose_recipe, plan_run
from vreid_bench.records.named_run import find_run
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.system.environment import prepare
from vreid_bench.system.errors import InputError, suggestion


@dataclass(frozen=True)
class InspectionRequest:
    """The options of the command line. A tracklet is a row number among the test tracklets, or its name."""

    run: Path
    runs: Path
    what: str  # one of INSPECTIONS
    query: tuple[str, ...] = ()
    gallery: str | None = None
    split: int | None = None  # None: the first that ran
    layers: tuple[str, ...] = ()  # of `responses`; empty: all
    protocol: str | None = None  # None: that of the run
    data: Path | None = None  # None: that of the run
    device: str = "auto"
    threads: int | None = None
    quiet: bool = False
    figure: bool = False  # also the arrays of other inspections that the figure shows, where the run has them
    images: bool | None = None  # frames in the figure; None: only of rendered people


def inspect_run(request: InspectionRequest) -> Arrays:
    """The arrays that a request asks for; docs/inspect.md describes each of them.

    Raises InputError for what the run does not have, and for tracklets that do not exist, before anything is embedded.
    """
    check_tracklets(request)
    folder = find_run(request.run, request.runs)
    record = Record.from_file(folder.record)
    if INSPECTIONS[request.what].takes == "nothing":
        check_offered(request, record, list_curves(folder, record))
        return collect_cmc(folder) if request.what == "cmc" else collect_validations(folder, record)
    registry, test = Registry.installed(), _as_run(request)
    machine = prepare(request.device, request.threads, quiet=request.quiet)
    model = build_model(registry, test)
    if request.what != "visibility":  # the data that is tested may be another than the run's
        check_offered(request, record, list_offers(model))
    check_layers(request.layers, model)
    plan = plan_run(registry, test)
    fold = plan.folds[0]
    rows, comparisons = choose_tracklets(request, plan)
    beside = list_beside(request, registry, fold.dataset)
    truth = read_visibility(registry, fold.dataset) if "visibility" in (request.what, *beside) else None
    trained = TrainedModel.load(model, plan.chosen.method, plan.source, fold, machine)
    strategy = plan.protocol.test
    corruption = strategy if isinstance(strategy, Corruption) else None
    subject = Subject(trained, [fold.test.test[row] for row in rows], corruption, request.layers, truth, comparisons)
    arrays = {**label(subject, rows), **describe_clips(subject, request.what)}
    for what in (request.what, *beside):
        arrays |= COLLECT[what](subject)
    return arrays


def choose_tracklets(request: InspectionRequest, plan: Plan) -> tuple[list[int], Sequence[Comparison]]:
    """The rows of the tracklets to be shown, and how those of `pair-scores` are compared."""
    test = plan.folds[0].test
    rows = find_rows(request, test.test)
    if request.what != "pair-scores":
        return rows, ()
    headline = next(each for each in plan.conventions if each.name == plan.protocol.headline)
    return choose_comparisons(test, headline, rows if request.query else choose_queries(test))


def list_beside(request: InspectionRequest, registry: Registry, dataset: Dataset) -> list[str]:
    """The other inspections whose arrays a figure shows and the data has."""
    has = {
        "pixels": dataset.source == "synthetic" if request.images is None else request.images,
        "visibility": knows_visibility(registry, dataset),
    }
    return [what for what in INSPECTIONS[request.what].beside if request.figure and has[what]]


def list_inspections(request: InspectionRequest) -> list[str]:
    """The names of what the run of a request offers, in the order of INSPECTIONS."""
    folder = find_run(request.run, request.runs)
    record = Record.from_file(folder.record)
    registry = Registry.installed()
    offered = {*list_curves(folder, record), *list_offers(build_model(registry, _as_run(request)))}
    if knows_visibility(registry, record.dataset):
        offered.add("visibility")
    return [name for name in INSPECTIONS if name in offered]


def _as_run(request: InspectionRequest) -> RunRequest:
    """The run that would test the same weights on the same tracklets."""
    return RunRequest(
        name=None,
        protocol=request.protocol,
        data=request.data,
        source=request.run,
        splits=None if request.split is None else str(request.split),
        runs=request.runs,
        device=request.device,
        threads=request.threads,
        quiet=request.quiet,
    )


def build_model(registry: Registry, test: RunRequest) -> Model:
    """The model of a run, without its weights."""
    method = choose_recipe(registry, test).chosen.method
    return Model(method, registry.factories(method))


def list_curves(folder: RunDirectory, record: Record) -> list[str]:
    """What the folder of a run offers."""
    return ["cmc", "validation"] if collect_validations(folder, record) else ["cmc"]


def list_offers(model: Model) -> list[str]:
    """What a model offers on any data."""
    varies = {
        "clip-weights": model.weighs_clips,
        "frame-attention": find_able(model.aggregator, "attention") is not None,
        "part-maps": find_able(model.aggregator, "part_maps") is not None,
        "pairs": isinstance(model.matcher, ScoresPairs),
        "pair-scores": isinstance(model.matcher, ScoresPairs),
    }
    return [name for name in COLLECT if varies.get(name, name != "visibility")]


def check_offered(request: InspectionRequest, record: Record, offered: Sequence[str]) -> None:
    """Raises InputError if what is asked for is not among what is offered."""
    if request.what not in offered:
        kind = f"a run of {record.method.name}" if request.what in COLLECT else "this run"
        hint = "; train with --validate to have it" if request.what == "validation" else ""
        raise InputError(f"{request.run}: {kind} has no {request.what}; it has {', '.join(offered)}{hint}")


def check_tracklets(request: InspectionRequest) -> None:
    """Raises InputError if the request names too many tracklets for what it asks, or too few."""
    takes, given = INSPECTIONS[request.what].takes, (len(request.query), request.gallery is not None)
    fits, expected = {
        "nothing": (given == (0, False), "neither --query nor --gallery"),
        "any tracklets": (not given[1], "no --gallery"),
        "any queries": (not given[1], "no --gallery"),
        "tracklets": (given[0] > 0 and not given[1], "one --query or more, and no --gallery"),
        "a pair": (given == (1, True), "one --query and one --gallery"),
    }[takes]
    if not fits:
        found = f"{given[0]} of --query and {int(given[1])} of --gallery"
        raise InputError(f"--what {request.what}: expected {expected}, got {found}")
    if request.split is not None and takes == "nothing":
        raise InputError(f"--what {request.what}: has all splits; leave --split out")
    if request.layers and request.what != "responses":
        raise InputError(f"--what {request.what}: takes no --layer, only responses does")


def check_layers(layers: Sequence[str], model: Model) -> None:
    """Raises InputError for a layer that the encoder does not have."""
    known = find_layers(model.encoder)
    for layer in layers:
        if layer not in known:
            raise InputError(f"--layer {layer}: {model.titles['encoder']} has no such layer; it has {', '.join(known)}")


def find_rows(request: InspectionRequest, test: Sequence[Tracklet]) -> list[int]:
    """The rows of the tracklets that are asked for, queries first. Raises InputError for one that does not exist."""
    named = [("--query", text) for text in request.query]
    named += [("--gallery", request.gallery)] if request.gallery is not None else []
    if not named:
        return list(range(len(test)))
    names = {tracklet.name: row for row, tracklet in enumerate(test)}
    return [_find_row(option, text, names) for option, text in named]


def _find_row(option: str, text: str, names: Mapping[str, int]) -> int:
    if text in names:
        return names[text]
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    raise InputError(
        f"{option} {text}: is no test tracklet; expected a row number from 0 to {len(names) - 1} or the path of a "
        f"tracklet's first frame, as per_query.npz has them{suggestion(text, names)}"
    )
