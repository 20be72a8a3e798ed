"""Runs that begin from published weights: what they print and record, and how they are resumed and tested again."""

import hashlib
from pathlib import Path

import published_files
import pytest
import torch
from safetensors.torch import load_file
from short_run import SHORT, record_of

from vreid_bench.records.note import MADE_BY, read_note
from vreid_bench.records.planned_run import read_planned_run
from vreid_plugins.encoders import resnet


class Runs:
    """Runs that train next to nothing, so that their weights stay what they began from, and two files for them."""

    def __init__(self, folder, data):
        self.data = ("--data", str(data), "--runs", str(folder))
        still = ("--set", "stages.0.steps=2", "--set", "schedule.rate=1e-12")
        self.random = ("run", "--plugin", "mean-pooling", *self.data, *SHORT, *still, "--from-scratch")
        self.plain = self.random[:-1]
        self.files = [folder / "first.pth", folder / "second.pth"]
        torch.manual_seed(7)
        for file in self.files:  # in torchvision's names
            weights = {n: v for n, v in resnet.Resnet(8).state_dict().items() if v.is_floating_point()}
            content = {name: torch.rand(value.shape) for name, value in weights.items()}
            torch.save({**content, "fc.weight": torch.rand(10, 64)}, file)
        self.first, self.second = ((*self.plain, "--weights", f"encoder={file}") for file in self.files)


@pytest.fixture(scope="module")
def runs(tiny_mars, tmp_path_factory):
    """Shared, since a run that was finished is found again."""
    return Runs(tmp_path_factory.mktemp("runs"), tiny_mars)


def weights_of(report):
    return Path(report["run"]) / "weights.safetensors"


def test_a_run_begins_from_the_file_and_its_record_says_so(cli, cli_json, runs, tmp_path):
    plain = cli_json(*runs.random)
    told = cli(*runs.first).stderr
    assert "first.pth" in told
    assert "left in the file, the classifier: 1 (fc.weight [10, 64])" in told
    assert "already trained" not in told  # from random weights it is another training
    reports = plain, first, second = (plain, cli_json(*runs.first), cli_json(*runs.second))
    assert len({report["run"] for report in reports}) == 3
    assert len({read_note(weights_of(report))[MADE_BY] for report in reports}) == 3

    kernel = "layer2.0.conv1.weight"
    for report, file in ((first, runs.files[0]), (second, runs.files[1])):
        trained = load_file(weights_of(report))[f"encoder.{kernel}"]
        torch.testing.assert_close(trained, torch.load(file)[kernel], rtol=0, atol=1e-9)

    record, entry = record_of(first), record_of(first).weights.pretrained["encoder"]
    assert (entry.file, entry.sha256) == ("first.pth", hashlib.sha256(runs.files[0].read_bytes()).hexdigest())
    assert entry.taken == entry.tensors == 45  # nine convolutions, each with the four of its normalisation
    assert record.disclosure.pretraining == f"encoder from {entry.words}"
    assert record.variant[-1] == f"encoder pre-trained: first.pth ({entry.sha256[:8]})"
    assert read_planned_run(Path(first["run"])).differs == record.variant  # what an unfinished one shows
    assert record_of(plain).weights.pretrained is None
    assert record_of(plain).disclosure.pretraining is None
    assert (Path(first["run"]) / "pretraining.txt").read_text().count("\n") == 3  # also: not the publisher's

    folder = tmp_path / "leaderboard"
    cli_json("leaderboard", "--dir", folder, "add", *(report["run"] for report in reports))
    page = (folder / "mars-synthetic.md").read_text()
    assert [page.count(file.name) for file in runs.files] == [2, 2]  # among the remarks and in the budget


def test_what_is_trained_already_from_the_same_file_is_found_again(cli, cli_json, runs):
    trained = cli_json(*runs.first)
    other = (*runs.first, "--set", "test.clips=2")
    assert f"copied from {trained['run']}" in cli(*other).stderr
    assert record_of(cli_json(*other)).weights == record_of(trained).weights


def test_a_run_from_pretrained_weights_tests_and_resumes_like_any_other(cli, cli_json, runs):
    trained = cli_json(*runs.first)
    options = ("run", "--from", trained["run"], *runs.data, "--set", "test.clips=1")
    tested, before = record_of(cli_json(*options)), record_of(trained)
    assert tested.weights.pretrained == before.weights.pretrained
    assert tested.disclosure.pretraining == before.disclosure.pretraining
    assert sum("first.pth" in word for word in tested.variant) == 1
    refused = cli(*options, "--weights", f"encoder={runs.files[0]}")
    assert (refused.exit_code, "--from does not train" in refused.stderr) == (2, True)

    (Path(trained["run"]) / "record.json").unlink()  # as if it had been interrupted behind the training
    resumed = record_of(cli_json(*runs.first))
    assert resumed.weights == before.weights
    assert resumed.people == before.people


def test_weights_that_do_not_fit_stop_the_run_before_it_begins(cli, runs, tmp_path):
    file = tmp_path / "resnet50.pth"
    shapes = published_files.torchvision_resnet50()
    torch.save({name: torch.zeros(()).expand(shape) for name, shape in shapes.items()}, file)
    result = cli(*runs.plain, "--runs", tmp_path, "--weights", f"encoder={file}")
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert "of the 45 tensors of encoder resnet" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["resnet50.pth"]


def test_a_part_behind_the_encoder_begins_from_its_own_file(cli, cli_json, runs, tmp_path):
    """The head of C3D, from a file with the published names that has the encoder's first layer as well."""
    torch.manual_seed(1)
    shapes = {"conv1.weight": (8, 3, 3, 3, 3), "fc6.weight": (512, 1024), "fc6.bias": (512,), "fc7.weight": (512, 512)}
    content = {name: torch.rand(shape) for name, shape in shapes.items()}
    torch.save(content, tmp_path / "c3d.pickle")
    command = ["c3d-baseline" if word == "mean-pooling" else word for word in runs.plain]
    command += ["--set", "test.step=0"]  # it takes no step with these clips
    both = [f"--weights={part}={tmp_path / 'c3d.pickle'}" for part in ("aggregator", "encoder")]
    report = cli_json(*command, *both)
    trained, record = load_file(weights_of(report)), record_of(report)
    for name, tensor in content.items():
        part = "encoder" if name.startswith("conv") else "aggregator"
        torch.testing.assert_close(trained[f"{part}.{name}"], tensor, rtol=0, atol=1e-9)
    taken = {part: entry.taken for part, entry in record.weights.pretrained.items()}
    assert taken == {"encoder": 1, "aggregator": 3}
    assert record.disclosure.pretraining.startswith("encoder from c3d.pickle (sha256 ")
    assert "; aggregator from c3d.pickle (sha256 " in record.disclosure.pretraining
    assert [words.partition(":")[0] for words in record.variant[-2:]] == [
        "encoder pre-trained",
        "aggregator pre-trained",
    ]
    said = (Path(report["run"]) / "pretraining.txt").read_text()
    assert (
        "left in the file, of another part: 3 (fc6.weight [512, 1024], fc6.bias [512], fc7.weight [512, 512])" in said
    )
    assert "not in the file: 1 (fc7.bias [512])" in said


PAPER = ("--preset", "paper", "--set", "encoder.depth=8", *SHORT[2:])  # the recipe as printed, on a small network


def test_a_paper_is_not_trained_without_its_weights_unless_from_scratch(cli, cli_json, runs, tmp_path):
    command = ("run", "--plugin", "mean-pooling", *runs.data, *PAPER, "--runs", tmp_path / "runs", "--yes")
    refused = cli(*command)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1), refused.output
    assert "resnet50-0676ba61.pth" in refused.stderr
    assert "--weights encoder=FILE" in refused.stderr
    assert not (tmp_path / "runs").exists()

    scratch, begun = cli_json(*command, "--from-scratch"), cli_json(*command, f"--weights=encoder={runs.files[0]}")
    assert record_of(begun).weights.pretrained["encoder"].taken == 45
    assert "from-scratch" not in record_of(begun).method.overrides
    record = record_of(scratch)
    assert 'from-scratch=["encoder"]' in record.variant
    assert (record.method.modified, record.weights.pretrained, record.disclosure.pretraining) == (True, None, None)
    again = cli_json("run", "--from", scratch["run"], *runs.data, "--set", "test.clips=1")
    assert 'from-scratch=["encoder"]' in record_of(again).variant
    cli_json("leaderboard", "--dir", tmp_path / "board", "add", scratch["run"])
    assert "from-scratch=" in (tmp_path / "board" / "mars-synthetic.md").read_text()
