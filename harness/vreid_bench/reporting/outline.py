"""What a run would do, as text for a terminal (`run --dry-run`)."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from vreid_bench.contracts.split_numbers import format_splits
from vreid_bench.planning.outline import Drop, FitOutline, Outline, StageOutline, TrainingOutline
from vreid_bench.reporting.text import sanitize
from vreid_bench.system.counting import count

Lines = list[tuple[str, str]]
WIDTH = 96  # of the right column
MOST = 3  # drops of the rate that are written out


def render_outline(outline: Outline) -> str:
    """An outline as text in two columns: the run, each training with its stages, the test, the cost."""
    test, height_width = outline.test, " x ".join(map(str, outline.size))
    lines = [
        ("run", f"{outline.method}, preset {outline.preset}, seed {outline.seed}, under {outline.protocol}"),
        *([("splits", format_splits(outline.splits))] if len(outline.splits) > 1 else []),
        *_list_first_weights(outline.first_weights),
        ("frames", f"{height_width} pixels"),
        *((kind, _write_part(outline.parts[kind])) for kind in ("encoder", "aggregator", "matcher")),
        *((f"loss {name}", _write_part(loss)) for name, loss in outline.parts["losses"].items()),
    ]
    for training in outline.trainings:
        lines += _list_training(training)
    counts = (
        f"{_count_people(test.people)}, {count(test.tracklets, 'tracklet')}, {count(test.queries, 'query', 'queries')}"
    )
    lines += [
        ("", ""),
        ("test on", f"{test.dataset}@{test.data}: {counts}"),
        ("clips", _write_clips(test.clips)),
        ("", ""),
        ("on a CPU", outline.cost.words),
        ("", "nothing was trained: leave --dry-run out to run it"),
    ]
    left = max(len(name) for name, _ in lines) + 2
    rows = [(name, textwrap.wrap(sanitize(text), WIDTH) or [""]) for name, text in lines]
    return "\n".join(
        f"{name if at == 0 else '':{left}}{words}".rstrip() for name, text in rows for at, words in enumerate(text)
    )


def _list_first_weights(first: Mapping[str, str]) -> Lines:
    return [("first weights", f"{part} from {words}") for part, words in first.items()] or [("first weights", "random")]


def _list_training(training: TrainingOutline) -> Lines:
    held_out = f", and {_count_people(training.held_out)} held out of training" if training.held_out else ""
    counts = f"{_count_people(training.people)}, {count(training.tracklets, 'tracklet')}{held_out}"
    lines: Lines = [("", ""), ("train on", f"{training.dataset}@{training.data} in {training.root}: {counts}")]
    for number, stage in enumerate(training.stages):  # messages count stages from 1, and settings from 0
        lines += _list_stage(f"stage {number + 1}, stages.{number}", stage)
    return [*lines, *(("warning", sentence) for sentence in training.warnings)]


def _list_stage(title: str, stage: StageOutline | FitOutline) -> Lines:
    recipe = stage.recipe
    if isinstance(stage, FitOutline):
        return [(title, f"fits the {recipe['part']} to all tracklets; {_write_clips(recipe['clipping'])}")]
    epoch = f"{count(stage.steps_of_epoch, 'step')} over {stage.over}"
    given = "" if stage.given == stage.steps else f" (the recipe says {stage.given})"
    augment = ", ".join(map(_write_part, recipe["augment"]))
    more = f", and {recipe['unlabelled']} of unknown people" if recipe["unlabelled"] else ""
    batch = f"P = {_count_people(recipe['P'])}, K = {count(recipe['K'], 'tracklet')} each{more}"
    lines = [
        (title, f"{count(stage.steps, 'step')}, {stage.epochs:,.4g} epochs of {epoch}{given}"),
        ("  rate", _write_rates(recipe["schedule"], stage.drops)),
        ("  optimizer", _write_part(recipe["optimizer"])),
        ("  batch", f"{batch}: {count(stage.frames, 'frame')}"),
        ("  clips", _write_clips(recipe["clipping"])),
        ("  losses", ", ".join(f"{weight:g} {name}" for name, weight in recipe["losses"].items())),
        ("  augment", augment or "nothing"),
        ("  learns", _write_patterns(recipe["train"], recipe["freeze"])),
    ]
    if recipe["matcher"]:
        lines.append(("  matcher", _write_part(recipe["matcher"])))
    if recipe["cached"]:
        lines.append(("  cached", f"features of {recipe['cached']} views of each tracklet, computed once"))
    return lines


def _count_people(number: int) -> str:
    return count(number, "person", "people")


def _write_rates(schedule: Mapping[str, Any], drops: Sequence[Drop]) -> str:
    if schedule["kind"] == "one-cycle":
        return f"one cycle with its peak at {schedule['rate']:g}"
    shown = [f"{drop.rate:.3g} from step {drop.step:,} (epoch {drop.epoch:.4g})" for drop in drops[:MOST]]
    more = [f"and so on every {schedule['every']:,} steps, {len(drops)} drops in all"] if len(drops) > MOST else []
    return "; ".join([f"{schedule['rate']:g}", *shown, *more])


def _write_part(part: Mapping[str, Any]) -> str:
    """A part, or an optimizer, with its options: `resnet depth=50`."""
    options = ((name, value) for name, value in part["options"].items())
    return " ".join([part["name"], *(f"{name}={_write_value(value)}" for name, value in options)])


def _write_value(value: Any) -> str:
    return f"({_write_part(value)})" if isinstance(value, dict) and "options" in value else json.dumps(value)


def _write_clips(clipping: Mapping[str, Any]) -> str:
    T, clips = clipping["T"], clipping["clips"]
    frames = f"clips of {count(T, 'frame')}" if T else "clips of all frames"
    number = f", {clips} of a tracklet" if clips > 1 else ""
    step = f", one every {clipping['step']} frames" if clipping["step"] else ""
    return f"{frames}{number}{step}, cut {clipping['sampler']}"


def _write_patterns(train: Sequence[str], freeze: Sequence[str]) -> str:
    learns = "all" if tuple(train) == ("*",) else ", ".join(train)
    return f"{learns} but {', '.join(freeze)}" if freeze else learns
