"""Parsers of what other programs decode for the harness: weights of networks, graphs of ONNX and videos."""

import io

import numpy as np
from parser import Parser, as_file, pack_tensors, pack_zip, unpack_tensors, unpack_zip


def make_weights(folder):
    """A state of a network as `torch.save` writes it, as the archive that it is and as its members."""
    import torch

    state = {"module.conv.weight": torch.ones(2, 3), "module.conv.bias": torch.ones(2, dtype=torch.float64)}
    found = []
    for content in (state, {"state_dict": state, "epoch": 3, "best": np.float64(0.5), "name": "net"}):
        buffer = io.BytesIO()
        torch.save(content, buffer)
        found += [{"": buffer.getvalue()}, unpack_zip(buffer.getvalue())]
    return found


def make_tensors(folder):
    from safetensors.numpy import save

    return [unpack_tensors(save({"conv.weight": np.ones((2, 3), np.float32), "n": np.arange(3)}, {"format": "pt"}))]


def read_weights(path):
    """As `--weights encoder=FILE` does."""
    from vreid_bench.modeling.pretrained import tensors_of
    from vreid_bench.modeling.weights_option import open_file

    return tensors_of(open_file(f"encoder={path}"))


def read_foreign(path):
    """As `--checkpoint FAMILY:FILE` does."""
    from vreid_bench.planning.checkpoint_files import read_tensors

    return read_tensors(path, "--checkpoint")


def make_graphs(folder):
    """A small network for any number of images, and one for two at a time."""
    from onnx_files import draw_weights, network

    return [{"": network(draw_weights(), batch, (16, 8))} for batch in ("batch", 2)]


def run_graph(path):
    from vreid_plugins.checkpoints.onnx_graph import Running

    return Running(path.read_bytes())(np.ones((3, 3, 16, 8), np.float32))


def make_videos(folder):
    """Four frames, as OpenCV writes them."""
    import cv2

    found = []
    for end, code in (("avi", "MJPG"), ("mp4", "mp4v")):
        path = folder / f"one.{end}"
        out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 10.0, (32, 16))
        for number in range(4):
            out.write(np.full((16, 32, 3), 60 * number, np.uint8))
        out.release()
        found.append({"": path.read_bytes()})
    return found


def read_video(path):
    from vreid_plugins.datasets.mot.video import read_frames, read_rate

    read_rate(path)
    return sum(1 for _ in read_frames(path))


DECODERS = {
    "weights": Parser(make_weights, as_file(read_weights, "x.pth", pack_zip)),
    "weights in safetensors": Parser(make_tensors, as_file(read_weights, "x.safetensors", pack_tensors)),
    "foreign weights": Parser(make_weights, as_file(read_foreign, "x.pth", pack_zip)),
    "onnx": Parser(make_graphs, as_file(run_graph)),
    "video": Parser(make_videos, as_file(read_video), 20),
}
