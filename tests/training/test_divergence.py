"""A training that fails or is not finite: which part is named."""

from dataclasses import replace

import pytest
import torch
from small_training import Mean, Recorder
from torch import nn
from torch.nn import functional as F
from wrong_parts import HOOKS, METHOD, STAGE, WRONG, Net, Pool, good, method_with, plugin

from vreid_bench import Clips, InputError, Schedule
from vreid_bench.modeling.embed import FrameReader
from vreid_bench.modeling.model import assemble
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import RunError
from vreid_bench.training.checkpoint import Checkpoints
from vreid_bench.training.stages import Training
from vreid_plugins.datasets.mars.reader import Mars

BRIEF = replace(STAGE, steps=4)
FROM = 2  # the step from which a part is not finite


class Late(torch.autograd.Function):
    """The identity, whose gradient is not finite."""

    @staticmethod
    def forward(context, value):
        return value.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * torch.inf


def spoil(value, part, what):
    """`value`, spoilt from the third call in training on: the checks before the training see good numbers."""
    if not part.training or not spoil.armed:
        return value
    part.calls = getattr(part, "calls", 0) + 1
    if part.calls <= FROM:
        return value
    if what == "code":
        raise ValueError("not today")
    return value * torch.nan if what == "output" else Late.apply(value)


spoil.armed = False


def wrong(kind, what):
    class Encoder(Net):
        def forward(self, clips):
            return spoil(super().forward(clips), self, what)

    class Aggregator(Pool):
        def forward(self, maps):
            return spoil(super().forward(maps), self, what)

    class Matcher(Mean):
        def represent(self, clips):
            return Clips.single(spoil(clips.mean(), self, what))

    class Loss(nn.Module):
        def __init__(self, dims, identities):
            super().__init__()
            self.fc = nn.Linear(dims["embedding"], identities)

        def forward(self, batch):
            return spoil(F.cross_entropy(self.fc(spoil(batch.embedding, self, what)), batch.pids), self, what)

    class Augmentation:
        training = True

        def __call__(self, clips, generator, planes):
            return spoil(clips, self, what)

    parts = {"encoder": Encoder, "aggregator": Aggregator, "matcher": Matcher, "loss": Loss}
    return {**parts, "augmentation": Augmentation}[kind]


@pytest.fixture
def train(tiny_mars, tmp_path):
    split = Mars().read(tiny_mars).splits[0]

    def run(kind, part, stage=BRIEF):
        registry = Registry([good(), plugin("wrong", WRONG, **{HOOKS[kind]: {"wrong": part}})])
        method = replace(METHOD, stages=(stage,)) if part is None else method_with(kind, stage)
        torch.manual_seed(0)
        parts = assemble(method, registry.factories(method), len({t.pid for t in split.train}))
        spoil.armed = True
        reader = FrameReader(tiny_mars, method.size, torch.device("cpu"), 1, quiet=True)
        Training(parts, split.train, reader, 0).run(Checkpoints(tmp_path / "c"), Recorder())

    yield run
    spoil.armed = False


@pytest.mark.parametrize("kind", ["augmentation", "encoder", "aggregator", "matcher", "loss"])
def test_the_first_part_whose_output_is_not_finite_is_named(train, kind):
    """And nothing else is said to be the matter: its parameters are moderate."""
    sentence = rf"the loss is nan, not finite, at stage 1, step \d+: the output of {kind} 'wrong' of {WRONG}"
    with pytest.raises(RunError, match=rf"^{sentence}[^;]* is the first that is not finite; correct this part$"):
        train(kind, wrong(kind, "output"))


@pytest.mark.parametrize(("rate", "diverges"), [(1e30, True), (1e4, True), (1e-2, False)])
def test_a_training_of_sound_parts_at_too_high_a_rate_is_said_to_diverge(train, rate, diverges):
    class Steep(Pool):
        """Sound, but too large for single precision where its parameters are."""

        def forward(self, maps):
            return super().forward(maps) ** 9

    stage = replace(STAGE, steps=60, schedule=Schedule("constant", rate))
    if not diverges:
        return train("aggregator", Steep, stage)
    advice = r"lower the learning rate, stages\.0\.schedule\.rate$"
    with pytest.raises(
        RunError, match=rf"but the training diverges: the largest parameter of .* was .* and is .*; {advice}"
    ):
        train("aggregator", Steep, stage)


@pytest.mark.parametrize("kind", ["encoder", "aggregator", "matcher", "loss"])
def test_the_part_whose_gradient_is_not_finite_is_named(train, kind):
    with pytest.raises(RunError, match=rf"a gradient is not finite at stage 1, step \d.* of {kind} 'wrong' of {WRONG}"):
        train(kind, wrong(kind, "gradient"))


@pytest.mark.parametrize("kind", ["encoder", "aggregator", "matcher", "loss", "augmentation"])
def test_the_part_whose_code_fails_in_a_later_step_is_named(train, kind):
    with pytest.raises(InputError, match=rf"^{kind} 'wrong' of {WRONG} failed \(ValueError: not today\)"):
        train(kind, wrong(kind, "code"))


def test_a_finite_training_is_not_stopped(train):
    class Fine(Net):
        pass

    train("encoder", Fine)
