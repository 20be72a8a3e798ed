"""Networks of images in ONNX, whoever exported them: one image in, one vector out, run by onnxruntime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from vreid_bench import (
    Checkpoint,
    CheckpointFamily,
    Clipping,
    Container,
    InputError,
    Method,
    Opened,
    Renaming,
    Shapes,
    hookimpl,
    part,
)
from vreid_plugins.encoders.colours import find_scale

EACH_FRAME = Clipping("dense", T=1)  # every frame is a clip of its own, and the matcher averages clips
SIZE = (256, 128)  # of frames where the graph leaves it open
VERSIONS = range(3, 32)  # of ONNX's intermediate form, with which a file begins
FIELDS = b"\x12\x1a\x22\x2a\x32\x3a\x42"  # what may follow the version in a file
OUTSIDE = b"\x0a\x08location\x12"  # how a tensor names another file in which it lies
EXPORT = "export it again, with one image [N, 3, H, W] as input and one vector for each as output"


class OnnxGraph(nn.Module):
    """A graph of ONNX, frame by frame: one place for each frame. It runs on the CPU, in the precision of its input.

    The file is the buffer `graph`. Until it is loaded the encoder gives other numbers of the same form, so that the
    parts after it can be built.

    length: of the file, in bytes. width: of the graph's vectors.
    scale: `imagenet` normalises colours by the mean and deviation of ImageNet, `symmetric` scales them to [-1, 1].
    """

    graph: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, length: int, width: int, scale: str = "imagenet") -> None:
        super().__init__()
        if length < 1 or width < 1:
            raise InputError(f"encoder onnx-graph: length and width must be at least 1, got {length} and {width}")
        self.register_buffer("graph", torch.zeros(length, dtype=torch.uint8))
        mean, std = find_scale("onnx-graph", scale)
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)
        self.width = width
        self._running: Any = None

    def forward(self, clips: Tensor) -> Tensor:
        """clips [B, T, 3, H, W] in [0, 1] -> vectors [B, T, D, 1, 1]."""
        frames = ((clips - self.mean) / self.std).flatten(0, 1)  # [B T, 3, H, W]
        vectors = self._run(frames) if bool(self.graph.any()) else self._stand_in(frames)
        return torch.unflatten(vectors, 0, clips.shape[:2])[..., None, None]

    def _run(self, frames: Tensor) -> Tensor:
        """[N, 3, H, W] -> the graph's [N, D]."""
        if self._running is None:
            self._running = Running(self.graph.cpu().numpy().tobytes())
        found = torch.from_numpy(self._running(frames.detach().cpu().numpy()))
        return found.to(frames)

    def _stand_in(self, frames: Tensor) -> Tensor:
        """[N, 3, H, W] -> [N, D], cosines of the mean colours."""
        rates = torch.arange(1, self.width + 1).to(frames)
        return torch.cos(frames.mean((2, 3)).sum(1, keepdim=True) * rates / self.width + rates)

    def _load_from_state_dict(self, *given: Any) -> None:
        self._running = None  # it would run the graph of before
        super()._load_from_state_dict(*given)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_running": None}  # onnxruntime's session cannot be copied


class Port(NamedTuple):
    """An input or output of a graph."""

    name: str
    type: str
    shape: list[Any]  # numbers; a text or None for a side that is open


class Running:
    """A session of onnxruntime with a graph that has one image as input and one output.

    Raises InputError without onnxruntime, and for bytes that are no such graph.
    """

    def __init__(self, graph: bytes) -> None:
        try:
            import onnxruntime
        except ImportError as fault:
            raise InputError(
                f"onnxruntime, which runs ONNX, cannot be imported ({fault}); `pip install vreid-bench[onnx]` "
                "installs it"
            ) from fault
        if OUTSIDE in graph:
            raise InputError(
                "its weights lie in another file, expected them in the graph; `onnx.save(onnx.load(FILE), OTHER)` of "
                "the package onnx writes both as one"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = torch.get_num_threads(), 1
        options.log_severity_level = 4  # nothing but what is raised
        options.use_deterministic_compute = True
        self.version: str = onnxruntime.__version__
        try:
            # without the fallback, which prints a fault and tries the same provider again
            self.session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"], enable_fallback=0
            )
            inputs, outputs = (
                [Port(each.name, each.type, list(each.shape)) for each in ports]  # raises for a text that is not UTF-8
                for ports in (self.session.get_inputs(), self.session.get_outputs())
            )
        except Exception as fault:  # onnxruntime has an error of its own for each cause
            reason = " ".join(str(fault).split())[:300]
            raise InputError(f"onnxruntime {self.version} cannot run the graph ({reason}); {EXPORT}") from fault
        if len(inputs) != 1 or len(outputs) != 1:
            raise InputError(
                f"the graph has {len(inputs)} inputs ({_join(inputs)}) and {len(outputs)} outputs ({_join(outputs)}), "
                f"expected one of each; {EXPORT}"
            )
        self.name, self.shape = inputs[0].name, inputs[0].shape
        kinds = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
        if len(self.shape) != 4 or (_is_number(self.shape[1]) and self.shape[1] != 3) or inputs[0].type not in kinds:
            raise InputError(
                f"the graph's input {self.name} is {inputs[0].type} {self.shape}, expected images in float32 "
                f"or float16 [N, 3, H, W]; {EXPORT}"
            )
        self.kind = kinds[inputs[0].type]
        self.batch: int = self.shape[0] if _is_number(self.shape[0]) else 0  # 0: any number of images at once

    def __call__(self, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Images [N, 3, H, W] -> vectors [N, D]. Raises InputError for another output."""
        images = np.ascontiguousarray(images, self.kind)
        batch = self.batch or len(images)
        pieces = []
        for begin in range(0, len(images), batch):
            piece = images[begin : begin + batch]
            missing = batch - len(piece)  # a graph for a fixed number of images is given the last one again
            whole = np.concatenate([piece, piece[-1:].repeat(missing, 0)]) if missing else piece
            try:
                [found] = self.session.run(None, {self.name: whole})
            except Exception as fault:  # as above
                reason = " ".join(str(fault).split())[:300]
                raise InputError(f"the graph fails on images {list(whole.shape)} ({reason}); {EXPORT}") from fault
            if not isinstance(found, np.ndarray) or found.ndim < 2 or found.size != len(whole) * found.shape[1]:
                told = f"for {len(whole)} images is {list(getattr(found, 'shape', ()))}"
                raise InputError(f"the graph's output {told}, expected a vector each; {EXPORT}")
            pieces.append(found.reshape(len(whole), -1)[: len(piece)])
        return np.concatenate(pieces).astype(np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its images; 256 x 128 where the graph leaves them open."""
        height, width = (own if _is_number(own) else usual for own, usual in zip(self.shape[2:], SIZE, strict=True))
        return height, width


def _is_number(side: Any) -> bool:
    return isinstance(side, int) and side > 0


def _join(ports: Any) -> str:
    return ", ".join(port.name for port in ports)


def is_graph(path: Path) -> bool:
    """Does a file begin as ONNX does, or have its ending?"""
    if not path.is_file() or path.suffix == ".safetensors":
        return False
    with path.open("rb") as file:
        begin = file.read(3)
    return path.suffix == ".onnx" or (len(begin) == 3 and begin[0] == 8 and begin[1] in VERSIONS and begin[2] in FIELDS)


def open_graph(path: Path, *notes: str) -> Opened:
    """A file of ONNX, tried on two images. Raises InputError if it cannot run, or gives no vector for each."""
    content = path.read_bytes()
    running = Running(content)
    height, width = running.size
    images = np.random.Generator(np.random.Philox(0)).standard_normal((2, 3, height, width))
    vectors = running(images)
    if not np.isfinite(vectors).all():
        raise InputError(f"the graph's output for random images is not finite; {EXPORT}")
    method = Method(
        encoder=part("onnx-graph", length=len(content), width=vectors.shape[1]),
        aggregator=part("average"),
        matcher=part("mean", metric="cosine", normalize=True),
        test=EACH_FRAME,
        size=(height, width),
        paper="the graph",
    )
    told = (
        f"the graph is run by onnxruntime {running.version}; its parameters and multiply-adds are not counted",
        "a graph says nothing of tracklets: the unit vectors of all frames are averaged",
        *notes,
    )
    checkpoint = Checkpoint(method, (Renaming("graph", "encoder.graph"),), notes=told)
    graph = torch.frombuffer(bytearray(content), dtype=torch.uint8)
    return Opened(path, lambda shapes: checkpoint, {"graph": graph})


def _refuse(shapes: Shapes) -> Checkpoint:
    raise InputError("found tensors, expected a graph of ONNX")


FAMILY = CheckpointFamily(
    "ONNX (.onnx): any network of images with one image as input and one vector as output, by onnxruntime.",
    signs=(),
    read=_refuse,
    container=Container(is_graph, open_graph),
)


@hookimpl
def vreid_encoders() -> Mapping[str, Callable[..., Any]]:
    """`onnx-graph`."""
    return {"onnx-graph": OnnxGraph}


@hookimpl
def vreid_checkpoints() -> Mapping[str, Any]:
    """`onnx`."""
    return {"onnx": FAMILY}
