"""Checkpoints of CLIP-ReID, VSLA-CLIP and TF-CLIP against a restatement on their state dicts, and against timm."""

import checkpoint_files
import checkpoint_forward
import pytest
import torch
from checkpoint_forward import IMAGENET, SYMMETRIC
from checkpoint_models import check_features, draw_clips, load_model, open_file

from vreid_bench import Clipping, InputError
from vreid_plugins.checkpoints.clip_vit import ClipVit, QuickGELU, describe_vit

SIZE = (256, 128)


def save(folder, state):
    torch.save(state, folder / "model.pth")
    return folder / "model.pth"


@pytest.mark.parametrize(("patches", "stride"), [(128, 16), (210, 12)])
def test_clip_reid_computes_what_its_layers_say(tmp_path, patches, stride):
    """Two heads and two layers; patches that overlap are told by the position embedding."""
    state = checkpoint_files.clip_reid(width=128, patches=patches)
    model, method = load_model("clip-reid", save(tmp_path, state))
    clips = draw_clips(2, 2, SIZE)
    expected = torch.stack([checkpoint_forward.clip_feature(state, clip, SYMMETRIC, stride) for clip in clips])
    check_features(model, clips, expected)
    assert (method.encoder.options["stride"], method.size, method.test) == (stride, SIZE, Clipping("dense", T=1))


def test_vsla_clip_computes_what_its_layers_say(tmp_path):
    """Its adapters let the frames of a clip see each other; colours are those of ImageNet."""
    state = checkpoint_files.clip_reid(width=64, narrow=128)
    model, method = load_model("vsla-clip", save(tmp_path, state))
    clips = draw_clips(2, 3, SIZE)
    expected = torch.stack([checkpoint_forward.clip_feature(state, clip, IMAGENET) for clip in clips])
    check_features(model, clips, expected)
    assert method.test == Clipping("restricted-random", T=8)
    assert method.encoder.options["narrow"] == 128


def test_tf_clip_computes_what_its_layers_say(tmp_path):
    state = checkpoint_files.tf_clip(width=64)
    model, method = load_model("tf-clip", save(tmp_path, state))
    clips = draw_clips(2, 3, SIZE)
    expected = torch.stack([checkpoint_forward.tf_clip_feature(state, clip) for clip in clips])
    check_features(model, clips, expected)
    assert (method.test, method.size) == (Clipping("dense", T=8), SIZE)
    assert expected.shape[1] == 64 + 32 + 64


@pytest.mark.parametrize(
    ("family", "make"), [("clip-reid", checkpoint_files.clip_reid), ("tf-clip", checkpoint_files.tf_clip)]
)
def test_the_embedding_of_the_camera_is_left_out_and_the_record_says_so(tmp_path, family, make):
    _, weights = open_file(family, save(tmp_path, make(cameras=6)))
    assert "cv_embed" in weights.left
    assert "the embedding of the camera is left out" in weights.disclosure


def test_heads_prompts_and_the_text_encoder_stay_in_the_file(tmp_path):
    state = checkpoint_files.clip_reid()
    _, weights = open_file("clip-reid", save(tmp_path, state))
    image = {name for name in state if name.startswith("image_encoder.")}
    assert weights.taken == len(image)
    assert set(weights.left) == {name for name in state.keys() - image if state[name].is_floating_point()}
    assert "camera" not in weights.disclosure


def test_an_unknown_number_of_patches_is_told():
    shapes = {name: tuple(value.shape) for name, value in checkpoint_files.clip_reid(patches=77).items()}
    with pytest.raises(InputError, match="position embedding of 77 patches, expected that of frames of 256x128"):
        describe_vit(shapes)


def test_clips_resnet_is_refused():
    with pytest.raises(InputError, match="found CLIP's ResNet"):
        describe_vit({"image_encoder.attnpool.k_proj.weight": (2048, 2048)})


def test_frames_of_another_size_are_refused():
    encoder = ClipVit(width=64, layers=1)
    with pytest.raises(InputError, match="found frames of 32 patches, expected 128"):
        encoder(torch.rand(1, 1, 3, 128, 64))


@pytest.mark.slow
def test_a_whole_vit_b16_fits_and_computes_what_its_layers_say(tmp_path):
    state = checkpoint_files.clip_reid(width=768, layers=12, projection=512)
    model, method = load_model("clip-reid", save(tmp_path, state))
    assert (method.encoder.options["width"], method.encoder.options["layers"]) == (768, 12)
    parameters = sum(p.numel() for p in model.parameters())
    assert parameters == sum(v.numel() for n, v in state.items() if n.startswith("image_encoder."))
    assert parameters == 86_192_640 - (197 - 129) * 768  # the published number, for 224 x 224, without 68 positions
    clips = draw_clips(2, 1, SIZE)
    expected = torch.stack([checkpoint_forward.clip_feature(state, clip, SYMMETRIC) for clip in clips])
    check_features(model, clips, expected)


TIMM = {  # names of CLIP's encoder -> those of timm
    "conv1.": "patch_embed.proj.",
    "ln_pre.": "norm_pre.",
    "ln_post.": "norm.",
    "transformer.resblocks.": "blocks.",
    ".ln_1.": ".norm1.",
    ".ln_2.": ".norm2.",
    ".attn.in_proj_": ".attn.qkv.",
    ".attn.out_proj.": ".attn.proj.",
    ".mlp.c_fc.": ".mlp.fc1.",
    ".mlp.c_proj.": ".mlp.fc2.",
}


@pytest.mark.slow
def test_the_encoder_is_the_one_of_timm():
    """The tokens of timm's `vit_base_patch16_clip_224` for frames of 256 x 128, with CLIP's own activation."""
    timm = pytest.importorskip("timm", exc_type=(ImportError, RuntimeError))
    torch.manual_seed(0)
    ours = ClipVit(layers=2).eval()
    theirs = timm.create_model(
        "vit_base_patch16_clip_224", img_size=SIZE, depth=2, num_classes=0, act_layer=QuickGELU, pretrained=False
    ).eval()
    state = {}
    for name, value in ours.state_dict().items():
        for before, after in TIMM.items():
            name = name.replace(before, after)
        state[name] = value
    position, first = state.pop("positional_embedding"), state.pop("class_embedding")
    theirs.load_state_dict({**state, "pos_embed": position[None], "cls_token": first[None, None]})
    clips = draw_clips(1, 2, SIZE)
    with torch.inference_mode():
        expected = theirs.forward_features(clips[0] * 2 - 1)  # [T, L, D]
        torch.testing.assert_close(ours(clips)[0, :, :, 0], expected.transpose(1, 2), rtol=1e-4, atol=1e-4)
