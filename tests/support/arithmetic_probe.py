"""Prints a checksum of what torch and NumPy compute under portable arithmetic, a line for each kind of function."""

import sys
import zlib

from vreid_bench.system.arithmetic import choose_arithmetic

choose_arithmetic("portable")

import numpy as np  # noqa: E402 - arithmetic is chosen first
import torch  # noqa: E402
from torch.nn import functional as F  # noqa: E402

from vreid_bench.system.environment import prepare  # noqa: E402

if sys.argv[1:] != ["native"]:
    prepare("cpu", None)
generator = torch.Generator().manual_seed(0)


def show(name, *tensors):
    sums = [
        f"{zlib.crc32(np.ascontiguousarray(torch.as_tensor(each).detach().numpy()).tobytes()):08x}" for each in tensors
    ]
    sys.stdout.write(" ".join([name, *sums]) + "\n")


def draw(*shape, dtype=torch.float32):
    return torch.randn(shape, generator=generator, dtype=dtype)


for dtype in (torch.float32, torch.float64):
    a, b = draw(64, 300, dtype=dtype), draw(300, 170, dtype=dtype)
    show(f"products {dtype}", a @ b, a @ b[:, 0], a[0] @ b[:, 0], torch.bmm(a[None], b[None]), F.linear(a, a))
    show(
        f"functions {dtype}",
        a.exp(),
        a.abs().log(),
        a.abs().sqrt(),
        a.tanh(),
        a.sigmoid(),
        a.softmax(1),
        a.erf(),
        a.abs() ** 0.5,
    )
    show(f"attention {dtype}", F.scaled_dot_product_attention(a[None, None], a[None, None], a[None, None]))
    show(f"sums {dtype}", a.sum(1), a.mean(), a.norm(dim=1), a.std(0), a.logsumexp(1), F.normalize(a, dim=1))
for dimensions, batch, taps in ((1, 1, 1), (1, 4, 3), (2, 1, 1), (2, 8, 3), (2, 32, 1), (3, 1, 1), (3, 8, 3)):
    x = draw(batch, 16, *[16, 8, 8][:dimensions]).requires_grad_()
    weight = draw(32, 16, *[taps] * dimensions).requires_grad_()
    y = getattr(F, f"conv{dimensions}d")(x, weight, padding=taps // 2)
    y.square().sum().backward()
    show(f"convolution {dimensions} {batch} {taps}", y, x.grad, weight.grad)
for dimensions, taps, stride in ((2, 3, 1), (2, 1, 2), (3, 3, 1), (3, 3, 2)):
    last = torch.channels_last if dimensions == 2 else torch.channels_last_3d
    x = draw(32, 16, *[16, 8, 8][:dimensions]).contiguous(memory_format=last).requires_grad_()
    weight = draw(32, 16, *[taps] * dimensions).contiguous(memory_format=last).requires_grad_()
    y = getattr(F, f"conv{dimensions}d")(x, weight, stride=stride, padding=taps // 2)
    z = F.batch_norm(y, None, None, training=True)
    z.square().sum().backward()
    show(f"channels last {dimensions} {taps} {stride}", y, z, x.grad, weight.grad)
network = torch.nn.Sequential(
    torch.nn.Conv2d(3, 16, 3, 2),
    torch.nn.BatchNorm2d(16),
    torch.nn.ReLU(),
    torch.nn.Flatten(),
    torch.nn.Linear(16 * 105, 32),
)
for each in network.parameters():
    each.data = draw(*each.shape) / 8
optimizer = torch.optim.Adam(network.parameters(), 0.01)
for _ in range(10):
    optimizer.zero_grad()
    F.cross_entropy(network(draw(16, 3, 32, 16)), torch.arange(16)).backward()
    optimizer.step()
show("ten steps of Adam", *network.parameters())
m = np.random.default_rng(0).standard_normal((300, 200))
show("numpy", m.T @ m, np.exp(m), np.abs(m) ** 1.3, np.arctan2(m, m[::-1]), np.linalg.eigvalsh(m.T @ m))
