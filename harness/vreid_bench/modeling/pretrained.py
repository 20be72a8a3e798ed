"""Pre-trained weights for an encoder: tensors from a file of the user, matched by their published names."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from torch import Tensor, nn

from vreid_bench.contracts.parts import Published
from vreid_bench.contracts.recipe import Part
from vreid_bench.records.entries import Pretraining
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError

WRAPPERS = ("state_dict", "model")  # keys under which training scripts save the tensors, besides epoch and optimizer
REPLICATED = "module."  # what torch.nn.DataParallel puts in front of every name
OWN = (Published("the encoder itself"),)

HEAD = "left in the file, the classifier"
UNKNOWN = "left in the file, no tensor of the encoder has this name"
RESHAPED = "left in the file, of another shape"
COUNTER = "left in the file, not a weight but a counter"
ABSENT = "not in the file"


@dataclass(frozen=True)
class WeightsFile:
    """What `--weights` names."""

    path: Path
    sha256: str


class Remark(NamedTuple):
    """A tensor that did not come from the file into the encoder, and why."""

    why: str
    tensor: str  # its name and shape


@dataclass(frozen=True)
class PretrainedWeights:
    """What an encoder takes from a file, and what it does not."""

    encoder: str  # its name
    file: WeightsFile
    names: str  # the network whose names the file uses
    taken: Mapping[str, Tensor]  # by the encoder's name
    tensors: int  # how many tensors of the encoder a file may fill
    remarks: tuple[Remark, ...]

    def load(self, encoder: nn.Module) -> None:
        """Load the file's values into the encoder; all other values stay as they are."""
        encoder.load_state_dict(dict(self.taken), strict=False)

    @property
    def entry(self) -> Pretraining:
        """The entry in the record."""
        name = self.file.path.name.encode(errors="replace").decode()  # a file name may not be valid text
        counts = {"taken": len(self.taken), "tensors": self.tensors}
        return Pretraining(file=name, sha256=self.file.sha256, names=self.names, **counts)

    def report(self, shown: int | None = None) -> str:
        """A line for the tensors taken, and one for each reason why others were not, with `shown` names (None: all)."""
        lines = [f"encoder {self.encoder}: {self.entry.words}", *self.reasons(shown)]
        return "".join(f"{line}\n" for line in lines)

    def reasons(self, shown: int | None = None) -> Iterator[str]:
        """One line for each reason, for instance `not in the file: 2 (conv1.weight [64, 3, 7, 7], bn1.bias [64])`."""
        for why, group in groupby(sorted(self.remarks, key=lambda remark: remark.why), lambda remark: remark.why):
            tensors = [remark.tensor for remark in group]
            more = ["..."] if len(tensors) > len(tensors[:shown]) else []
            yield f"{why}: {len(tensors)} ({', '.join(tensors[:shown] + more)})"


def weights_file(option: str) -> WeightsFile:
    """The file that `--weights encoder=FILE` names. Raises InputError for other text, or a file that cannot be read."""
    part, _, name = option.partition("=")
    if part != "encoder" or not name:
        raise InputError(f"--weights {option!r}: expected encoder=FILE, for instance --weights encoder=resnet50.pth")
    path = Path(name).expanduser()  # a shell does not expand encoder=~/FILE
    try:
        with path.open("rb") as file:
            return WeightsFile(path, hashlib.file_digest(file, "sha256").hexdigest())
    except OSError as fault:
        raise InputError(
            f"--weights {option}: the file cannot be read ({fault.strerror}); name a readable file"
        ) from fault


def fit_file(file: WeightsFile, part: Part, registry: Registry) -> PretrainedWeights:
    """What the encoder takes from the file; of the naming schemes that it knows, the one with the most matches is used.

    Raises InputError if the file has no named tensors, or fills at most half of the encoder's tensors.
    """
    tensors = tensors_of(file.path)
    encoder = registry.factory("encoders", part)()
    found: list[PretrainedWeights] = []
    for kind in getattr(encoder, "published", OWN):
        with registry.entry("encoders", part.name).blame():
            named = kind.own(tensors)
        found.append(_match(encoder.state_dict(), named, kind, part.name, file))
    best = max(found, key=lambda each: len(each.taken))
    if 2 * len(best.taken) <= best.tensors:
        raise InputError(
            f"--weights encoder={file.path}: it fills {len(best.taken)} of the {best.tensors} tensors of encoder "
            f"{part.name}, expected more than half ({'; '.join(best.reasons(shown=2))}); name a file of this network "
            f"with the names of {' or '.join(each.names for each in found)}, or set the encoder options to fit the file"
        )
    return best


def tensors_of(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, without what a training script may have saved around them.

    Raises InputError for a file without named tensors, and for one that can be read only by running code.
    """
    try:
        content = _safetensors(path) if path.suffix == ".safetensors" else torch.load(path, "cpu", weights_only=True)
    except Exception as fault:  # the readers can raise anything on unknown bytes; all of it is reported
        reason = str(fault).strip().partition("\n")[0]
        raise InputError(
            f"--weights encoder={path}: not a file of tensors alone ({type(fault).__name__}: {reason}); expected "
            ".safetensors, or a state_dict saved by torch.save, because any other pickle may run code"
        ) from fault
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    named = dict(content) if isinstance(content, Mapping) else {}
    found = {name: value for name, value in named.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if not found:
        raise InputError(
            f"--weights encoder={path}: it holds {type(content).__name__} without named tensors; expected a state_dict"
        )
    if all(name.startswith(REPLICATED) for name in found):
        return {name.removeprefix(REPLICATED): value for name, value in found.items()}
    return found


def _safetensors(path: Path) -> dict[str, Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping


def _match(
    state: Mapping[str, Tensor], named: Mapping[str, Tensor], kind: Published, encoder: str, file: WeightsFile
) -> PretrainedWeights:
    """Compare `named`, tensors under the encoder's names, with the encoder's own `state`.

    Only floating-point tensors count: a counter (`num_batches_tracked`) has no effect, and old files lack it.
    """
    expected = {name: value for name, value in state.items() if value.is_floating_point()}
    taken = {
        name: named[name] for name, value in expected.items() if name in named and named[name].shape == value.shape
    }
    left = [_explain(name, value, state, kind.head) for name, value in named.items() if name not in taken]
    absent = [Remark(ABSENT, _describe(name, value)) for name, value in expected.items() if name not in named]
    return PretrainedWeights(encoder, file, kind.names, taken, len(expected), (*left, *absent))


def _explain(name: str, value: Tensor, state: Mapping[str, Tensor], head: Sequence[str]) -> Remark:
    if name not in state:
        return Remark(HEAD if name.startswith(tuple(head)) else UNKNOWN, _describe(name, value))
    if not state[name].is_floating_point():
        return Remark(COUNTER, name)
    return Remark(RESHAPED, f"{_describe(name, value)}, in the encoder {list(state[name].shape)}")


def _describe(name: str, value: Tensor) -> str:
    return f"{name} {list(value.shape)}"
