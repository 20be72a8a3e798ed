"""Stages of training over PK batches; a resumed run gives the same weights to the last bit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vreid_bench.contracts.dataset import Tracklet
from vreid_bench.contracts.length import plain_steps
from vreid_bench.contracts.packing import pad_features
from vreid_bench.contracts.parts import Batch, ClipFeatures, FitsClips, FitsMaps
from vreid_bench.contracts.precision import DEFAULT, Precision
from vreid_bench.contracts.recipe import Fit, Train
from vreid_bench.modeling.clips import clip_indices
from vreid_bench.modeling.corruption import Mask, choose_spoiled, spoil
from vreid_bench.modeling.embed import FrameReader, embed, maps
from vreid_bench.modeling.frames import prefetch
from vreid_bench.modeling.joint_batch import divide, gather_features, joint_statistics, sum_gradients
from vreid_bench.modeling.model import MethodParts, Step
from vreid_bench.records.weights import load_state
from vreid_bench.registry.entry import blame
from vreid_bench.system.errors import InputError, RunError
from vreid_bench.system.processes import processes, wait
from vreid_bench.system.progress import bar
from vreid_bench.system.seeds import derive_seed
from vreid_bench.training.batches import TrainingLists
from vreid_bench.training.cached_features import Cache, check_frozen, fill_cache
from vreid_bench.training.checkpoint import Checkpoints, Position
from vreid_bench.training.divergence import Seen, advise, are_finite, call_loss, find_part, measure_parts
from vreid_bench.training.learning import build_optimizer, learning_rate, optimizer_state, shorten_name, trainable
from vreid_bench.training.shortage import explain_fit, explain_step

EVERY = 10  # steps between two lines of the log


class Log(Protocol):
    """Receives the values of each step, as `training.log.StepLog` does."""

    def rewind(self, start: Position) -> None:
        """Remove what was logged at or after `start`."""

    def write(self, position: Position, values: Mapping[str, float]) -> None:
        """Keep the values of one step, or the scores after it."""


Validate = Callable[[Position, Log], None]  # called after each step and each fit; leaves the model as it is
# called after each stage, with the number of stages that are done and the state of all parts, by name
Keep = Callable[[int, Mapping[str, Tensor]], None]


class Draw(NamedTuple):
    """What one step trains on."""

    rows: Sequence[int]  # [N], N = P K + unlabelled, into `TrainingLists.tracklets`
    clips: Sequence[NDArray[np.uint8]]  # N arrays [C, T, H, W, P]; empty if features are cached


class Training:
    """Runs the stages of a method.

    The random draws of a step depend only on (seed, stage, step), and a checkpoint holds all other state. So a
    resumed run ends with the same weights as an uninterrupted one on the same machine.
    """

    def __init__(
        self,
        parts: MethodParts,
        tracklets: Sequence[Tracklet],
        reader: FrameReader,
        seed: int,
        precision: Precision = DEFAULT,
    ) -> None:
        self.parts = parts
        self.precision = precision
        self.lists = TrainingLists.of(tracklets)
        self.reader = reader
        self.seed = seed
        self.begun: Mapping[str, float] = {}  # the largest parameter of each part before the first step
        self.module = nn.ModuleDict({"model": parts.model, "loss": parts.losses}).to(reader.device)
        self.labels = torch.tensor(self.lists.labels, device=reader.device)
        self.camids = torch.tensor([t.camid for t in self.lists.tracklets], device=reader.device)

    def run(
        self,
        checkpoints: Checkpoints,
        log: Log,
        validate: Validate = lambda position, log: None,
        keep: Keep = lambda done, tensors: None,
    ) -> None:
        """Run every stage, starting from the last checkpoint if there is one."""
        for at, stage in enumerate(self.parts.stages):  # report a mistake in any stage before the first begins
            if isinstance(stage, Step):
                learning = trainable(self.module, stage.recipe, f"stages.{at}")
                build_optimizer(stage.recipe, learning, {})
                if stage.recipe.cached:
                    check_frozen(learning)
                if stage.recipe.corruption.most and self.parts.model.planes != ("rgb",):
                    raise InputError(
                        f"stage: corruption spoils colour frames, but {self.parts.model.titles['encoder']} reads "
                        f"{' and '.join(self.parts.model.planes)}; set its most to 0"
                    )
        self.begun = measure_parts(self.parts)
        wait()
        start, optimizer = checkpoints.restore(self.module)
        wait()  # or the first could have gone on, and written another
        log.rewind(start)
        for at, stage in enumerate(self.parts.stages):
            if at < start.stage:
                continue
            if isinstance(stage, Fit):
                with explain_fit(stage, Position(at, 0), self.reader):
                    self._fit(stage, at)
                validate(Position(at, 0), log)
            else:
                first = start.step if at == start.stage else 0
                for position, values, state in self._descend(stage, Position(at, first), optimizer):
                    if position.step % EVERY == 0 or position.step == plain_steps(stage.recipe.steps) - 1:
                        log.write(position, values)
                    validate(position, log)
                    if checkpoints.due:
                        checkpoints.save(self.module, Position(at, position.step + 1), state())
            keep(at + 1, {shorten_name(name): value for name, value in self.module.state_dict().items()})
            checkpoints.save(self.module, Position(at + 1, 0), {})
            optimizer = {}

    def go_on_after(self, done: int, state: Mapping[str, Tensor], origin: Path, checkpoints: Checkpoints) -> None:
        """Take over the state after that many stages, which a training with equal ones left in the file `origin`.

        state: as `keep` was given it, without the parts that these stages do not use. It becomes the last checkpoint.
        """
        own = self.module.state_dict()
        taken = {name: state.get(shorten_name(name), value) for name, value in own.items()}
        load_state(self.module, taken, origin)
        checkpoints.save(self.module, Position(done, 0), {})

    def _fit(self, stage: Fit, at: int) -> None:
        self._reseed(Position(at, 0))
        model = self.parts.model
        if stage.part == "aggregator":
            aggregator = cast(FitsMaps, model.aggregator)
            with blame(model.titles["aggregator"]):
                aggregator.fit(maps(model, self.lists.labelled, stage.clipping, self.reader))
        else:
            matcher = cast(FitsClips, model.matcher)
            store = embed(model, self.lists.labelled, stage.clipping, self.reader).to(self.reader.device)
            labels, camids = self.labels[: len(store.counts)], self.camids[: len(store.counts)]
            with blame(model.titles["matcher"]):
                matcher.fit(store.clips(slice(None)), labels, camids)

    def _descend(
        self, stage: Step, start: Position, state: Mapping[str, Tensor]
    ) -> Iterator[tuple[Position, dict[str, float], Callable[[], dict[str, Tensor]]]]:
        recipe, steps = stage.recipe, plain_steps(stage.recipe.steps)
        named = trainable(self.module, recipe, f"stages.{start.stage}")
        optimizer = build_optimizer(recipe, named, state)
        cache = self._fill_cache(stage, start.stage) if recipe.cached and start.step < steps else None
        positions = [Position(start.stage, step) for step in range(start.step, steps)]
        draws = prefetch(positions, lambda p: self._draw(recipe, p), self.reader.threads, 2 * self.reader.threads)
        title = f"stage {start.stage + 1} of {len(self.parts.stages)}"
        with bar(steps, title, "step", done=start.step, quiet=self.reader.quiet) as progress:
            for position, draw in zip(positions, draws, strict=True):
                self._reseed(position, *([processes().rank] if processes().rank else []))  # a mask for each share
                rate = learning_rate(recipe.schedule, position.step, steps)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                with explain_step(recipe, position, self.reader):
                    seen = self._see(stage, position, draw, cache)
                    values = self._step(stage, position, seen, draw.rows, optimizer)
                del seen  # the next step needs the memory
                progress.set_postfix(loss=f"{values['loss']:.3f}", refresh=False)
                progress.update()
                yield position, {**values, "rate": rate}, lambda: optimizer_state(optimizer, named)

    def _see(self, stage: Step, position: Position, draw: Draw, cache: Cache | None) -> Seen:
        """The clips of a step's tracklets, computed by the network or taken from the cache."""
        generator = torch.Generator().manual_seed(derive_seed(self.seed, "augment", *position))
        if cache is not None:
            spoiled = self._choose_spoiled(stage.recipe, [cache.counts[row] for row in draw.rows], position)
            return Seen(None, None, cache.clips(draw.rows, spoiled, generator, self.reader.device))
        counts = [len(each) for each in draw.clips]
        shares = divide(counts, stage.recipe.P, stage.recipe.K)
        clips, maps, features = self._features(stage, np.concatenate(draw.clips), generator, shares[processes().rank])
        whole = gather_features(features, shares)
        if len(shares) > 1:
            self._reseed(position)  # every process computes the same losses
        return Seen(clips, maps, pad_features([whole], counts))

    def _choose_spoiled(self, recipe: Train, counts: Sequence[int], position: Position) -> list[Mask]:
        """A mask [C] of the spoiled clips for each tracklet of a step, whose numbers of clips are the `counts`."""
        generator = np.random.default_rng(derive_seed(self.seed, "spoil", *position))
        return [choose_spoiled(recipe.corruption, count, generator) for count in counts]

    def _features(
        self, stage: Step, frames: NDArray[np.uint8], generator: torch.Generator, share: slice = slice(None)
    ) -> tuple[Tensor, Tensor, ClipFeatures]:
        """The augmented clips of a share, their maps and features; the random draws are those for all clips."""
        clips = self.reader.tensor(frames)  # [S, T, P, H, W]
        for augment in stage.augment:
            clips = augment(clips, generator, self.parts.model.planes)
        clips = clips[share]
        with joint_statistics(), torch.autocast(self.reader.device.type, torch.bfloat16, self.precision == "bf16"):
            maps = self.parts.model.encode(clips)
            return clips, maps, _float(self.parts.model.aggregate(maps))

    def _fill_cache(self, stage: Step, at: int) -> Cache:
        """Run every training tracklet through the frozen network.

        Random draws depend only on (seed, stage, view, tracklet).
        """
        recipe, model, total = stage.recipe, self.parts.model, len(self.lists.labelled)
        model.encoder.eval()  # also modules without parameters, which no pattern can freeze
        model.aggregator.eval()
        views = recipe.cached * (2 if recipe.corruption.most else 1)
        places = [(view, row) for view in range(views) for row in range(total)]

        def cut(place: tuple[int, int]) -> NDArray[np.uint8]:
            view, row = place
            generator = np.random.default_rng(derive_seed(self.seed, "cut view", at, view, row))
            clips = self._cut(recipe, row, generator)
            if view < recipe.cached:
                return clips
            return spoil(recipe.corruption, clips, np.ones(len(clips), bool), generator)

        frames = prefetch(places, cut, self.reader.threads, 2 * self.reader.threads)

        def features(view: int, row: int) -> ClipFeatures:
            generator = torch.Generator().manual_seed(derive_seed(self.seed, "augment view", at, view, row))
            return self._features(stage, next(frames), generator)[2]

        with bar(len(places), f"cache for stage {at + 1}", "tracklet", quiet=self.reader.quiet) as progress:
            return fill_cache(views, recipe.cached, total, features, progress.update)

    def _step(
        self, stage: Step, position: Position, seen: Seen, drawn: Sequence[int], optimizer: torch.optim.Optimizer
    ) -> dict[str, float]:
        rows = torch.tensor(drawn, device=self.reader.device)
        batch = Batch(seen.clips, self.labels[rows], self.camids[rows], stage.matcher)
        parts = {name: call_loss(self.parts.losses[name], name, stage, batch) for name in stage.recipe.losses}
        loss = torch.stack([weight * parts[name] for name, weight in stage.recipe.losses.items()]).sum()
        values = {"loss": loss.item(), **{name: value.item() for name, value in parts.items()}}
        where, setting = f"stage {position.stage + 1}, step {position.step}", f"stages.{position.stage}.schedule.rate"

        def explain() -> str:
            return advise(find_part(self.parts, stage, seen, batch, parts), self.parts, self.begun, stage, setting)

        if not math.isfinite(values["loss"]):
            raise RunError(f"the loss is {values['loss']}, not finite, at {where}: {explain()}")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        sum_gradients(*self._parameters(alone=stage.recipe.cached > 0))
        if not are_finite(p.grad for group in optimizer.param_groups for p in group["params"]):
            raise RunError(f"a gradient is not finite at {where}: {explain()}")
        optimizer.step()
        return values

    def _parameters(self, alone: bool) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Those of the network that sees clips, and the others; `alone`: every process has seen all clips."""
        model = self.parts.model
        shared = [] if alone else [*model.encoder.parameters(), *model.aggregator.parameters()]
        known = set(map(id, shared))
        return shared, [each for each in self.module.parameters() if id(each) not in known]

    def _draw(self, recipe: Train, position: Position) -> Draw:
        generator = np.random.default_rng(derive_seed(self.seed, "batch", *position))
        rows = self.lists.draw(recipe, generator)
        clips = [] if recipe.cached else [self._cut(recipe, row, generator) for row in rows]
        if recipe.corruption.most:
            spoiled = self._choose_spoiled(recipe, [len(each) for each in clips], position)
            clips = [spoil(recipe.corruption, *each, generator) for each in zip(clips, spoiled, strict=True)]
        return Draw(rows, clips)

    def _cut(self, recipe: Train, row: int, generator: np.random.Generator) -> NDArray[np.uint8]:
        """The clips of one tracklet: [C, T, H, W, P]."""
        tracklet = self.lists.tracklets[row]
        cut = clip_indices(recipe.clipping, len(tracklet.frames), generator)
        return self.reader.read(tracklet, cut)

    def _reseed(self, position: Position, *more: int) -> None:
        torch.manual_seed(derive_seed(self.seed, "torch", *position, *more))


def _float(features: ClipFeatures) -> ClipFeatures:
    """The features in float32, which losses use at any precision of the network."""
    importance = None if features.importance is None else features.importance.float()
    extra = {name: value.float() for name, value in features.extra.items()}
    return ClipFeatures(features.embedding.float(), importance, extra)
