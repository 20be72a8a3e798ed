"""Files of ONNX, written byte by byte: a protobuf message is a row of numbered fields."""

import struct

import numpy as np

FLOAT, HALF, DOUBLE = 1, 10, 11  # ONNX's numbers of types
TYPES = {FLOAT: np.float32, HALF: np.float16, DOUBLE: np.float64}


def varint(number):
    """Seven bits a byte, the lowest first; the highest bit says that another byte follows."""
    out = bytearray()
    while number > 127:
        out.append(number % 128 + 128)
        number //= 128
    return bytes([*out, number])


def field(number, value):
    """A whole number, a fraction, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def join(*fields):
    return b"".join(field(number, value) for number, value in fields)


def tensor(name, values, kind):
    values = np.asarray(values, TYPES[kind])
    return join(*((1, side) for side in values.shape), (2, kind), (8, name), (9, values.tobytes()))


def port(name, kind, sides):
    """An input or output; a side is a number, or a text that leaves it open."""
    shape = b"".join(field(1, field(1 if isinstance(side, int) else 2, side)) for side in sides)
    return join((1, name), (2, field(1, join((1, kind), (2, shape)))))


def node(kind, inputs, outputs, **attributes):
    """Attributes are whole numbers, or lists of them."""
    own = []
    for name, value in attributes.items():
        if isinstance(value, int):
            own.append((5, join((1, name), (3, value), (20, 2))))
        else:
            own.append((5, join((1, name), *((8, each) for each in value), (20, 7))))
    return join(*((1, each) for each in inputs), *((2, each) for each in outputs), (4, kind), *own)


def model(nodes, tensors, inputs, outputs):
    graph = join(
        *((1, each) for each in nodes),
        (2, "graph"),
        *((5, each) for each in tensors),
        *((11, each) for each in inputs),
        *((12, each) for each in outputs),
    )
    return join((1, 8), (2, "pytorch"), (7, graph), (8, join((1, ""), (2, 13))))


def draw_weights(width=6, seed=0):
    """Of a convolution of stride 8, and of a linear layer."""
    random = np.random.default_rng(seed)
    shapes = {"kernel": (8, 3, 8, 8), "bias": (8,), "matrix": (8, width)}
    return {name: random.standard_normal(shape) * 0.2 for name, shape in shapes.items()}


def network(weights, batch="batch", size=(64, 32), kind=FLOAT, image="images", rank=2):
    """Convolution, ReLU, the mean over places, a linear layer: [N, 3, H, W] -> [N, width], or [N, width, 1, 1]."""
    nodes = [
        node("Conv", [image, "kernel", "bias"], ["maps"], strides=[8, 8], kernel_shape=[8, 8]),
        node("Relu", ["maps"], ["active"]),
        node("GlobalAveragePool", ["active"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"], axis=1),
        node("MatMul", ["flat", "matrix"], ["vector"]),
    ]
    output = "vector"
    tensors = [tensor(name, value, kind) for name, value in weights.items()]
    if rank == 4:
        shape = join((1, 4), (2, 7), (8, "shape"), (9, np.array([0, -1, 1, 1], np.int64).tobytes()))
        nodes.append(node("Reshape", ["vector", "shape"], ["map"]))
        tensors.append(shape)
        output = "map"
    sides = [batch, weights["matrix"].shape[1], 1, 1][:rank]
    return model(nodes, tensors, [port(image, kind, [batch, 3, *size])], [port(output, kind, sides)])
