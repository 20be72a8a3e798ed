"""Scores of the model in training, on people who are held out of it."""

from __future__ import annotations

from dataclasses import replace

from vreid_bench.contracts.length import plain_steps
from vreid_bench.contracts.people import person_ids
from vreid_bench.contracts.recipe import Clipping, Fit
from vreid_bench.modeling.embed import FrameReader, embed
from vreid_bench.modeling.model import MethodParts, Model
from vreid_bench.modeling.probe import keep_streams
from vreid_bench.planning.folds import Validation
from vreid_bench.records.weights import load_state
from vreid_bench.scoring.metrics import Scores, judge
from vreid_bench.scoring.ranks.by_matcher import rank_by_matcher
from vreid_bench.scoring.ranks.labels import Labels
from vreid_bench.system.event_log import LOGGER
from vreid_bench.system.progress import write_line
from vreid_bench.training.checkpoint import Position
from vreid_bench.training.log import VALIDATION
from vreid_bench.training.stages import Log

METRICS = ("mAP", "R1")


class Validator:
    """Scores the model after every so many steps, counted over all stages, and once more after the last stage.

    The model in training is only read: its state is loaded into a second one, as a test loads weights, and that one
    embeds the held-out people. So modes, batch statistics and whatever else a part keeps stay as without the scores,
    and so do the global random streams. A matcher that is fitted in a later stage compares as it does before its fit.
    """

    def __init__(
        self, validation: Validation, parts: MethodParts, double: Model, clipping: Clipping, reader: FrameReader
    ) -> None:
        self.validation = validation
        self.model = parts.model
        self.double = double.to(reader.device)
        self.clipping = clipping  # of the test
        self.reader = reader
        self.stages = parts.stages
        self.steps = [0 if isinstance(stage, Fit) else plain_steps(stage.recipe.steps) for stage in parts.stages]

    def __call__(self, position: Position, log: Log) -> None:
        """If a score is due after that step, or after the fit of that stage, compute, print and log it."""
        stage, last = self.stages[position.stage], position.stage == len(self.stages) - 1
        before, total = sum(self.steps[: position.stage]), sum(self.steps)
        if isinstance(stage, Fit):
            done, due = before, last
            when = f"{before:,} of {total:,} steps and the fit of the {stage.part}"
        else:
            done = before + position.step + 1
            due = done % self.validation.every == 0 or (last and done == total)
            when = f"{done:,} of {total:,} steps"
        if due:
            scores = self.score()
            words = ", ".join(f"{metric} {100 * scores[metric]:.1f}" for metric in METRICS)
            people = len(person_ids(self.validation.split.test))
            line = f"validation after {when}: {words} ({people} people held out)"
            LOGGER.info("%s", line)
            write_line(line, quiet=self.reader.quiet)
            values = {"steps": done, **{metric: scores[metric] for metric in METRICS}}
            log.write(position, {VALIDATION + name: value for name, value in values.items()})

    def score(self) -> dict[str, float]:
        """The metrics of the model as it is now, as fractions."""
        split, convention = self.validation.split, self.validation.convention
        load_state(self.double, self.model.state_dict(), "--validate")
        with keep_streams():
            store = embed(self.double, split.test, self.clipping, replace(self.reader, quiet=True))
            everyone = store.to(self.reader.device).clips(slice(None))
            labels = Labels.of(split).for_conventions([convention])
            counts = rank_by_matcher(self.double.matcher, (everyone, everyone), labels)
        verdict = judge(counts, [convention])[convention.name]
        assert isinstance(verdict, Scores), "planning has refused people who cannot be scored"
        return verdict.metrics()
