"""`run --checkpoint`: from a file of another program to a record, on a small twin."""

import checkpoint_files
import onnx_files
import pytest
import torch
from short_run import record_of

TORCHREID = ("--set", "size=64x32", "--set", "test.T=4")


@pytest.fixture
def osnet(tmp_path):
    path = tmp_path / "osnet.pth.tar"
    checkpoint_files.save_as_torchreid(path, checkpoint_files.osnet())
    return path


@pytest.fixture
def run(tiny_mars, tmp_path):
    """The arguments of a run on the twin."""
    return lambda checkpoint, *more: ("run", "--checkpoint", checkpoint, "--data", tiny_mars, "--runs", tmp_path, *more)


@pytest.mark.slow
def test_a_checkpoint_is_tested_and_the_record_says_so(run, osnet, cli, cli_json, tmp_path):
    report = cli_json(*run(f"torchreid:{osnet}", *TORCHREID))
    record = record_of(report)
    assert (record.method.name, record.preset, record.weights.origin) == ("torchreid", "paper", "file")
    assert record.method.recipe["stages"] == []
    assert record.budget.steps == 0
    assert record.costs.train is None
    assert record.disclosure.pretraining.startswith("not trained here: 485 tensors of osnet.pth.tar")
    assert record.method.modified  # by --set
    assert any(words.startswith("weights from a file") for words in record.changes)
    folder = next(tmp_path.glob("mars@*"))
    assert "left in the file: 2 (classifier.weight" in (folder / "pretraining.txt").read_text()
    assert not list(folder.glob("stage-*"))
    again = cli(*run(f"torchreid:{osnet}", *TORCHREID))
    assert "its result is shown again" in again.stderr


@pytest.mark.slow
def test_other_weights_are_another_run(run, osnet, cli_json, tmp_path):
    first = cli_json(*run(f"torchreid:{osnet}", *TORCHREID))
    checkpoint_files.save_as_torchreid(osnet, checkpoint_files.osnet(seed=1))
    second = cli_json(*run(f"torchreid:{osnet}", *TORCHREID))
    assert first["run"] != second["run"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "make"),
    [
        ("clip-reid", checkpoint_files.clip_reid),
        ("vsla-clip", lambda: checkpoint_files.clip_reid(narrow=64)),
        ("tf-clip", checkpoint_files.tf_clip),
    ],
)
def test_families_of_clip_are_tested_without_the_camera(run, cli_json, tmp_path, family, make):
    torch.save(make(), tmp_path / "model.pth")
    record = record_of(
        cli_json(*run(f"{family}:{tmp_path / 'model.pth'}", "--set", "test.sampler=evenly", "--set", "test.T=2"))
    )
    assert record.method.name == family
    assert record.disclosure.camera_id_at_test is False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "make"), [("fast-reid", checkpoint_files.fast_reid), ("ap3d", checkpoint_files.ap3d)]
)
def test_families_of_resnet_are_tested(run, cli_json, tmp_path, family, make):
    state = make()
    torch.save({"model": state} if family == "fast-reid" else {"state_dict": state}, tmp_path / "model.pth")
    settings = ("size=32x16", "test.sampler=evenly", "test.T=2")
    options = [word for setting in settings for word in ("--set", setting)]
    record = record_of(cli_json(*run(f"{family}:{tmp_path / 'model.pth'}", *options)))
    assert (record.method.name, record.weights.origin) == (family, "file")


def save_onnx(folder):
    (folder / "a.onnx").write_bytes(onnx_files.network(onnx_files.draw_weights(), size=("height", "width")))
    return folder / "a.onnx"


def save(state, name="a.pt"):
    def write(folder):
        torch.save(state, folder / name)
        return folder / name

    return write


def save_roboflow(folder):
    state = checkpoint_files.osnet(people=None)
    return checkpoint_files.save_as_roboflow(folder / "reid", state, {"architecture": "osnet_x0_25"})


def save_buptcampus(folder):
    checkpoint_files.save_as_buptcampus(folder / "epoch99.pth", checkpoint_files.buptcampus())
    return folder / "epoch99.pth"


EVENLY = ("--set", "size=64x32", "--set", "test.sampler=evenly", "--set", "test.T=2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "write", "options"),
    [
        ("boxmot", save(checkpoint_files.mobilenetv2()), EVENLY),
        ("roboflow", save_roboflow, EVENLY),
        ("buptcampus", save_buptcampus, ("--set", "size=64x32")),
        ("onnx", save_onnx, EVENLY),
    ],
)
def test_families_of_frames_are_tested(run, cli_json, tmp_path, family, write, options):
    if family == "onnx":
        pytest.importorskip("onnxruntime")
    record = record_of(cli_json(*run(f"{family}:{write(tmp_path)}", *options)))
    assert (record.method.name, record.weights.origin) == (family, "file")
    assert record.disclosure.pretraining.startswith("not trained here: ")


def test_a_file_of_opengait_ends_the_command_and_says_what_to_do(run, cli, tmp_path):
    checkpoint_files.save_as_opengait(tmp_path / "GaitSet-80000.pt", {"Head.fc_bin": torch.zeros(2, 3, 4)})
    result = cli(*run(f"opengait:{tmp_path / 'GaitSet-80000.pt'}"))
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert "score them with `vreid-bench score`" in result.stderr
    assert not list(tmp_path.glob("mars*"))


@pytest.mark.slow
def test_from_and_dry_run_refer_to_the_file(run, osnet, cli, cli_json, tmp_path):
    report = cli_json(*run(f"torchreid:{osnet}", *TORCHREID))
    refused = cli("run", "--from", report["run"], "--runs", tmp_path)
    assert refused.exit_code == 2
    assert "name the file itself with --checkpoint" in refused.stderr
    dry = cli(*run(f"torchreid:{osnet}", "--dry-run"))
    assert dry.exit_code == 2
    assert "does not train" in dry.stderr


def test_what_does_not_fit_ends_the_command_and_leaves_no_folder(run, osnet, cli, tmp_path):
    result = cli(*run(f"fast-reid:{osnet}"))
    assert result.exit_code == 2
    assert "it looks like boxmot or torchreid" in result.stderr
    assert not list(tmp_path.glob("mars*"))


def test_families_are_listed(cli):
    listed = cli("list", "checkpoints")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "ap3d",
        "boxmot",
        "buptcampus",
        "cal",
        "clip-reid",
        "fast-reid",
        "onnx",
        "opengait",
        "roboflow",
        "tf-clip",
        "torchreid",
        "vsla-clip",
    ]
