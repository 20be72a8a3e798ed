"""A run that runs out of memory says so, with the batch and what to set; the plugin is not blamed."""

import pytest
import torch
from short_run import SHORT

from vreid_bench.modeling.model import Model
from vreid_plugins.encoders import resnet

CUDA = "CUDA out of memory. Tried to allocate 2.50 GiB."


@pytest.fixture
def run(cli, tiny_mars, tmp_path):
    def call():
        result = cli("run", "--plugin", "mean-pooling", "--data", tiny_mars, "--runs", tmp_path, *SHORT, "-q")
        assert "resnet" not in result.stderr
        assert result.stderr.count("\n") == 1
        return result.exit_code, result.stderr

    return call


def test_a_step_of_training_names_its_batch(run, monkeypatch):
    forward, calls = resnet.Resnet.forward, []

    def fail(self, clips):
        if torch.is_grad_enabled() and len(clips) == 8:  # a batch, not the trials before it
            calls.append(len(clips))
            if len(calls) == 3:
                raise torch.OutOfMemoryError(CUDA)
        return forward(self, clips)

    monkeypatch.setattr(resnet.Resnet, "forward", fail)
    code, told = run()
    assert code == 1
    assert told.startswith(
        "failed: out of memory (2.50 GiB more were needed) on cpu in stage 1, step 2 of training (P = 4 "
    )
    assert "P = 4 people, K = 2 tracklets each, " in told
    assert "frames of 32 x 16 pixels); lower stages.0.P, stages.0.K, stages.0.clipping.T or size with --set" in told


def test_embedding_names_its_frames(run, monkeypatch):
    def fail(self, clips):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 4096 bytes.")

    monkeypatch.setattr(Model, "features", fail)
    code, told = run()
    assert code == 1
    assert "out of memory (4096 bytes more were needed) on cpu in embedding, up to 512 frames of 32 x 16 pixels" in told
    assert "lower test.clips, test.T or size with --set, or use --preset small\n" in told


def test_anything_else_says_what_it_can(run, monkeypatch):
    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr("vreid_bench.planning.plan.add_content", fail)
    code, told = run()
    assert code == 1
    assert told.startswith("failed: out of memory: end other programs, or use less data or a smaller --preset;")
