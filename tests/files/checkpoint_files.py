"""State dicts of other programs with random weights: their published names and shapes, written out from the lists."""

import collections
import json
import math

import numpy as np
import torch
from safetensors.torch import save_file


class State(dict):
    """Random tensors by name, in the order of the lists; values that keep activations near 1."""

    def __init__(self, seed=0):
        super().__init__()
        self.draws = torch.Generator().manual_seed(seed)

    def draw(self, name, *shape, scale=1.0, shift=0.0):
        self[name] = shift + scale * torch.randn(*shape, generator=self.draws)

    def conv(self, name, out, channels, *kernel, bias=False):
        self.draw(f"{name}.weight", out, channels, *kernel, scale=math.sqrt(2 / (channels * math.prod(kernel))))
        if bias:
            self.draw(f"{name}.bias", out, scale=0.1)

    def norm(self, name, width, running=True):
        self.draw(f"{name}.weight", width, scale=0.1, shift=1.0)
        self.draw(f"{name}.bias", width, scale=0.1)
        if running:
            self.draw(f"{name}.running_mean", width, scale=0.1)
            self[f"{name}.running_var"] = 0.5 + torch.rand(width, generator=self.draws)
            self[f"{name}.num_batches_tracked"] = torch.tensor(7)


def conv_block(state, name, out, inside, kernel=1, running=True):
    """torchreid's convolution and normalisation."""
    state.conv(f"{name}.conv", out, inside, kernel, kernel)
    state.norm(f"{name}.bn", out, running)


def omni_scale(state, at, inside, out, instance=False):
    """A block of OSNet."""

    def light(name, wide):
        state.conv(f"{name}.conv1", wide, wide, 1, 1)
        state.conv(f"{name}.conv2", wide, 1, 3, 3)
        state.norm(f"{name}.bn", wide)

    wide = out // 4
    conv_block(state, f"{at}.conv1", wide, inside)
    light(f"{at}.conv2a", wide)
    for letter, depth in (("b", 2), ("c", 3), ("d", 4)):
        for step in range(depth):
            light(f"{at}.conv2{letter}.{step}", wide)
    state.conv(f"{at}.gate.fc1", wide // 16, wide, 1, 1, bias=True)
    state.conv(f"{at}.gate.fc2", wide, wide // 16, 1, 1, bias=True)
    conv_block(state, f"{at}.conv3", out, wide)
    if inside != out:
        conv_block(state, f"{at}.downsample", out, inside)
    if instance:
        state.norm(f"{at}.IN", out, running=False)


def osnet(width=0.25, people=11, ibn=False, seed=0):
    """torchreid's `osnet_x0_25` and wider ones: stem, stages of two blocks, 512 numbers, and classes unless None."""
    state = State(seed)
    channels = [round(width * each) for each in (64, 256, 384, 512)]
    conv_block(state, "conv1", channels[0], 3, 7, running=not ibn)
    for stage in (2, 3, 4):
        before, after = channels[stage - 2], channels[stage - 1]
        for block in (0, 1):
            omni_scale(state, f"conv{stage}.{block}", after if block else before, after, ibn and stage == 2)
        if stage < 4:
            conv_block(state, f"conv{stage}.2.0", after, after)
    conv_block(state, "conv5", channels[3], channels[3])
    state.conv("fc.0", 512, channels[3], bias=True)
    state.norm("fc.1", 512)
    if people is not None:
        state.conv("classifier", people, 512, bias=True)
    return dict(state)


def light_mbn(people=11, seed=0):
    """boxmot's `lmbn_n`: OSNet up to its third stage, three branches, and seven heads."""
    state = State(seed)
    conv_block(state, "backbone.0", 64, 3, 7)
    omni_scale(state, "backbone.2.0", 64, 256)
    omni_scale(state, "backbone.2.1", 256, 256)
    conv_block(state, "backbone.2.2.0", 256, 256)
    omni_scale(state, "backbone.3", 256, 384)
    for branch in ("global_branch", "partial_branch", "channel_branch"):
        omni_scale(state, f"{branch}.0.1", 384, 384)
        conv_block(state, f"{branch}.0.2.0", 384, 384)
        omni_scale(state, f"{branch}.1.0", 384, 512)
        omni_scale(state, f"{branch}.1.1", 512, 512)
        conv_block(state, f"{branch}.2", 512, 512)
    for head in ("0", "1", "2", "3", "4", "ch_0", "ch_1"):
        if not head.startswith("ch"):
            state.conv(f"reduction_{head}.reduction", 512, 512, 1, 1)
        state.norm(f"reduction_{head}.bn", 512)
        state.conv(f"reduction_{head}.classifier", people, 512)
    state.conv("shared.0", 512, 256, 1, 1)
    state.norm("shared.1", 512)
    omni_scale(state, "batch_drop_block.drop_batch_bottleneck", 512, 512)
    return dict(state)


MOBILE = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))


def mobilenetv2(width=0.25, people=11, seed=0):
    """torchreid's `mobilenetv2_x1_0` and `x1_4`; or a narrower one."""
    state = State(seed)
    inside = int(32 * width)
    conv_block(state, "conv1", inside, 3, 3)
    for number, (expansion, channels, count) in enumerate(MOBILE, start=2):
        out = int(channels * width)
        for at in range(count):
            name, wide = f"conv{number}.{at}", expansion * inside
            conv_block(state, f"{name}.conv1", wide, inside)
            conv_block(state, f"{name}.dwconv2", wide, 1, 3)
            state.conv(f"{name}.conv3.0", out, wide, 1, 1)
            state.norm(f"{name}.conv3.1", out)
            inside = out
    last = int(1280 * width) if width > 1 else 1280
    conv_block(state, "conv9", last, inside)
    state.conv("classifier", people, last, bias=True)
    return dict(state)


def resnet50(prefix="", seed=0, ibn=False, time=False, plan=("ccc", "cccc", "cccccc", "ccc")):
    """ResNet-50 with torchvision's names; `plan`: `a` has AP3D's convolution, `n` is a non-local block between."""
    state = State(seed)
    kernel = (lambda *sides: (1, *sides)) if time else (lambda *sides: sides)
    state.conv(f"{prefix}conv1", 64, 3, *kernel(7, 7))
    state.norm(f"{prefix}bn1", 64)
    channels = 64
    for number, (width, letters) in enumerate(zip((64, 128, 256, 512), plan, strict=True), start=1):
        for at, letter in enumerate(letters):
            name = f"{prefix}layer{number}.{at}"
            if letter == "n":
                for part in ("g.0", "phi.0", "theta"):
                    state.conv(f"{name}.{part}", channels // 2, channels, 1, 1, 1, bias=True)
                state.conv(f"{name}.W.0", channels, channels // 2, 1, 1, 1, bias=True)
                state.norm(f"{name}.W.1", channels)
                continue
            state.conv(f"{name}.conv1", width, channels, *kernel(1, 1))
            if ibn and number < 4:
                state.norm(f"{name}.bn1.IN", width // 2, running=False)
                state.norm(f"{name}.bn1.BN", width // 2)
            else:
                state.norm(f"{name}.bn1", width)
            if letter == "a":
                for part in ("semantic_mapping", "x_mapping", "n_mapping"):
                    state.conv(f"{name}.conv2.APM.{part}", width // 16, width, 1, 1, 1)
                state.conv(f"{name}.conv2.APM.contrastive_att_net.0", 1, width // 16, 1, 1, 1)
                state.conv(f"{name}.conv2.spatial_conv3d", width, width, 1, 3, 3)
                state.conv(f"{name}.conv2.temporal_conv3d", width, width, 3, 1, 1)
            else:
                state.conv(f"{name}.conv2", width, width, *kernel(3, 3))
            state.norm(f"{name}.bn2", width)
            state.conv(f"{name}.conv3", 4 * width, width, *kernel(1, 1))
            state.norm(f"{name}.bn3", 4 * width)
            if at == 0:
                state.conv(f"{name}.downsample.0", 4 * width, channels, *kernel(1, 1))
                state.norm(f"{name}.downsample.1", 4 * width)
            channels = 4 * width
    return state


def torchreid_resnet50(people=11, seed=0, linear=False):
    """torchreid's `resnet50`, or `resnet50_fc512`."""
    state = resnet50(seed=seed)
    if linear:
        state.conv("fc.0", 512, 2048, bias=True)
        state.norm("fc.1", 512)
    state.conv("classifier", people, 512 if linear else 2048, bias=True)
    return dict(state)


def fast_reid(people=11, seed=0, ibn=False, non_local=False, learned=False):
    """`model_final.pth` of fast-reid: `backbone.` and `heads.`."""
    state = resnet50("backbone.", seed, ibn)
    if non_local:
        for number, count, channels in ((2, 2, 512), (3, 3, 1024)):
            for at in range(count):
                # their product of three grows with the cube of what comes in, so these are small
                name = f"backbone.NL_{number}.{at}"
                for part in ("g", "theta", "phi"):
                    state.draw(f"{name}.{part}.weight", 1, channels, 1, 1, scale=0.1 / channels)
                    state.draw(f"{name}.{part}.bias", 1, scale=0.5)
                state.conv(f"{name}.W.0", channels, 1, 1, 1, bias=True)
                state.norm(f"{name}.W.1", channels)
    if learned:
        state["heads.pool_layer.p"] = torch.tensor([2.5])
    state.norm("heads.bottleneck.0", 2048)
    state.draw("heads.weight", people, 2048, scale=0.01)
    return dict(state)


C2D = ("ccc", "cccc", "cccccc", "ccc")
AP3D = ("ccc", "acac", "acacac", "ccc")
AP3D_NON_LOCAL = ("ccc", "acnacn", "acnacnacn", "ccc")


def ap3d(people=11, seed=0, plan=AP3D):
    """AP3D's `ap3dres50`, or with `AP3D_NON_LOCAL` its `ap3dnlres50`."""
    state = resnet50(seed=seed, time=True, plan=plan)
    state.norm("bn", 2048)
    state.conv("classifier", people, 2048, bias=True)
    return dict(state)


def clip_encoder(state, width, layers, projection, patches, narrow=0):
    """`image_encoder` of the families of CLIP."""
    at = "image_encoder"
    state.draw(f"{at}.class_embedding", width, scale=0.3)
    state.draw(f"{at}.positional_embedding", patches + 1, width, scale=0.3)
    state.draw(f"{at}.proj", width, projection, scale=width**-0.5)
    state.conv(f"{at}.conv1", width, 3, 16, 16)
    state.norm(f"{at}.ln_pre", width, running=False)
    for layer in range(layers):
        name = f"{at}.transformer.resblocks.{layer}"
        block(state, name, width)
        if narrow:
            state.conv(f"{name}.dat.down", narrow, width, bias=True)
            state.conv(f"{name}.dat.up", width, narrow, bias=True)
            state.conv(f"{name}.dat_cross.down", narrow, width, bias=True)
            attention(state, f"{name}.dat_cross.temporal_block.temporal_attn", narrow)
            state.conv(f"{name}.dat_cross.up", width, narrow, bias=True)
    state.norm(f"{at}.ln_post", width, running=False)


def attention(state, name, width):
    state.draw(f"{name}.in_proj_weight", 3 * width, width, scale=width**-0.5)
    state.draw(f"{name}.in_proj_bias", 3 * width, scale=0.1)
    state.draw(f"{name}.out_proj.weight", width, width, scale=width**-0.5)
    state.draw(f"{name}.out_proj.bias", width, scale=0.1)


def block(state, name, width):
    attention(state, f"{name}.attn", width)
    state.norm(f"{name}.ln_1", width, running=False)
    state.conv(f"{name}.mlp.c_fc", 4 * width, width, bias=True)
    state.conv(f"{name}.mlp.c_proj", width, 4 * width, bias=True)
    state.norm(f"{name}.ln_2", width, running=False)


def clip_reid(width=64, layers=2, projection=32, patches=128, people=11, narrow=0, seed=0, cameras=0):
    """CLIP-ReID's state dict, or with `narrow` VSLA-CLIP's; the text encoder is a stub of its first names."""
    state = State(seed)
    state.conv("classifier", people, width)
    state.conv("classifier_proj", people, projection)
    state.norm("bottleneck", width)
    state.norm("bottleneck_proj", projection)
    clip_encoder(state, width, layers, projection, patches, narrow)
    if cameras:
        state.draw("cv_embed", cameras, width)
    state.draw("prompt_learner.cls_ctx", people, 4, 512)
    state.draw("text_encoder.positional_embedding", 77, 512)
    state.norm("text_encoder.ln_final", 512, running=False)
    return dict(state)


def tf_clip(width=64, layers=2, projection=32, patches=128, people=11, seed=0, cameras=6):
    """TF-CLIP's state dict; its sequence prompt is a stub of one name."""
    state = State(seed)
    for head, wide in (("2", width), ("_proj", projection), ("_proj_temp", width), ("_proj_temp2", width)):
        state.conv(f"classifier{head}", people, wide)
    for neck, wide in (("", width), ("_proj", projection), ("_proj_temp", width), ("_proj_temp2", width)):
        state.norm(f"bottleneck{neck}", wide)
    clip_encoder(state, width, layers, projection, patches)
    state.draw("cv_embed", cameras, width)
    state.draw("SSP.gamma", 512)
    name = "TMD.resblocks.0"
    state.conv(f"{name}.message_fc", width, width, bias=True)
    state.norm(f"{name}.message_ln", width, running=False)
    attention(state, f"{name}.message_attn", width)
    block(state, name, width)
    return dict(state)


def residual(state, prefix, counts, deep):
    """The four layers of a residual network with torchvision's names, of two or three convolutions in each block."""
    channels = 64
    for number, (width, count) in enumerate(zip((64, 128, 256, 512), counts, strict=True), start=1):
        out = 4 * width if deep else width
        for at in range(count):
            name = f"{prefix}layer{number}.{at}"
            shapes = [(width, channels, 1), (width, width, 3), (out, width, 1)]
            for step, (wide, inside, side) in enumerate(
                shapes if deep else [(width, channels, 3), (width, width, 3)], 1
            ):
                state.conv(f"{name}.conv{step}", wide, inside, side, side)
                state.norm(f"{name}.bn{step}", wide)
            if at == 0 and (number > 1 or deep):
                state.conv(f"{name}.downsample.0", out, channels, 1, 1)
                state.norm(f"{name}.downsample.1", out)
            channels = out


def buptcampus(counts=(1, 1, 1, 1), deep=False, people=11, seed=0):
    """BUPTCampus' baseline: a stem for each modality, and the shared network with a stem that nothing reads."""
    state = State(seed)
    for stem in ("shared_module.backbone.", "ir_module.", "rgb_module."):
        state.conv(f"{stem}conv1", 64, 3, 7, 7)
        state.norm(f"{stem}bn1", 64)
    residual(state, "shared_module.backbone.", counts, deep)
    width = 2048 if deep else 512
    state.conv("classifier.fc", people, width)
    state.norm("bottleneck.bn", width)
    return dict(state)


def save_as_torchreid(path, state):
    """As torchreid and AP3D save: the state dict beside an optimizer and a NumPy scalar, which torch alone refuses."""
    replicated = collections.OrderedDict((f"module.{name}", value) for name, value in state.items())
    optimizer = {"state": {}, "param_groups": [{"lr": 3e-4, "betas": (0.9, 0.99), "params": [0, 1]}]}
    rank1 = np.float64(0.87)
    torch.save({"state_dict": replicated, "epoch": 60, "rank1": rank1, "optimizer": optimizer}, path)


def save_as_fast_reid(path, state):
    """As fast-reid saves: under `model`."""
    torch.save({"model": state, "optimizer": {"state": {}}, "scheduler": {"last_epoch": 119}, "iteration": 22439}, path)


def save_as_buptcampus(path, state):
    """As BUPTCampus saves: on several GPUs, and beside an optimizer of torch as it is."""
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([weight], lr=2e-4)
    weight.sum().backward()
    optimizer.step()
    replicated = {f"module.{name}": value for name, value in state.items()}
    torch.save({"model": replicated, "optimizer": optimizer, "epoch": 99}, path)


def save_as_roboflow(folder, state, description):
    """As `save_pretrained` of Roboflow's reid writes a folder; returns it."""
    folder.mkdir(exist_ok=True)
    (folder / "reid_config.json").write_text(json.dumps(description, indent=2))
    save_file({name: value.contiguous() for name, value in state.items()}, folder / "weights.safetensors")
    return folder


def save_as_boxmot(path, state):
    """As boxmot's training writes its best weights: in half precision, without class heads, with what they are."""
    half = {name: value.half() for name, value in state.items() if "classifier" not in name}
    about = {"model_name": "osnet_x0_25", "preprocess": "resize_pad", "num_classes": 11, "best_mAP": 0.8}
    torch.save({"state_dict": half, **about, "optimizer": None}, path)


def save_as_opengait(path, state):
    """As OpenGait saves: with the states of optimizer and scheduler, and the iteration."""
    torch.save({"model": state, "optimizer": {"state": {}}, "scheduler": {"last_epoch": 3}, "iteration": 60000}, path)
