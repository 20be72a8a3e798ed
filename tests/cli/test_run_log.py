"""`run.log` in the folder of a run."""

import json
from pathlib import Path

from short_run import SHORT


def test_the_log_follows_a_quiet_run_and_debug_has_the_logged_steps(cli, cli_json, tiny_mars, tmp_path):
    options = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT, "-q")
    first = cli(*options, "--seed", "5", "--log-level", "debug", "--json")
    assert first.stderr == ""  # no bars of reading, training and embedding
    folder = Path(json.loads(first.stdout)["run"])
    words = [line.split(" ", 2)[2] for line in (folder / "run.log").read_text().splitlines()]
    steps = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    logged = [line for line in words if line.startswith("stage 1, step ")]
    assert len(logged) == len(steps) > 0
    assert all(
        f"step {step['step']}: loss={step['loss']:.6g}" in line for step, line in zip(steps, logged, strict=True)
    )
    tracklets = json.loads((folder / "record.json").read_text())["dataset"]["counts"]["test_tracklets"]
    assert [line for line in words if line not in logged] == [
        "begins",
        f"{folder}: trains",
        f"{folder}: trained",
        f"{folder}: embeds {tracklets} test tracklets",
        f"{folder}: embedded",
        "finished: record.json",
    ]
    cli_json(*options, "--seed", "5")
    assert len((folder / "run.log").read_text().splitlines()) == len(words)  # shown again, nothing happened
