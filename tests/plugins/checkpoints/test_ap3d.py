"""Checkpoints of AP3D against a restatement on their state dicts, which aligns frames place by place."""

import checkpoint_files
import checkpoint_forward
import pytest
import torch
from checkpoint_files import AP3D, AP3D_NON_LOCAL, State
from checkpoint_models import check_features, draw_clips, load_model

from vreid_bench import InputError
from vreid_plugins.checkpoints.ap3d import FAMILY, AlignedConv, Ap3dResnet, NonLocal


@pytest.mark.slow
@pytest.mark.parametrize("plan", [AP3D, AP3D_NON_LOCAL])
def test_features_are_what_the_layers_say(tmp_path, plan):
    """Five frames in chunks of three: the last chunk is shorter, as in the published test over all frames."""
    state = checkpoint_files.ap3d(plan=plan)
    checkpoint_files.save_as_torchreid(tmp_path / "checkpoint_ep240.pth.tar", state)
    settings = ("size=64x32", "encoder.chunk=3")
    model, method = load_model("ap3d", tmp_path / "checkpoint_ep240.pth.tar", *settings)
    clips = draw_clips(2, 5, (64, 32))
    expected = torch.stack([checkpoint_forward.ap3d(state, clip, chunk=3) for clip in clips])
    check_features(model, clips, expected)
    assert tuple(method.encoder.options["layers"]) == plan


@pytest.mark.parametrize("frames", [1, 2, 4])
def test_aligned_convolution_is_aligned_place_by_place(frames):
    state = State()
    for part in ("semantic_mapping", "x_mapping", "n_mapping"):
        state.conv(f"at.conv2.APM.{part}", 2, 32, 1, 1, 1)
    state.conv("at.conv2.APM.contrastive_att_net.0", 1, 2, 1, 1, 1)
    state.conv("at.conv2.spatial_conv3d", 32, 32, 1, 3, 3)
    state.conv("at.conv2.temporal_conv3d", 32, 32, 3, 1, 1)
    layer = AlignedConv(32, stride=1)
    layer.load_state_dict({name.removeprefix("at.conv2."): value for name, value in state.items()})
    s = checkpoint_forward.doubled(state)
    x = torch.randn(1, 32, frames, 4, 2, dtype=torch.float64)
    y = torch.nn.functional.conv3d(x, s["at.conv2.spatial_conv3d.weight"], padding=(0, 1, 1))
    align = checkpoint_forward.align
    triples = [f for t in range(frames) for f in (align(s, "at", y, t, -1), y[0, :, t], align(s, "at", y, t, 1))]
    kernel = s["at.conv2.temporal_conv3d.weight"]
    expected = y + torch.nn.functional.conv3d(torch.stack(triples, 1)[None], kernel, stride=(3, 1, 1))
    with torch.inference_mode():
        torch.testing.assert_close(layer.double()(x), expected)


def test_a_non_local_block_weighs_all_places_of_all_frames():
    state = State()
    for part in ("g.0", "phi.0", "theta"):
        state.conv(f"at.{part}", 4, 8, 1, 1, 1, bias=True)
    state.conv("at.W.0", 8, 4, 1, 1, 1, bias=True)
    state.norm("at.W.1", 8)
    layer = NonLocal(8)
    layer.load_state_dict({name.removeprefix("at."): value for name, value in state.items()})
    x = torch.randn(1, 8, 3, 4, 2, dtype=torch.float64)
    with torch.inference_mode():
        found = layer.double().eval()(x)
    torch.testing.assert_close(found, checkpoint_forward.non_local(checkpoint_forward.doubled(state), "at", x))


def test_the_published_test_takes_all_frames_and_the_cosine():
    state = checkpoint_files.ap3d(plan=AP3D_NON_LOCAL)
    found = FAMILY.read({name: tuple(value.shape) for name, value in state.items()})
    method = found.method
    assert method.encoder.options["layers"] == AP3D_NON_LOCAL
    assert (method.test.sampler, method.size, method.matcher.options) == ("all", (256, 128), {"metric": "cosine"})
    assert found.rename("bn.weight") == "aggregator.bn.weight"
    assert found.rename("bn1.weight") == "encoder.bn1.weight"
    assert found.rename("classifier.weight") is None


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="four texts of c, a and n"):
        Ap3dResnet(layers=("ccc", "nac", "c", "c"))
    with pytest.raises(InputError, match="chunk must be at least 1"):
        Ap3dResnet(chunk=0)
