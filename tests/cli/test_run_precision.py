"""`run --precision`: the network's arithmetic in training, in the run's name, its record and its row."""

import pytest
import torch
from short_run import SHORT, record_of
from torch import nn

from vreid_bench.reporting.board import boards


@pytest.fixture(scope="module")
def command(tiny_mars, tmp_path_factory):
    return "run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path_factory.mktemp("runs"), *SHORT


@pytest.fixture(scope="module")
def seen():
    """(training?, kind of module) -> the types of its outputs, while a run goes on."""
    found = {}

    def note(module, _, output):
        if isinstance(module, nn.Conv2d | nn.Linear):
            found.setdefault((module.training, type(module).__name__), set()).add(output.dtype)

    hook = nn.modules.module.register_module_forward_hook(note)
    yield found
    hook.remove()


@pytest.mark.parametrize(("options", "expected"), [((), torch.float32), (("--precision", "bf16"), torch.bfloat16)])
def test_the_network_trains_in_that_precision_and_losses_and_test_stay_in_float32(
    cli_json, command, seen, options, expected
):
    seen.clear()
    record = record_of(cli_json(*command, "--anew", *options))
    assert seen[True, "Conv2d"] == {expected}
    assert seen[True, "Linear"] == {torch.float32}  # the classifier of the loss
    assert seen[False, "Conv2d"] == {torch.float32}
    assert record.weights.precision == (options[1] if options else "fp32")


def test_a_run_in_bf16_is_another_run_and_another_row(cli_json, command):
    plain, named, coarse = (
        cli_json(*command, *options) for options in ((), ("--precision", "fp32"), ("--precision", "bf16"))
    )
    assert plain["run"] == named["run"] != coarse["run"]
    records = [record_of(report) for report in (plain, coarse)]
    assert records[0].weights.sha256 != records[1].weights.sha256
    [board] = boards(records)
    remarks = {row.first.id: row.remarks for row in board.rows}
    told = ["trained in bf16" in remarks[record.id] for record in records]
    assert (len(board.rows), told) == (2, [False, True])


def test_weights_that_are_tested_again_keep_the_precision_of_their_training(cli, cli_json, command):
    coarse = cli_json(*command, "--precision", "bf16")
    runs = command[command.index("--runs") + 1]
    again = ("run", "--from", coarse["run"], "--runs", runs, "--set", "test.clips=2")
    record = record_of(cli_json(*again))
    assert record.weights.precision == "bf16"
    assert record.changes.count("trained in bf16") == 1
    assert not any("trained with trained in" in words for words in record.changes)
    refused = cli(*again, "--precision", "fp32")
    assert refused.exit_code == 2
    assert "--precision fp32: is of a training, but --from does not train; leave one out" in refused.stderr


def test_an_unknown_precision_is_refused_with_those_there_are(cli, command):
    refused = cli(*command, "--precision", "fp8")
    assert refused.exit_code == 2
    assert "'fp8' is not one of 'fp32', 'bf16'" in refused.stderr
