"""Checkpoints of CAL against a restatement on their state dict, with the clips of its published test."""

import checkpoint_files
import checkpoint_forward
import numpy as np
import pytest
import torch
from checkpoint_files import AP3D_NON_LOCAL, C2D
from checkpoint_models import load_model
from forms import CHECKPOINTS

from vreid_bench import InputError
from vreid_bench.modeling.clips import clip_indices
from vreid_plugins.checkpoints.cal import FAMILY, TEST


def published_clips(length, frames=8, stride=4):
    """Rows of the frames of each clip: every fourth of 32, then of what is left, then the rest in a circle."""
    clips, begin = [], 0
    for span in (stride, length % (frames * stride) // frames):
        while span and length - begin >= frames * span:
            clips += [begin + offset + span * np.arange(frames) for offset in range(span)]
            begin += frames * span
    rest = np.arange(begin, length)
    return clips + ([np.resize(rest, frames)] if rest.size else [])


@pytest.mark.parametrize("length", [1, 5, 8, 13, 31, 32, 33, 47, 64, 100])
def test_the_clips_have_the_mean_of_the_published_ones_where_frames_are_alone(length):
    random = np.random.default_rng(length)
    each = random.standard_normal(length)
    published = np.mean([each[clip].mean() for clip in published_clips(length)])
    ours = np.mean([each[clip].mean() for clip in clip_indices(TEST, length, None)])
    assert ours == pytest.approx(published, abs=1e-12)


@pytest.mark.slow
def test_features_are_what_the_layers_say(tmp_path):
    path = CHECKPOINTS["CAL"].write(tmp_path)
    model, method = load_model("cal", path, "size=64x32")
    assert tuple(method.encoder.options["layers"]) == C2D
    state = checkpoint_files.ap3d(plan=C2D)
    clips = torch.rand(2, 8, 3, 64, 32, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([checkpoint_forward.ap3d(state, clip) for clip in clips])
    with torch.inference_mode():
        found = model.features(clips.double()).embedding
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"layer2.2.theta.weight": (256, 512, 1, 1, 1)}, "frames see each other in this network"),
        ({"conv1.weight": (64, 3, 7, 7)}, r"conv1.weight is \[64, 3, 7, 7\], expected convolutions over clips"),
    ],
)
def test_another_network_is_refused(change, words):
    names = dict.fromkeys(FAMILY.signs[0], (1, 1, 1, 1, 1))
    with pytest.raises(InputError, match=words):
        FAMILY.read(names | change)


def test_files_of_ap3d_are_not_taken_for_it():
    assert AP3D_NON_LOCAL[1].startswith("a")  # so that layer2.0.conv2 has no weight of its own
    assert (
        FAMILY.count_signs({"conv1.weight": (), "layer2.0.conv2.APM.semantic_mapping.weight": (), "bn.weight": ()}) == 0
    )
