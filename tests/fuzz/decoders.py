"""Parsers of what other programs decode for the harness: weights of networks, graphs of ONNX and videos."""

import io
import json

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
    from vreid_bench.importing.named_tensors import read_named_tensors

    return read_named_tensors(path, f"--weights encoder={path}")


def read_foreign(path):
    """As `--checkpoint FAMILY:FILE` does."""
    from vreid_bench.planning.checkpoint_files import read_tensors

    return read_tensors(path, "--checkpoint")


def make_described(folder):
    """A folder of Roboflow's reid, its weights as header and data."""
    from safetensors.numpy import save

    weights = unpack_tensors(save({"conv1.conv.weight": np.ones((2, 3), np.float32)}, {"format": "pt"}))
    description = {
        "architecture": "osnet_x0_25",
        "preprocessing": {"input_size": [256, 128], "mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]},
    }
    return [{**weights, "config": json.dumps(each).encode()} for each in (description, {"architecture": "timm:x"})]


def read_described(folder, parts):
    """As `--checkpoint roboflow:FOLDER` does before it builds the network."""
    from vreid_bench.planning.checkpoint_files import read_tensors
    from vreid_plugins.checkpoints.roboflow import CONFIG, WEIGHTS, open_folder

    (folder / CONFIG).write_bytes(parts.get("config", b""))
    (folder / WEIGHTS).write_bytes(pack_tensors(parts))
    opened = open_folder(folder)
    content = read_tensors(opened.file, "--checkpoint")
    checkpoint = opened.read({name: tuple(tensor.shape) for name, tensor in content.tensors.items()})
    return [checkpoint.rename(name) for name in content.tensors]


def make_graphs(folder):
    """A small network for any number of images, and one for two at a time."""
    from onnx_files import draw_weights, network

    return [{"": network(draw_weights(), batch, (16, 8))} for batch in ("batch", 2)]


def make_exports(folder):
    """A small network with the metadata that boxmot's export writes beside it."""
    told = json.dumps({"preprocess": "resize_pad", "model_name": "osnet_x0_25", "num_classes": 11}).encode()
    return [{"graph": parts[""], "told": told} for parts in make_graphs(folder)]


def read_export(folder, parts):
    """As `--checkpoint boxmot:FILE` does before it builds the network."""
    from vreid_plugins.checkpoints.boxmot import open_export

    (folder / "x.onnx").write_bytes(parts.get("graph", b""))
    (folder / "x.onnx.metadata.json").write_bytes(parts.get("told", b""))
    opened = open_export(folder / "x.onnx")
    return opened.read({name: tuple(tensor.shape) for name, tensor in (opened.tensors or {}).items()})


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
    "described weights": Parser(make_described, read_described),
    "exported graph": Parser(make_exports, read_export),
    "onnx": Parser(make_graphs, as_file(run_graph)),
    "video": Parser(make_videos, as_file(read_video), 20),
}
