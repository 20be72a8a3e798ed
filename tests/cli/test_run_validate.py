"""`--validate`: scores during training, and a row that says that fewer people were trained on."""

import json
from pathlib import Path

from safetensors.numpy import load_file
from short_run import OVERRIDES, SHORT, record_of

MARK = "validate.held-out=0.1"


def test_a_validated_run_scores_while_it_trains_and_says_that_it_trained_on_fewer_people(
    cli, cli_json, tiny_mars, tmp_path
):
    options = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT)
    shown = cli(*options, "--validate", "every=4")
    assert shown.exit_code == 0, shown.output
    report = cli_json(*options, "--validate", "every=4")  # finished already
    folder, record = Path(report["run"]), record_of(report)
    steps = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    scores = [line for line in steps if "validation.mAP" in line]
    assert [(line["stage"], line["step"]) for line in scores] == [(0, 3), (0, 5)]
    lines = [
        f"validation after {done} of 6 steps: mAP {100 * line['validation.mAP']:.1f}, "
        f"R1 {100 * line['validation.R1']:.1f} (2 people held out)"
        for done, line in zip((4, 6), scores, strict=True)
    ]
    assert all(line in shown.stderr for line in lines)
    assert [line for line in lines if line in (folder / "run.log").read_text()] == lines
    assert record.method.overrides == {**OVERRIDES, "validate.held-out": 0.1}
    assert record.dataset.counts["train_identities"] == 8
    assert record.disclosure.selected_on == "none"
    assert MARK in record.variant
    quiet = cli(*options, "--validate", "every=1000", "-q")
    assert quiet.stderr == ""
    other = record_of(cli_json(*options, "--validate", "every=1000"))
    [one, two] = (load_file(path) for path in tmp_path.glob("*/weights.safetensors"))
    assert all((one[name] == two[name]).all() for name in one | two)
    assert other.conventions == record.conventions


def test_weights_keep_the_mark_when_they_are_tested_again(cli, cli_json, tiny_mars, tmp_path):
    options = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT)
    trained = cli_json(*options, "--validate", "every=1000", "--set", "stages.0.steps=1")
    again = ("run", "--from", trained["run"], "--runs", tmp_path)
    refused = cli(*again, "--validate", "every=4")
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.output
    assert "--validate every=4: scores a training, but --from does not train; leave one out" in refused.stderr
    record = record_of(cli_json(*again, "--set", "test.clips=1"))
    assert record.method.modified
    assert set(record.changes) == set(record_of(trained).changes) - {"test.clips=8"} | {"test.clips=1"}
    assert MARK in record.changes
    assert MARK in record.weights.trained_as
