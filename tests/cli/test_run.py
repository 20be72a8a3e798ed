"""The main job from files on disk to a record: once, again, interrupted, and under other settings."""

import fcntl
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from short_run import OVERRIDES, SHORT, record_of, shorten

from vreid_bench.records.npz import read_npz
from vreid_bench.records.record import Record
from vreid_bench.records.run_directory import RunDirectory
from vreid_bench.registry.registry import Registry
from vreid_bench.reporting.queried_people import read_people
from vreid_bench.reporting.run_report import as_json
from vreid_plugins.datasets.mars.reader import Mars


@pytest.fixture
def mean_pooling(tiny_mars, tmp_path):
    """Arguments of a run of seconds."""
    return ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT)


@pytest.fixture
def finished(finished_run, mean_pooling, cli_json):
    """What that run prints. It is finished already, so that the command prints it again."""
    return cli_json(*mean_pooling)


def test_a_record_has_the_frames_of_training_and_test_and_their_speed(finished_run, tiny_mars):
    """Six steps of 4 x 2 clips of 4 frames; eight clips of 4 frames of every test tracklet."""
    costs = Record.from_file(finished_run / "record.json").costs
    tracklets = len(Mars().read(tiny_mars).splits[0].test)
    assert (costs.train.frames, costs.embed.frames, costs.score.frames) == (6 * 8 * 4, tracklets * 8 * 4, 0)
    for cost in (costs.train, costs.embed):
        assert cost.frames_per_second == cost.frames / cost.seconds
    assert costs.score.frames_per_second is None
    assert costs.train.model_copy(update={"frames": None}).frames_per_second is None


def test_a_run_leaves_its_folder_and_the_same_command_reuses_it(cli, finished_run, finished, mean_pooling):
    folder, report = finished_run, finished
    assert str(folder) == report["run"]
    left = {path.name for path in folder.iterdir()} - {".lock"}
    assert left == {
        "SHA256SUMS",
        "record.json",
        "breakdown.json",
        "per_query.npz",
        "features.safetensors",
        "weights.safetensors",
        "stage-1.safetensors",
        "log.jsonl",
        "costs.json",
        "data.json",
        "plan.json",
        "pretraining.txt",
        "run.log",
    }
    assert set(report["conventions"]) == {"queries-in-gallery", "official", "torchreid"}
    before = (folder / "record.json").read_bytes()
    again = cli(*mean_pooling)
    assert again.exit_code == 0
    assert "its result is shown again" in again.stderr
    assert (folder / "record.json").read_bytes() == before


def test_the_record_tells_what_ran_and_on_what(finished):
    report = finished
    record = record_of(report)
    assert record.dataset.source == "synthetic"
    assert record.method.modified
    assert record.method.overrides == OVERRIDES
    assert record.method.recipe["matcher"]["options"]["metric"] == "euclidean"
    assert {p.distribution for p in record.method.providers} == {"vreid-bench"}
    assert record.budget.frames == 4 * 2 * 4
    assert record.disclosure.selected_on == "none"
    people = read_people([(RunDirectory(Path(report["run"])), record)])
    assert as_json(record, people)["conventions"] == report["conventions"]
    assert record.dataset.label == "synthetic"
    assert Path(report["run"]).name.startswith("mars@synthetic-mean-pooling-small-seed0-")
    assert record.environment.instruction_set == torch.backends.cpu.get_cpu_capability()
    assert record.environment.cpu


def test_the_record_has_the_curve_of_the_ranks_that_are_kept(finished):
    record = record_of(finished)
    kept = np.load(f"{finished['run']}/per_query.npz")
    for name, result in record.conventions.items():
        first = kept[f"{name}.first_rank"][~np.isnan(kept[f"{name}.ap"])]
        curve = [np.mean((first >= 0) & (first < rank)) for rank in range(1, 51)]
        np.testing.assert_allclose(result.cmc, curve)


def test_the_features_hold_the_scores(finished, tiny_mars):
    """Score the stored features again, with nothing of the harness but the index files."""
    from scipy.io import loadmat

    report = finished
    store = load_file(f"{report['run']}/features.safetensors")
    rows = loadmat(tiny_mars / "info/tracks_test_info.mat")["track_test_info"]
    query = loadmat(tiny_mars / "info/query_IDX.mat")["query_IDX"][0].astype(int) - 1
    assert store["counts"].tolist() == [1] * len(rows)  # `mean` represents a tracklet by one vector
    pid, cam, x = rows[:, 2], rows[:, 3], store["embedding"].astype(float)
    precisions = []
    for q in query:
        keep = ~((pid == pid[q]) & (cam == cam[q])) & (pid != -1)
        order = np.argsort(np.linalg.norm(x[keep] - x[q], axis=1), kind="stable")
        hits = np.flatnonzero(pid[keep][order] == pid[q]) + 1
        if len(hits):
            precisions.append(np.mean(np.arange(1, len(hits) + 1) / hits))
    found = report["conventions"]["queries-in-gallery"]
    assert found["queries"] == len(precisions)
    assert found["mAP"] == pytest.approx(np.mean(precisions), abs=1e-6)  # float32 distances may swap neighbours


def test_a_run_is_scored_again_from_its_store_and_its_rules_are_told_apart(cli, cli_json, finished):
    report = finished
    stored = cli_json("score", "--features", report["run"])
    assert stored["ties"] == report["ties"]
    again = stored["conventions"]
    for name, numbers in report["conventions"].items():
        for key, value in numbers.items():  # a record knows the people of its headline alone
            if again[name]["people"] == numbers["people"] or key not in ("people", "interval", "no_interval"):
                assert again[name][key] == value, (name, key)
    found = cli_json("conventions", "diff", report["run"])
    [precision, *_] = found["conventions"]["official"]
    numbers = report["conventions"]
    assert precision["rule"] == "average precision: step -> trapezoid"
    assert precision["mAP"] == pytest.approx(numbers["official"]["mAP"] - numbers["queries-in-gallery"]["mAP"])
    assert precision["R1"] == 0
    runs, name = os.path.split(report["run"])
    assert "queries in gallery: yes -> no" in cli("conventions", "diff", name, "--runs", runs).output
    missing = cli("conventions", "diff", "nothing", "--runs", runs)
    assert (missing.exit_code, "nothing: not a finished run" in missing.stderr) == (2, True)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(cli_json, finished, mean_pooling, tmp_path):
    second = cli_json(*mean_pooling, "--runs", tmp_path / "again")
    other = cli_json(*mean_pooling, "--seed", "1")
    features = [load_file(f"{r['run']}/features.safetensors")["embedding"] for r in (finished, second, other)]
    assert finished["conventions"] == second["conventions"]
    assert (features[0] == features[1]).all()
    assert (features[0] != features[2]).any()


def test_weights_are_evaluated_under_other_settings_without_training(cli, cli_json, finished, tiny_mars, tmp_path):
    trained = finished
    options = ("run", "--from", trained["run"], "--data", tiny_mars, "--runs", tmp_path)
    one_clip = cli_json(*options, "--set", "test.clips=1")
    record = record_of(one_clip)
    assert record.weights.origin == "record"
    assert record.costs.train is None
    assert record.method.overrides["test.clips"] == 1
    assert one_clip["conventions"] != trained["conventions"]
    other = cli_json(*options, "--protocol", "mars-occlusion")
    assert other["conditions"][0]["conventions"]["official"]["mAP"] == trained["conventions"]["official"]["mAP"]
    refused = cli("run", "--from", tmp_path / "nothing", "--data", tiny_mars)
    assert refused.exit_code == 2
    assert "not a finished run" in refused.stderr


def test_weights_that_are_not_their_records_are_refused(cli, cli_json, finished_run, mean_pooling, tiny_mars, tmp_path):
    trained = finished_run
    options = ("run", "--from", trained, "--data", tiny_mars, "--runs", tmp_path / "other", "--set", "test.clips=2")
    seed = cli(*options, "--seed", "5")
    assert (seed.exit_code, "seed 0; leave --plugin, --preset and --seed out" in seed.stderr) == (2, True)
    other = cli_json(*mean_pooling, "--seed", "1")
    weights = (trained / "weights.safetensors").read_bytes()
    shutil.copy(Path(other["run"]) / "weights.safetensors", trained / "weights.safetensors")
    swapped = cli(*options)
    assert (swapped.exit_code, "its weights differ from those of its record" in swapped.stderr) == (2, True)
    (trained / "weights.safetensors").unlink()
    missing = cli(*options)
    assert (missing.exit_code, "weights.safetensors is missing" in missing.stderr) == (2, True)
    (trained / "weights.safetensors").write_bytes(weights)
    assert cli(*options).exit_code == 0


@pytest.mark.parametrize(
    ("file", "content"), [("costs.json", b'{"train": 3}'), ("costs.json", b'{"tra'), ("log.jsonl", b"null\n\xff\xfe")]
)
def test_a_damaged_file_that_decides_no_score_is_made_anew(cli, finished_run, mean_pooling, file, content):
    (finished_run / "record.json").unlink()
    (finished_run / file).write_bytes(content)
    result = cli(*mean_pooling)
    assert result.exit_code == 0, result.output


BEHIND = {  # what is missing so that the run has to look at the file
    "record.json": [],
    "per_query.npz": [],
    "breakdown.json": [],
    "SHA256SUMS": [],
    "features.safetensors": ["record.json"],
    "weights.safetensors": ["record.json", "features.safetensors"],
    "stage-1.safetensors": ["record.json", "features.safetensors", "weights.safetensors"],
    "checkpoint.safetensors": ["record.json", "features.safetensors", "weights.safetensors"],
}


def results_of(run):
    """The record and the arrays of the queries, without what differs between equal runs."""
    return {**json.loads((run / "record.json").read_text()), "created": "", "costs": {}}, read_npz(
        run / "per_query.npz"
    )


@pytest.mark.parametrize("cut", [True, False])
@pytest.mark.parametrize("file", BEHIND)
def test_what_changed_on_disk_is_told_and_computed_again(cli, finished_run, mean_pooling, file, cut):
    before, path = results_of(finished_run), finished_run / file
    if file == "checkpoint.safetensors":
        path.write_bytes((finished_run / "stage-1.safetensors").read_bytes())
    content = path.read_bytes()
    path.write_bytes(content[:-1] if cut else content[:-1] + bytes([content[-1] ^ 1]))
    for name in BEHIND[file]:
        (finished_run / name).unlink()
    result = cli(*mean_pooling)
    assert result.exit_code == 0, result.output
    told = f"{file}: is damaged" in result.stderr
    assert told == (cut is False or file != "SHA256SUMS")  # whose last line needs no end
    assert path.with_name(f"{file}.damaged").exists() == told
    np.testing.assert_equal(results_of(finished_run), before)


def test_a_folder_that_cannot_be_written_is_one_sentence(cli, mean_pooling, tmp_path):
    (tmp_path / "file").touch()
    result = cli(*mean_pooling, "--runs", tmp_path / "file", "-q")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "file" in result.stderr


def test_a_part_runs_in_the_baseline_and_says_so(cli_json, mean_pooling):
    record = record_of(cli_json(*("max" if word == "mean-pooling" else word for word in mean_pooling)))
    assert record.method.swapped == "aggregator max"
    assert record.method.modified
    assert record.method.recipe["encoder"]["name"] == "resnet"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--plugin", "mean-poling"), "did you mean mean-pooling"),
        (("--plugin", "mean-pooling", "--protocol", "marz"), "no protocol is named 'marz'; did you mean mars"),
        ((), "--plugin is missing"),
        (("--plugin", "mean-pooling", "--set", "marign=1"), "no setting 'marign'"),
        (("--plugin", "mean-pooling", "--set", "encoder.depth=9"), "depth must be"),
        (("--plugin", "mean-pooling", "--set", "sampler=denze"), "write one of"),
        (("--plugin", "mean-pooling", "--set", "test.sampler=denze"), "denze"),
        (("--plugin", "mean-pooling", "--device", "cuda:77"), "cannot use it"),
        (("--plugin", "mean-pooling", "--device", "meta"), "cannot use it"),
        (
            ("--plugin", "mean-pooling", "--set", "schedule.kind=foo"),
            "stages.0.schedule.kind is 'foo', expected one of constant",
        ),
        (("--plugin", "mean-pooling", "--set", "schedule.every=0"), "stages.0.schedule.every is 0"),
        (("--plugin", "mean-pooling", "--set", "schedule.rate=fast"), "expected float"),
        (("--plugin", "mean-pooling", "--set", "schedule.rate=NaN"), "expected a finite number"),
        (("--plugin", "mean-pooling", "--set", "optimizer.name=Foo"), "expected one of Adam"),
        (("--plugin", "mean-pooling", "--set", "weight_decay=-1"), "optimizer Adam does not accept its options"),
        (("--plugin", "mean-pooling", "--set", "stages.0.P=0"), "recipe: stages.0.P is 0"),
        (("--plugin", "mean-pooling", "--set", "size=[64]"), "size is (64,)"),
        (("--plugin", "mean-pooling", "--set", 'size=["a",2]'), "size is ('a', 2)"),
        (("--plugin", "mean-pooling", "--set", 'stages.0.freeze=["encoder.nope"]'), "no parameter is named"),
        (
            ("--plugin", "mean-pooling", "--set", "smoothing=x"),
            "loss 'cross-entropy' of vreid-bench takes a number, found 'x'",
        ),
        (("--plugin", "clip-learned", "--rerank", "average-query-expansion"), "there are only distances here"),
        (("--plugin", "mean-pooling", "--rerank", "average-query-expansion"), "must be cosine, not euclidean"),
        (("--plugin", "clip-learned", "--protocol", "mars-tracklet-selection"), "tracklet selection needs one vector"),
    ],
)
def test_a_mistake_is_one_sentence_and_leaves_nothing(cli, tiny_mars, tmp_path, arguments, message):
    result = cli("run", "-q", "--data", tiny_mars, "--preset", "small", "--runs", tmp_path / "runs", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert not list(tmp_path.glob("runs/*"))


def test_a_missing_data_folder_is_named(cli, tmp_path):
    result = cli("run", "--plugin", "mean-pooling", "--preset", "small", "--data", tmp_path / "nowhere")
    assert (result.exit_code, "nowhere: no such folder" in result.stderr) == (2, True)


@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "changed"])
def test_a_broken_frame_stops_the_run_with_its_name(cli, mean_pooling, tiny_mars, tmp_path, damage):
    root = tmp_path / "mars"
    shutil.copytree(tiny_mars, root, copy_function=os.link)
    frame = sorted(root.glob("bbox_test/0*/*.jpg"))[40]
    content = frame.read_bytes()
    frame.unlink()  # it is the same file as in tiny_mars
    if damage != "missing":
        frame.write_bytes({"empty": b"", "truncated": content[:200], "changed": content[:200] + content[-2:]}[damage])
    arguments = [root if a == tiny_mars else a for a in mean_pooling]
    # every test frame is looked at
    result = cli(*arguments, "--set", "test.sampler=all", "--set", "test.T=0", "--set", "test.clips=1")
    assert result.exit_code == 2
    assert frame.name in result.stderr
    assert not list(tmp_path.glob("*/record.json"))
    # a change within a frame is told where it is decoded, every other fault before anything trains
    assert bool(list(tmp_path.glob("*/weights.safetensors"))) == (damage == "changed")
    if damage in ("empty", "truncated"):
        assert f"run `vreid-bench data verify mars --data {root} --decode`" in result.stderr
    verified = cli("data", "verify", "mars", "--data", root, "--decode")
    assert verified.exit_code == 2
    assert frame.name in verified.stdout


def test_a_diverging_loss_exits_with_one(cli, mean_pooling):
    result = cli(*mean_pooling, "--set", "stages.0.schedule.kind=constant", "--set", "stages.0.schedule.rate=1e30")
    assert result.exit_code == 1
    assert "the loss is" in result.stderr or "not finite" in result.stderr


def test_a_run_killed_at_random_moments_ends_in_the_same_numbers(fork, cli_json, mean_pooling, tmp_path):
    """SIGKILL, as an out-of-memory killer would, then the same command again, until it is done."""
    steps = ("--set", "stages.0.steps=80", "--set", "stages.0.P=2")
    whole = cli_json(*mean_pooling, *steps, "--runs", tmp_path / "whole")
    moments = random.Random(0)
    resumed_at = []
    for _ in range(2):
        process = fork(*mean_pooling, *steps, "--quiet", "--checkpoint-every", "0", cwd=tmp_path)
        checkpoint = wait_for(tmp_path, "mars@*/checkpoint.safetensors", process)
        time.sleep(moments.uniform(0.0, 0.2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        resumed_at.append(json.loads(safe_open(checkpoint, "np").metadata()["position"])[1])
    resumed = cli_json(*mean_pooling, *steps)
    assert 0 < resumed_at[0] < resumed_at[-1]  # each process went on where the one before it was killed
    assert resumed["conventions"] == whole["conventions"]
    one, two = (load_file(f"{r['run']}/weights.safetensors") for r in (whole, resumed))
    assert all((one[name] == two[name]).all() for name in one)


def wait_for(folder, pattern, process):
    """The first file of that pattern, once it is newer than the process."""
    began = time.time()
    while process.poll() is None:
        for path in folder.glob(pattern):
            if path.stat().st_mtime >= began:
                return path
        time.sleep(0.01)
    raise AssertionError(process.communicate()[1])


def test_two_processes_do_not_share_a_run(cli, finished_run, mean_pooling):
    with open(finished_run / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        taken = cli(*mean_pooling)
    assert taken.exit_code == 2
    assert "another process is working on this run" in taken.stderr


def test_a_folder_of_runs_whose_name_is_not_utf8_is_refused_before_training(cli, mean_pooling, tmp_path):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    result = cli(*mean_pooling, "--runs", folder)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].endswith("expected a name in UTF-8; name another folder of runs with --runs")
    assert not folder.exists()


def test_listing_is_json_with_distribution_and_version(cli_json):
    rows = cli_json("list")
    keys = {"kind", "name", "summary", "distribution", "version"}
    assert all(row.keys() == keys | ({"description"} if row["kind"] == "datasets" else set()) for row in rows)
    assert {"mars", "mars-dev"} <= {row["name"] for row in rows if row["kind"] == "protocols"}
    only = cli_json("list", "methods")
    assert {row["kind"] for row in only} == {"methods"}
    assert {"image-baseline", "image-averaged", "mean-pooling", "personvlad"} <= {row["name"] for row in only}
    assert all(row["summary"] for row in rows)


@pytest.mark.slow
def test_synthesize_then_verify(cli, cli_json, tmp_path):
    root = tmp_path / "mars"
    made = cli("data", "synthesize", root, "--layout", "mars", "--ids", "4", "--cameras", "3", "--size", "32x16")
    assert made.exit_code == 0, made.output
    assert json.loads((root / "synthetic.json").read_text())["layout"] == "mars"
    report = cli_json("data", "verify", "mars", "--data", root, "--decode")
    assert (report["source"], report["problems"]) == ("synthetic", [])
    refused = cli("data", "synthesize", root)
    assert refused.exit_code == 2
    assert str(root) in refused.stderr


def test_doctor_names_versions_device_and_kernels(cli_json, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    found = cli_json("doctor", "--canary", "none")
    assert found["processor"].endswith(", 1 core for this process (OMP_NUM_THREADS=1)")
    assert {"python", "torch", "numpy", "vreid-bench", "device", "kernels", "plugins", "cache"} <= set(found)


def test_doctor_fails_if_a_plugin_cannot_be_used(cli, monkeypatch):
    monkeypatch.setenv("VREID_PLUGINS", "nowhere")
    result = cli("doctor", "--canary", "none", "--json")
    assert (result.exit_code, json.loads(result.stdout)["plugins"].startswith("error: ")) == (1, True)


@pytest.mark.parametrize(
    "command", [[], ["run"], ["list"], ["data", "synthesize"], ["data", "verify"], ["leaderboard"], ["doctor"]]
)
def test_every_help_shows_an_example(cli, command):
    result = cli(*command, "--help")
    assert result.exit_code == 0
    assert "vreid-bench " + " ".join(command) in " ".join(result.stdout.split("Usage:", 1)[1].split("\n", 1)[1].split())


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["leaderboard", "--check"]])
def test_help_and_leaderboard_import_neither_torch_nor_plugins(arguments, tmp_path):
    code = (
        "import sys; from vreid_bench.cli.main import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "print([m for m in ('torch', 'vreid_plugins') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_pairs_of_clips_are_re_ranked(cli_json, tiny_shelf, tmp_path, monkeypatch):
    monkeypatch.setenv("VREID_DATA", str(tiny_shelf))
    method = Registry.installed().entry("methods", "clip-learned").build_method("small")
    plain = cli_json("run", "-q", "--plugin", "clip-learned", "--preset", "small", "--runs", tmp_path, *shorten(method))
    again = cli_json("run", "-q", "--from", plain["run"], "--runs", tmp_path, "--rerank", "zhong:k1=5,k2=3")
    record = record_of(again)
    assert record.disclosure.reranking == "zhong k1=5 k2=3 share=0.3"
    assert record.reranked_by
    assert record.weights.sha256 == record_of(plain).weights.sha256
    assert again["conventions"] != plain["conventions"]
