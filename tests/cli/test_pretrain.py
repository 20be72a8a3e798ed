"""`pretrain`: an encoder trained on its own, the file that it leaves, and a method that begins from it."""

import hashlib
import json
from pathlib import Path

import pytest
from safetensors import safe_open
from short_run import SHORT, record_of

from vreid_bench import InputError, part
from vreid_bench.contracts import small_preset
from vreid_bench.modeling.pretrained import fit_file
from vreid_bench.modeling.weights_option import open_file
from vreid_bench.planning.pretraining import PretrainRequest, plan_pretraining
from vreid_bench.records.encoder_file import hash_tensors
from vreid_bench.records.encoder_note import read_encoder_note
from vreid_bench.records.record import Record
from vreid_bench.records.tensors import pack_tensors, unpack_tensors
from vreid_bench.registry.plugins import choose_installed
from vreid_bench.registry.registry import Registry
from vreid_bench.training.checkpoint import Checkpoints
from vreid_plugins.datasets.pretraining.reader import Pretraining
from vreid_plugins.encoders.resnet import Resnet

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def people(make_once):
    """Four people to train on and two others."""
    return make_once(
        "pretraining",
        lambda root: Pretraining().synthesize(root, ids=4, cameras=4, size=(32, 16), workers=1, progress=False),
    )


@pytest.fixture
def pretrain(cli, people, tmp_path):
    """Pre-train the encoder of `mean-pooling` for three steps; the file, the result and the folder of the runs."""

    def call(name="first", *options, method="mean-pooling"):
        runs, out = tmp_path / name, tmp_path / f"{name}.safetensors"
        common = ("--data", people, "--steps", 3, "--runs", runs, "--out", out, "--checkpoint-every", 0)
        return out, cli("pretrain", method, *common, *options), runs

    return call


def test_a_short_pretraining_repeats_its_first_checkpoint_and_all_that_follows(pretrain, monkeypatch):
    whole, done, _ = pretrain("whole")
    assert done.exit_code == 0, done.output
    first, save = [], Checkpoints.save

    def stop_after_the_first(self, *state):
        save(self, *state)
        first.append(hash_tensors(unpack_tensors(self.path)[0]))
        raise InputError("stopped")

    for name in ("stopped", "again"):
        with monkeypatch.context() as patch:
            patch.setattr(Checkpoints, "save", stop_after_the_first)
            out, stopped, _ = pretrain(name)
        assert (stopped.exit_code, stopped.stderr.endswith("error: stopped\n")) == (2, True), stopped.output
        assert not out.exists()
    assert first[0] == first[1]
    resumed, goes_on, _ = pretrain("stopped")
    assert "goes on at stage 1, step 1\n" in goes_on.stderr, goes_on.output
    assert resumed.read_bytes() == whole.read_bytes()
    other, _, _ = pretrain("other", "--seed", 1)
    assert read_encoder_note(other).content != read_encoder_note(whole).content


def test_the_file_has_the_encoder_alone_and_says_how_it_came_about(pretrain):
    out, done, runs = pretrain()
    assert done.exit_code == 0, done.output
    note = read_encoder_note(out)
    assert (note.name, note.options) == ("resnet", {"depth": 8, "last_stride": 2, "scale": "imagenet"})
    assert (note.seed, note.steps, note.protocol) == (0, 3, "pretraining")
    [folder] = runs.iterdir()
    record = Record.from_file(folder / "record.json")
    scores = record.conventions["torchreid"]
    assert (note.mAP, note.R1, note.code) == (scores.mAP, scores.R1, record.code.training)
    assert record.method.recipe["stages"][0]["losses"] == {"cross-entropy": 1.0}  # no loss of one competitor
    with safe_open(out, "np") as file, safe_open(folder / "weights.safetensors", "np") as trained:
        hasher = hashlib.sha256()
        for name in sorted(file.keys()):
            value = file.get_tensor(name)
            assert (value == trained.get_tensor(f"encoder.{name}")).all()
            hasher.update(f"{name} torch.{value.dtype} {list(value.shape)}\n".encode() + value.tobytes())
        left = {name for name in trained.keys() if name.startswith("encoder.")}  # noqa: SIM118 - not a mapping
        assert {f"encoder.{name}" for name in file.keys()} == {n for n in left if "num_batches" not in n}  # noqa: SIM118
    assert note.content == hasher.hexdigest()
    assert f"{out}: encoder resnet depth=8" in done.stdout
    assert f"mAP {100 * note.mAP:.1f}" in done.stdout


def test_a_method_begins_from_the_whole_file(pretrain, cli_json, tiny_mars, tmp_path):
    out, _, _ = pretrain()
    report = cli_json(
        *("run", "--plugin", "tacan-baseline", "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT),
        *("--weights", f"encoder={out}"),
    )
    entry = record_of(report).weights.pretrained["encoder"]
    assert entry.taken == entry.tensors == 45
    assert (entry.file, entry.names) == ("first.safetensors", "the encoder itself")
    assert (Path(report["run"]) / "pretraining.txt").read_text().count("\n") == 1  # nothing left, nothing missing


def test_a_method_may_begin_from_what_its_encoder_ships(pretrain, cli, cli_json, tiny_mars, tmp_path, monkeypatch):
    out, _, _ = pretrain()
    registry = Registry(each.load() for each in choose_installed(""))
    monkeypatch.setattr(Registry, "installed", lambda: registry)
    monkeypatch.setattr(small_preset, "BEGINS", ("encoder",))
    monkeypatch.setattr(Resnet, "shipped", (out,), raising=False)
    command = ("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path / "runs", *SHORT)
    begun, scratch = (record_of(cli_json(*command, *more)) for more in ((), ("--from-scratch",)))
    assert begun.weights.pretrained["encoder"].sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    assert not any("pre-trained" in word for word in begun.variant)  # it belongs to the method
    assert begun.disclosure.pretraining.startswith("encoder from first.safetensors")
    assert begun.method.from_scratch == ()
    assert (scratch.weights.pretrained, scratch.method.from_scratch) == (None, ("encoder",))
    assert begun.people != scratch.people
    assert "first.safetensors" in cli(*command, "--dry-run", "--seed", 3).stdout


def test_a_file_names_the_encoder_and_what_it_ships_is_written_first(pretrain, tmp_path):
    shallow = tmp_path / "shallow.py"
    shallow.write_text(SHALLOW)
    out, done, _ = pretrain("shipped", method=shallow)  # that is the name which the encoder ships
    assert done.exit_code == 0, done.output
    assert out == tmp_path / "shipped.safetensors"
    assert out.exists()
    again, repeated, _ = pretrain("shipped", method=f"{shallow}:shallow")
    assert (repeated.exit_code, again.read_bytes()) == (0, out.read_bytes()), repeated.output


def test_the_names_of_the_file_are_never_taken_for_published_ones(pretrain, tmp_path):
    """C3D converts a file of Caffe's, which has the same names."""
    out, _, _ = pretrain()
    registry = Registry.installed()
    encoder = registry.factory("encoders", registry.resolve("encoders", part("c3d", widths=(4, 4, 4, 4, 4))))()
    own = {name: value for name, value in encoder.state_dict().items() if value.is_floating_point()}
    path = tmp_path / "c3d.safetensors"
    path.write_bytes(pack_tensors(own, read_encoder_note(out).to_note()))
    taken = fit_file(open_file(f"encoder={path}"), "c3d", encoder, "encoder 'c3d'").taken
    assert all((taken[name] == value).all() for name, value in own.items())


def test_a_finished_pretraining_writes_its_file_again(pretrain):
    out, _, _ = pretrain()
    before = out.read_bytes()
    out.unlink()
    _, again, _ = pretrain()
    assert "its result is shown again" in again.stderr
    assert out.read_bytes() == before


def test_an_encoder_without_weights_is_refused_before_anything_is_done(pretrain):
    out, refused, runs = pretrain(method="hog3d-kissme")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "error: encoder 'hog3d' of vreid-bench has no weights to train; name a method whose encoder is a network\n"
    )
    assert not out.exists()
    assert not runs.exists()


def test_frames_and_clips_are_those_of_the_method():
    request = PretrainRequest("personvlad", protocol="pretraining", seed=2, steps=7)
    run = plan_pretraining(request, Registry.installed())
    settings = {path: json.loads(value) for path, _, value in (each.partition("=") for each in run.assignments)}
    assert settings["encoder"]["options"]["widths"] == [8, 16, 32, 32, 32]
    assert (settings["test.T"], settings["stages.0.clipping.T"], settings["size"]) == (8, 8, [64, 32])
    assert (run.name, run.seed, run.preset, settings["stages.0.steps"]) == ("mean-pooling", 2, "small", 7)


SHALLOW = '''
"""An encoder of one layer that ships the weights beside its file."""
from pathlib import Path
from torch import nn
from vreid_bench import hookimpl


class Shallow(nn.Module):
    shipped = (Path(__file__).with_name("shipped.safetensors"),)

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 4, 4)

    def forward(self, clips):
        return self.layer(clips.flatten(0, 1)).unflatten(0, clips.shape[:2])


@hookimpl
def vreid_encoders():
    return {"shallow": Shallow}
'''
