"""Names and shapes of the tensors in published files of weights, from the networks as their authors print them."""

import math


def convolution(name, width, channels, *kernel):
    return {f"{name}.weight": (width, channels, *kernel)}


def linear(name, width, channels):
    return {f"{name}.weight": (width, channels), f"{name}.bias": (width,)}


def norm(name, width):
    return {f"{name}.{kind}": (width,) for kind in ("weight", "bias", "running_mean", "running_var")}


def learned(shapes):
    """The number of parameters as authors count them: without the statistics of batch normalisation."""
    return sum(math.prod(shape) for name, shape in shapes.items() if "running_" not in name)


def bottlenecks(dims, squeeze=0):
    """The four layers of a ResNet-50 with kernels of `dims` dimensions; `squeeze` is the reduction of re-weighting."""
    found, channels = {}, 64
    for layer, (width, count) in enumerate(zip((64, 128, 256, 512), (3, 4, 6, 3), strict=True), start=1):
        out = 4 * width
        for block in range(count):
            at = f"layer{layer}.{block}"
            found |= convolution(f"{at}.conv1", width, channels, *[1] * dims) | norm(f"{at}.bn1", width)
            found |= convolution(f"{at}.conv2", width, width, *[3] * dims) | norm(f"{at}.bn2", width)
            found |= convolution(f"{at}.conv3", out, width, *[1] * dims) | norm(f"{at}.bn3", out)
            if squeeze:
                found |= {f"{at}.se_module.fc1.weight": (out // squeeze, out, 1, 1)}
                found |= {f"{at}.se_module.fc1.bias": (out // squeeze,)}
                found |= {f"{at}.se_module.fc2.weight": (out, out // squeeze, 1, 1)}
                found |= {f"{at}.se_module.fc2.bias": (out,)}
            if block == 0:
                found |= convolution(f"{at}.downsample.0", out, channels, *[1] * dims)
                found |= norm(f"{at}.downsample.1", out)
            channels = out
    return found


def torchvision_resnet50():
    return convolution("conv1", 64, 3, 7, 7) | norm("bn1", 64) | bottlenecks(2) | linear("fc", 1000, 2048)


def hara_resnet50():
    return convolution("conv1", 64, 3, 7, 7, 7) | norm("bn1", 64) | bottlenecks(3) | linear("fc", 400, 2048)


def cadene_se_resnet50():
    stem = convolution("layer0.conv1", 64, 3, 7, 7) | norm("layer0.bn1", 64)
    return stem | bottlenecks(2, squeeze=16) | linear("last_linear", 1000, 2048)


def torchvision_alexnet():
    found, channels = {}, 3
    for place, width, kernel in ((0, 64, 11), (3, 192, 5), (6, 384, 3), (8, 256, 3), (10, 256, 3)):
        found |= convolution(f"features.{place}", width, channels, kernel, kernel)
        found |= {f"features.{place}.bias": (width,)}
        channels = width
    for place, width, channels in ((1, 4096, 9216), (4, 4096, 4096), (6, 1000, 4096)):
        found |= linear(f"classifier.{place}", width, channels)
    return found


def torchvision_vgg16():
    found, channels, place = {}, 3, 0
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            found |= convolution(f"features.{place}", width, channels, 3, 3)
            found |= {f"features.{place}.bias": (width,)}
            channels, place = width, place + 2  # a ReLU stands between two convolutions
        place += 1  # and a pooling behind each block
    for place, width, channels in ((0, 4096, 25_088), (3, 4096, 4096), (6, 1000, 4096)):
        found |= linear(f"classifier.{place}", width, channels)
    return found


def unit(name, width, channels, *kernel):
    """A convolution and its batch normalisation, as Inception-v3 has them."""
    return convolution(f"{name}.conv", width, channels, *kernel) | norm(f"{name}.bn", width)


def torchvision_inception_v3():
    stem = ((32, 3, 3), (32, 32, 3), (64, 32, 3), (80, 64, 1), (192, 80, 3))
    names = ("1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3")
    found = {}
    for name, (width, channels, k) in zip(names, stem, strict=True):
        found |= unit(f"Conv2d_{name}", width, channels, k, k)

    def block(at, channels, *rows):
        """Rows: name, width, channels (0: those of the block), kernel."""
        for name, width, inner, h, w in rows:
            found.update(unit(f"{at}.{name}", width, inner or channels, h, w))

    for at, channels, pool in (("Mixed_5b", 192, 32), ("Mixed_5c", 256, 64), ("Mixed_5d", 288, 64)):
        block(
            at, channels,
            ("branch1x1", 64, 0, 1, 1), ("branch5x5_1", 48, 0, 1, 1), ("branch5x5_2", 64, 48, 5, 5),
            ("branch3x3dbl_1", 64, 0, 1, 1), ("branch3x3dbl_2", 96, 64, 3, 3), ("branch3x3dbl_3", 96, 96, 3, 3),
            ("branch_pool", pool, 0, 1, 1),
        )  # fmt: skip
    block(
        "Mixed_6a", 288,
        ("branch3x3", 384, 0, 3, 3), ("branch3x3dbl_1", 64, 0, 1, 1),
        ("branch3x3dbl_2", 96, 64, 3, 3), ("branch3x3dbl_3", 96, 96, 3, 3),
    )  # fmt: skip
    for at, c in (("Mixed_6b", 128), ("Mixed_6c", 160), ("Mixed_6d", 160), ("Mixed_6e", 192)):
        block(
            at, 768,
            ("branch1x1", 192, 0, 1, 1), ("branch7x7_1", c, 0, 1, 1), ("branch7x7_2", c, c, 1, 7),
            ("branch7x7_3", 192, c, 7, 1), ("branch7x7dbl_1", c, 0, 1, 1), ("branch7x7dbl_2", c, c, 7, 1),
            ("branch7x7dbl_3", c, c, 1, 7), ("branch7x7dbl_4", c, c, 7, 1), ("branch7x7dbl_5", 192, c, 1, 7),
            ("branch_pool", 192, 0, 1, 1),
        )  # fmt: skip
    found |= unit("AuxLogits.conv0", 128, 768, 1, 1) | unit("AuxLogits.conv1", 768, 128, 5, 5)
    found |= linear("AuxLogits.fc", 1000, 768)
    block(
        "Mixed_7a", 768,
        ("branch3x3_1", 192, 0, 1, 1), ("branch3x3_2", 320, 192, 3, 3), ("branch7x7x3_1", 192, 0, 1, 1),
        ("branch7x7x3_2", 192, 192, 1, 7), ("branch7x7x3_3", 192, 192, 7, 1), ("branch7x7x3_4", 192, 192, 3, 3),
    )  # fmt: skip
    for at, channels in (("Mixed_7b", 1280), ("Mixed_7c", 2048)):
        block(
            at, channels,
            ("branch1x1", 320, 0, 1, 1), ("branch3x3_1", 384, 0, 1, 1), ("branch3x3_2a", 384, 384, 1, 3),
            ("branch3x3_2b", 384, 384, 3, 1), ("branch3x3dbl_1", 448, 0, 1, 1), ("branch3x3dbl_2", 384, 448, 3, 3),
            ("branch3x3dbl_3a", 384, 384, 1, 3), ("branch3x3dbl_3b", 384, 384, 3, 1), ("branch_pool", 192, 0, 1, 1),
        )  # fmt: skip
    return found | linear("fc", 1000, 2048)


def piergiaj_i3d():
    def unit3d(name, width, channels, k):
        return convolution(f"{name}.conv3d", width, channels, k, k, k) | norm(f"{name}.bn", width)

    found = unit3d("Conv3d_1a_7x7", 64, 3, 7) | unit3d("Conv3d_2b_1x1", 64, 64, 1) | unit3d("Conv3d_2c_3x3", 192, 64, 3)
    channels = 192
    for name, b0, b1a, b1b, b2a, b2b, b3b in (
        ("3b", 64, 96, 128, 16, 32, 32), ("3c", 128, 128, 192, 32, 96, 64), ("4b", 192, 96, 208, 16, 48, 64),
        ("4c", 160, 112, 224, 24, 64, 64), ("4d", 128, 128, 256, 24, 64, 64), ("4e", 112, 144, 288, 32, 64, 64),
        ("4f", 256, 160, 320, 32, 128, 128), ("5b", 256, 160, 320, 32, 128, 128), ("5c", 384, 192, 384, 48, 128, 128),
    ):  # fmt: skip
        at = f"Mixed_{name}"
        found |= unit3d(f"{at}.b0", b0, channels, 1)
        found |= unit3d(f"{at}.b1a", b1a, channels, 1) | unit3d(f"{at}.b1b", b1b, b1a, 3)
        found |= unit3d(f"{at}.b2a", b2a, channels, 1) | unit3d(f"{at}.b2b", b2b, b2a, 3)
        found |= unit3d(f"{at}.b3b", b3b, channels, 1)
        channels = b0 + b1b + b2b + b3b
    return found | {"logits.conv3d.weight": (400, 1024, 1, 1, 1), "logits.conv3d.bias": (400,)}


C3D = {
    "conv1": (64, 3), "conv2": (128, 64), "conv3a": (256, 128), "conv3b": (256, 256),
    "conv4a": (512, 256), "conv4b": (512, 512), "conv5a": (512, 512), "conv5b": (512, 512),
}  # fmt: skip


def davidea_c3d():
    found = {}
    for name, (width, channels) in C3D.items():
        found |= convolution(name, width, channels, 3, 3, 3) | {f"{name}.bias": (width,)}
    return found | linear("fc6", 4096, 8192) | linear("fc7", 4096, 4096) | linear("fc8", 487, 4096)


def jfzhang_c3d():
    found = {}
    for place, (width, channels) in zip((0, 3, 6, 8, 11, 13, 16, 18), C3D.values(), strict=True):
        found |= convolution(f"features.{place}", width, channels, 3, 3, 3) | {f"features.{place}.bias": (width,)}
    return found | linear("classifier.0", 4096, 8192) | linear("classifier.3", 4096, 4096)
