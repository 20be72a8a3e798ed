"""A recipe on the device: the network in either precision, and a resumed run in the weights of an uninterrupted one."""

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from vreid_bench.training.stages import Training

STEPS, STOP = 6, 3
SHORT = ("--set", f"stages.0.steps={STEPS}", "--set", "stages.0.P=4", "--set", "stages.0.K=2")


def test_a_resumed_run_ends_in_the_same_weights(cli, cli_json, tiny_mars, tmp_path, device, monkeypatch):
    monkeypatch.setattr("vreid_bench.training.checkpoint.SHARE", 0)
    run = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--preset", "small", "--device", device.type, *SHORT)
    taken, real = [], Training._step

    def step(self, stage, position, *rest):
        taken.append(position.step)
        if len(taken) == STEPS + STOP + 1:
            raise RuntimeError("interrupted")
        return real(self, stage, position, *rest)

    monkeypatch.setattr(Training, "_step", step)
    kept = ("--runs", tmp_path / "parts", "--checkpoint-every", "0")
    whole = cli_json(*run, "--runs", tmp_path / "whole")
    assert cli(*run, *kept).exit_code != 0
    resumed = cli_json(*run, *kept)
    assert taken == [*range(STEPS), *range(STOP + 1), *range(STOP, STEPS)]
    one, two = (load_file(f"{report['run']}/weights.safetensors") for report in (whole, resumed))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert resumed["conventions"] == whole["conventions"]


@pytest.mark.parametrize(("precision", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_the_network_trains_in_the_precision_asked_for_and_its_losses_in_float32(
    cli_json, tiny_mars, tmp_path, device, precision, expected
):
    found = {nn.Conv2d: set(), nn.CrossEntropyLoss: set(), nn.Linear: set()}

    def note(module, _, output):
        if module.training and type(module) in found:
            found[type(module)].add(output.dtype)

    hook = nn.modules.module.register_module_forward_hook(note)
    try:
        run = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--preset", "small", "--device", device.type)
        cli_json(*run, *SHORT, "--runs", tmp_path, "--precision", precision)
    finally:
        hook.remove()
    assert found[nn.Conv2d] == {expected}
    assert found[nn.Linear] == {torch.float32}
