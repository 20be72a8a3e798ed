"""The published networks restated on their state dicts, in float64 and one step after the other: what tests expect."""

import math

import torch
from torch.nn import functional as F

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
SYMMETRIC = ((0.5,) * 3, (0.5,) * 3)


def doubled(state):
    """The floating-point tensors of a state dict in float64."""
    return {name: value.double() for name, value in state.items() if value.is_floating_point()}


def colours(frames, scale):
    """[N, 3, H, W] in [0, 1] -> normalised, in float64."""
    mean, deviation = (torch.tensor(each, dtype=torch.float64).view(3, 1, 1) for each in scale)
    return (frames.double() - mean) / deviation


def over(value, x):
    """A value for each channel [C] beside x [N, C, ...]."""
    return value.view(1, -1, *[1] * (x.ndim - 2))


def norm(state, name, x):
    """Batch normalisation in evaluation; instance normalisation where there are no running values."""
    if f"{name}.running_mean" in state:
        mean, variance = over(state[f"{name}.running_mean"], x), over(state[f"{name}.running_var"], x)
    else:
        places = tuple(range(2, x.ndim))
        mean, variance = x.mean(places, keepdim=True), x.var(places, unbiased=False, keepdim=True)
    y = (x - mean) / (variance + 1e-5).sqrt()
    return y * over(state[f"{name}.weight"], x) + over(state[f"{name}.bias"], x)


def conv_block(s, name, x, relu=True, **options):
    """torchreid's convolution, normalisation and ReLU."""
    y = norm(s, f"{name}.bn", F.conv2d(x, s[f"{name}.conv.weight"], **options))
    return y.relu() if relu else y


def omni_scale(s, at, x):
    """OSNet's block."""

    def light(name, x):
        x = F.conv2d(x, s[f"{name}.conv1.weight"])
        x = F.conv2d(x, s[f"{name}.conv2.weight"], padding=1, groups=x.shape[1])
        return norm(s, f"{name}.bn", x).relu()

    def gate(name, x):
        y = F.adaptive_avg_pool2d(x, 1)
        y = F.conv2d(y, s[f"{name}.fc1.weight"], s[f"{name}.fc1.bias"]).relu()
        return x * F.conv2d(y, s[f"{name}.fc2.weight"], s[f"{name}.fc2.bias"]).sigmoid()

    y = conv_block(s, f"{at}.conv1", x)
    total = gate(f"{at}.gate", light(f"{at}.conv2a", y))
    for letter, depth in (("b", 2), ("c", 3), ("d", 4)):
        z = y
        for step in range(depth):
            z = light(f"{at}.conv2{letter}.{step}", z)
        total = total + gate(f"{at}.gate", z)
    y = conv_block(s, f"{at}.conv3", total, relu=False)
    wider = f"{at}.downsample.conv.weight" in s
    y = y + (conv_block(s, f"{at}.downsample", x, relu=False) if wider else x)
    return (norm(s, f"{at}.IN", y) if f"{at}.IN.weight" in s else y).relu()


def osnet(state, frames):
    """Features [N, 512] of frames, as torchreid computes them."""
    s = doubled(state)
    x = F.max_pool2d(conv_block(s, "conv1", colours(frames, IMAGENET), stride=2, padding=3), 3, 2, 1)
    for stage in (2, 3, 4):
        for block in (0, 1):
            x = omni_scale(s, f"conv{stage}.{block}", x)
        if stage < 4:
            x = F.avg_pool2d(conv_block(s, f"conv{stage}.2.0", x), 2, 2)
    v = conv_block(s, "conv5", x).mean((2, 3))
    return norm(s, "fc.1", F.linear(v, s["fc.0.weight"], s["fc.0.bias"])).relu()


def light_mbn(state, frames):
    """Features [N, 3584] of frames, as LightMBN computes them: seven vectors of 512, number by number."""
    s = doubled(state)
    x = F.max_pool2d(conv_block(s, "backbone.0", colours(frames, IMAGENET), stride=2, padding=3), 3, 2, 1)
    x = omni_scale(s, "backbone.2.1", omni_scale(s, "backbone.2.0", x))
    x = F.avg_pool2d(conv_block(s, "backbone.2.2.0", x), 2, 2)
    x = omni_scale(s, "backbone.3", x)
    maps = []
    for branch in ("global_branch", "partial_branch", "channel_branch"):
        y = F.avg_pool2d(conv_block(s, f"{branch}.0.2.0", omni_scale(s, f"{branch}.0.1", x)), 2, 2)
        y = omni_scale(s, f"{branch}.1.1", omni_scale(s, f"{branch}.1.0", y))
        maps.append(conv_block(s, f"{branch}.2", y))
    whole, parts, channels = maps
    whole = omni_scale(s, "batch_drop_block.drop_batch_bottleneck", whole)
    half = parts.shape[2] // 2

    def reduce(number, v):
        return norm(s, f"reduction_{number}.bn", v @ s[f"reduction_{number}.reduction.weight"][:, :, 0, 0].T)

    def share(number, v):
        y = norm(s, "shared.1", v @ s["shared.0.weight"][:, :, 0, 0].T).relu()
        return norm(s, f"reduction_ch_{number}.bn", y)

    seven = (
        reduce(0, whole.mean((2, 3))),
        reduce(4, whole.amax((2, 3))),
        reduce(1, parts.amax((2, 3))),
        reduce(2, parts[:, :, :half].mean((2, 3))),
        reduce(3, parts[:, :, half:].mean((2, 3))),
        share(0, channels[:, :256].mean((2, 3))),
        share(1, channels[:, 256:].mean((2, 3))),
    )
    return torch.stack(seven, 2).flatten(1)


def mobilenetv2(state, frames):
    """Features of frames [N, 1280], as torchreid computes them."""
    s = doubled(state)

    def capped(name, x, **options):
        return F.relu6(norm(s, f"{name}.bn", F.conv2d(x, s[f"{name}.conv.weight"], **options)))

    x = capped("conv1", colours(frames, IMAGENET), stride=2, padding=1)
    for stage, first in zip(range(2, 9), (1, 2, 2, 2, 1, 2, 1), strict=True):
        at = 0
        while f"conv{stage}.{at}.conv1.conv.weight" in s:
            name = f"conv{stage}.{at}"
            y = capped(f"{name}.conv1", x)
            y = capped(f"{name}.dwconv2", y, stride=first if at == 0 else 1, padding=1, groups=y.shape[1])
            y = norm(s, f"{name}.conv3.1", F.conv2d(y, s[f"{name}.conv3.0.weight"]))
            x = x + y if y.shape == x.shape else y
            at += 1
    return capped("conv9", x).mean((2, 3))


def resnet_maps(s, frames, prefix="", last_stride=2, ceil=False):
    """Maps of ResNet-50 [N, 2048, h, w]; IBN and fast-reid's non-local blocks where the names have them."""

    def first_norm(name, x):
        if f"{name}.weight" in s:
            return norm(s, name, x)
        half = x.shape[1] // 2
        return torch.cat((norm(s, f"{name}.IN", x[:, :half]), norm(s, f"{name}.BN", x[:, half:])), 1)

    x = norm(s, f"{prefix}bn1", F.conv2d(colours(frames, IMAGENET), s[f"{prefix}conv1.weight"], None, 2, 3)).relu()
    x = F.max_pool2d(x, 3, 2, ceil_mode=True) if ceil else F.max_pool2d(x, 3, 2, 1)
    for number, count in enumerate((3, 4, 6, 3), start=1):
        for at in range(count):
            name = f"{prefix}layer{number}.{at}"
            stride = {1: 1, 4: last_stride}.get(number, 2) if at == 0 else 1
            y = first_norm(f"{name}.bn1", F.conv2d(x, s[f"{name}.conv1.weight"])).relu()
            y = norm(s, f"{name}.bn2", F.conv2d(y, s[f"{name}.conv2.weight"], None, stride, 1)).relu()
            y = norm(s, f"{name}.bn3", F.conv2d(y, s[f"{name}.conv3.weight"]))
            if at == 0:
                x = norm(s, f"{name}.downsample.1", F.conv2d(x, s[f"{name}.downsample.0.weight"], None, stride))
            x = (x + y).relu()
            blocks = [n for n in range(9) if f"{prefix}NL_{number}.{n}.g.weight" in s]
            if at >= count - len(blocks):
                x = dot_product(s, f"{prefix}NL_{number}.{at - count + len(blocks)}", x)
    return x


def dot_product(s, name, x):
    """fast-reid's non-local block: the matrix of all pairs of places over their number."""
    g, theta, phi = (
        F.conv2d(x, s[f"{name}.{k}.weight"], s[f"{name}.{k}.bias"]).flatten(2) for k in ("g", "theta", "phi")
    )
    pairs = theta.transpose(1, 2) @ phi / theta.shape[2]  # [N, places, places]
    y = (pairs @ g.transpose(1, 2)).transpose(1, 2).reshape(len(x), 1, *x.shape[2:])
    return norm(s, f"{name}.W.1", F.conv2d(y, s[f"{name}.W.0.weight"], s[f"{name}.W.0.bias"])) + x


def torchreid_resnet(state, frames):
    """Features of frames of torchreid's `resnet50` [N, 2048] or `resnet50_fc512` [N, 512]."""
    s = doubled(state)
    linear = "fc.0.weight" in s
    v = resnet_maps(s, frames, last_stride=1 if linear else 2).mean((2, 3))
    return norm(s, "fc.1", F.linear(v, s["fc.0.weight"], s["fc.0.bias"])).relu() if linear else v


def fast_reid(state, frames, pool="average"):
    """Features of frames of fast-reid [N, 2048], after the BN-neck."""
    s = doubled(state)
    maps = resnet_maps(s, frames, "backbone.", 1, ceil=True)
    p = {"average": 1.0, "gem": 3.0, "gem-learned": s.get("heads.pool_layer.p")}[pool]
    pooled = maps.mean((2, 3)) if pool == "average" else (maps.clamp(min=1e-6) ** p).mean((2, 3)) ** (1 / p)
    return norm(s, "heads.bottleneck.0", pooled)


def ap3d(state, clip, chunk=32):
    """The feature [2048] of all frames of a clip [T, 3, H, W], as AP3D's test over all frames computes it."""
    s = doubled(state)
    peaks = []
    for piece in clip.split(chunk):
        x = colours(piece, IMAGENET).transpose(0, 1)[None]  # [1, 3, T, H, W]
        x = norm(s, "bn1", F.conv3d(x, s["conv1.weight"], None, (1, 2, 2), (0, 3, 3))).relu()
        x = F.max_pool3d(x, (1, 3, 3), (1, 2, 2), (0, 1, 1))
        for number in (1, 2, 3, 4):
            at = 0
            while f"layer{number}.{at}.conv1.weight" in s or f"layer{number}.{at}.theta.weight" in s:
                x = clip_block(s, f"layer{number}.{at}", x, 2 if number in (2, 3) and at == 0 else 1)
                at += 1
        peaks.append(x[0].amax((2, 3)))  # [2048, T]
    return norm(s, "bn", torch.cat(peaks, 1).mean(1)[None])[0]


def clip_block(s, name, x, stride):
    """A block of AP3D's network on [1, C, T, h, w], whichever its names tell."""
    if f"{name}.theta.weight" in s:
        return non_local(s, name, x)
    y = norm(s, f"{name}.bn1", F.conv3d(x, s[f"{name}.conv1.weight"])).relu()
    steps, sides = (1, stride, stride), (0, 1, 1)
    if f"{name}.conv2.weight" in s:
        y = F.conv3d(y, s[f"{name}.conv2.weight"], None, steps, sides)
    else:
        y = F.conv3d(y, s[f"{name}.conv2.spatial_conv3d.weight"], None, steps, sides)
        # each frame between its aligned neighbours: before, itself, after, and a convolution of 3 that strides by 3
        triples = [
            f for t in range(y.shape[2]) for f in (align(s, name, y, t, -1), y[0, :, t], align(s, name, y, t, 1))
        ]
        y = y + F.conv3d(torch.stack(triples, 1)[None], s[f"{name}.conv2.temporal_conv3d.weight"], None, (3, 1, 1))
    y = norm(s, f"{name}.bn2", y).relu()
    y = norm(s, f"{name}.bn3", F.conv3d(y, s[f"{name}.conv3.weight"]))
    if f"{name}.downsample.0.weight" in s:
        x = norm(s, f"{name}.downsample.1", F.conv3d(x, s[f"{name}.downsample.0.weight"], None, steps))
    return (x + y).relu()


def align(s, name, x, t, by):
    """The frame t + by of x [1, C, T, h, w] at the places of frame t, place by place; zero where there is none."""
    if not 0 <= t + by < x.shape[2]:
        return torch.zeros_like(x[0, :, 0])
    mine, other = x[0, :, t].flatten(1), x[0, :, t + by].flatten(1)  # [C, places]
    semantic, ours, theirs = (s[f"{name}.conv2.APM.{k}_mapping.weight"].flatten(1) for k in ("semantic", "x", "n"))
    a, b = F.normalize(semantic @ mine, dim=0), F.normalize(semantic @ other, dim=0)
    moved = torch.stack([other @ (4 * a[:, place] @ b).softmax(0) for place in range(mine.shape[1])], 1)
    trust = (
        s[f"{name}.conv2.APM.contrastive_att_net.0.weight"].flatten(1) @ ((ours @ mine) * (theirs @ moved))
    ).sigmoid()
    return (moved * trust).view(x.shape[1], *x.shape[3:])


def non_local(s, name, x):
    """An embedded-Gaussian non-local block over all frames of [1, C, T, h, w]; two of its inputs are pooled."""
    conv = lambda part, y: F.conv3d(y, s[f"{name}.{part}.weight"], s[f"{name}.{part}.bias"])  # noqa: E731
    pooled = {part: F.max_pool3d(conv(f"{part}.0", x), (1, 2, 2))[0].flatten(1) for part in ("g", "phi")}
    theta = conv("theta", x)[0].flatten(1)
    y = pooled["g"] @ (pooled["phi"].T @ theta).softmax(0)  # [C / 2, places]
    return norm(s, f"{name}.W.1", conv("W.0", y.view(1, -1, *x.shape[2:]))) + x


def buptcampus(state, clip, stem):
    """The feature of a clip [T, 3, H, W] as BUPTCampus' network computes it from T frames, `rgb` or `ir`."""
    s = doubled(state)
    x = F.conv2d(colours(clip, IMAGENET), s[f"{stem}_module.conv1.weight"], None, 2, 3)
    x = F.max_pool2d(norm(s, f"{stem}_module.bn1", x).relu(), 3, 2, 1)
    for number in (1, 2, 3, 4):
        at = 0
        while f"shared_module.backbone.layer{number}.{at}.conv1.weight" in s:
            name = f"shared_module.backbone.layer{number}.{at}"
            stride = 2 if number in (2, 3) and at == 0 else 1
            convs = [each for each in ("conv1", "conv2", "conv3") if f"{name}.{each}.weight" in s]
            y = x
            for conv in convs:
                side = s[f"{name}.{conv}.weight"].shape[2]
                step = stride if side == 3 and conv == ("conv2" if len(convs) == 3 else "conv1") else 1
                y = norm(s, f"{name}.bn{conv[-1]}", F.conv2d(y, s[f"{name}.{conv}.weight"], None, step, side // 2))
                y = y.relu() if conv != convs[-1] else y
            if f"{name}.downsample.0.weight" in s:
                x = norm(s, f"{name}.downsample.1", F.conv2d(x, s[f"{name}.downsample.0.weight"], None, stride))
            x = (x + y).relu()
            at += 1
    return norm(s, "bottleneck.bn", x.mean((2, 3)).mean(0, keepdim=True))[0]


def layer_norm(s, name, x):
    return F.layer_norm(x, x.shape[-1:], s[f"{name}.weight"], s[f"{name}.bias"])


def linear(s, name, x):
    return x @ s[f"{name}.weight"].T + s[f"{name}.bias"]


def attention(s, name, x):
    """Self-attention of tokens [L, D], head by head of 64 channels."""
    queries, keys, values = (x @ s[f"{name}.in_proj_weight"].T + s[f"{name}.in_proj_bias"]).chunk(3, 1)
    heads = []
    for at in range(0, x.shape[1], 64):
        q, k, v = (each[:, at : at + 64] for each in (queries, keys, values))
        heads.append((q @ k.T / math.sqrt(q.shape[1])).softmax(1) @ v)
    return linear(s, f"{name}.out_proj", torch.cat(heads, 1))


def gelu(x):
    return x * torch.sigmoid(1.702 * x)


def mlp(s, name, x):
    return linear(s, f"{name}.c_proj", gelu(linear(s, f"{name}.c_fc", x)))


def clip_tokens(state, clip, scale, stride=16):
    """The tokens [T, L, D] of a clip [T, 3, H, W] after the last normalisation; with adapters, if it has any."""
    s, at = doubled(state), "image_encoder"
    x = F.conv2d(colours(clip, scale), s[f"{at}.conv1.weight"], stride=stride).flatten(2).transpose(1, 2)
    x = torch.cat((s[f"{at}.class_embedding"].expand(len(x), 1, -1), x), 1) + s[f"{at}.positional_embedding"]
    x = layer_norm(s, f"{at}.ln_pre", x)
    layer = 0
    while f"{at}.transformer.resblocks.{layer}.ln_1.weight" in s:
        name = f"{at}.transformer.resblocks.{layer}"
        attended = torch.stack([attention(s, f"{name}.attn", tokens) for tokens in layer_norm(s, f"{name}.ln_1", x)])
        between = beside = 0
        if f"{name}.dat.down.weight" in s:
            down = linear(s, f"{name}.dat_cross.down", x)  # [T, L, narrow]
            block = f"{name}.dat_cross.temporal_block.temporal_attn"
            mixed = torch.stack([attention(s, block, down[:, token]) for token in range(x.shape[1])], 1)
            between = linear(s, f"{name}.dat_cross.up", mixed)
        x = x + attended + between
        if f"{name}.dat.down.weight" in s:
            beside = linear(s, f"{name}.dat.up", gelu(linear(s, f"{name}.dat.down", x)))
        x = x + mlp(s, f"{name}.mlp", layer_norm(s, f"{name}.ln_2", x)) + beside
        layer += 1
    return layer_norm(s, f"{at}.ln_post", x)


def clip_feature(state, clip, scale, stride=16):
    """CLIP-ReID's and VSLA-CLIP's feature of a clip: means over frames of the class token and of its projection."""
    first = clip_tokens(state, clip, scale, stride)[:, 0]
    return torch.cat((first.mean(0), (first @ doubled(state)["image_encoder.proj"]).mean(0)))


def tf_clip_feature(state, clip):
    """TF-CLIP's feature of a clip, without the embedding of the camera."""
    s, name = doubled(state), "TMD.resblocks.0"
    tokens = clip_tokens(state, clip, SYMMETRIC)  # [T, L, D]
    message = linear(s, f"{name}.message_fc", tokens.mean(1))  # [T, D]
    message = message + attention(s, f"{name}.message_attn", layer_norm(s, f"{name}.message_ln", message))
    frames = []
    for frame, told in zip(tokens, message, strict=True):
        x = torch.cat((frame, told[None]))
        x = x + attention(s, f"{name}.attn", layer_norm(s, f"{name}.ln_1", x))
        x = x + mlp(s, f"{name}.mlp", layer_norm(s, f"{name}.ln_2", x))
        frames.append(x.mean(0))
    first = tokens[:, 0]
    return torch.cat((first.mean(0), (first @ s["image_encoder.proj"]).mean(0), torch.stack(frames).mean(0)))
