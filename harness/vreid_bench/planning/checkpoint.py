"""The weights of a checkpoint of another program (`--checkpoint FAMILY:FILE`): tested, never trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from vreid_bench.contracts.checkpoint import Checkpoint, CheckpointFamily, Shapes
from vreid_bench.contracts.recipe import Method, Part
from vreid_bench.modeling.weights_option import hash_file
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.records.entries import Weights
from vreid_bench.registry.assignments import override, parse_part
from vreid_bench.registry.entry import blame, sign
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import list_places
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.progress import tell_once

if TYPE_CHECKING:  # planning imports torch only for runs that need it
    from torch import Tensor

    from vreid_bench.modeling.model import Model

WRAPPERS = ("state_dict", "model", "model_state_dict")  # keys under which programs save the tensors
REPLICATED = "module."  # what torch.nn.DataParallel puts in front of every name
SHOWN = 3  # names in a message


class CheckpointRequest(NamedTuple):
    """What a command says of a checkpoint and its test."""

    text: str  # FAMILY:FILE
    assignments: Sequence[str] = ()  # `--set`
    rerank: str | None = None
    quiet: bool = False

    @property
    def option(self) -> str:
        """How messages name it."""
        return f"--checkpoint {self.text}"


@dataclass(frozen=True)
class CheckpointWeights:
    """A `Source` that takes all weights from a file of another program."""

    family: str
    path: Path
    sha256: str
    checkpoint: Checkpoint
    state: Mapping[str, Tensor]  # of the model: the file's values, and counters
    taken: int  # how many tensors of the model are the file's: all of floating point
    left: tuple[str, ...]  # names that stay in the file

    trains = False
    precision = None

    @property
    def fingerprints(self) -> dict[str, str]:
        """The sha256 of the file."""
        return {f"checkpoint {self.family}": self.sha256}

    @cached_property
    def _folder(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory(prefix="vreid-checkpoint-")

    def weights(self, fold: int) -> Path:
        """A file of the model's own form with the checkpoint's values; the same for every fold."""
        from vreid_bench.records.note import MADE_BY
        from vreid_bench.records.tensors import pack_tensors

        path = Path(self._folder.name, "weights.safetensors")
        if not path.exists():
            write_atomic(path, pack_tensors(dict(self.state), {MADE_BY: ""}))
        return path

    def begin(self, model: Model) -> None:
        """Do nothing: these weights are already trained."""

    @property
    def disclosure(self) -> str:
        """What a reader of the record must know, in words."""
        name = self.path.name.encode(errors="replace").decode()
        told = [f"not trained here: {self.taken} tensors of {name} ({self.family}, sha256 {self.sha256})"]
        told += [f"tensors left in the file, such as class heads: {len(self.left)}"] if self.left else []
        return "; ".join([*told, "what it was trained on is not known", *self.checkpoint.notes])[:2000]

    def report(self) -> str:
        """What was read of the file and what was not, name by name."""
        told = [self.disclosure, f"left in the file: {len(self.left)} ({', '.join(self.left)})"]
        return "".join(f"{line}\n" for line in told)

    def entry(self, sha256: str) -> Weights:
        """The entry for weights that nobody here trained."""
        return Weights(
            sha256=sha256,
            origin="file",
            trained_by=None,
            trained_under=None,
            trained_as=(),
            precision=None,
            pretrained=None,
        )


def open_checkpoint(registry: Registry, request: CheckpointRequest) -> tuple[ChosenMethod, CheckpointWeights]:
    """Read a checkpoint, and the method that it belongs to.

    Raises InputError for other text than FAMILY:FILE, an unknown family, a file that cannot be read without running
    code, and one whose tensors do not fit: it says which family the file looks like and what differs.
    """
    name, colon, file = request.text.partition(":")
    if not colon or not name or not file:
        raise InputError(
            f"{request.option}: expected FAMILY:FILE, for instance torchreid:model.pth.tar-60; `vreid-bench list "
            "checkpoints` shows the families"
        )
    entry = registry.entry("checkpoints", name)
    family: CheckpointFamily = entry.value
    path = Path(file).expanduser()  # a shell does not expand torchreid:~/FILE
    tensors, sha256 = read_tensors(path, request.option)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    alike = _recognise(registry, shapes)
    if name not in alike:
        raise InputError(_describe_stranger(registry, request, name, shapes, alike))
    with entry.blame(), sign(request.option):
        checkpoint = family.read(shapes)
        declared = registry.resolve_method(checkpoint.method)
        method, overrides = override(declared, request.assignments, registry)
    found, state = _fit(registry, request, checkpoint, method, tensors)
    left = tuple(name for name in tensors if checkpoint.leaves(name))
    reranker = None if request.rerank is None else parse_part("rerankers", request.rerank, registry)
    parts = [(kind, part) for _, kind, part, _ in list_places(method) if isinstance(part, Part)]
    parts += [("rerankers", reranker)] if reranker else []
    chosen = ChosenMethod(
        name=name,
        swapped="",
        preset="paper",
        method=method,
        inherited=declared,
        overrides=overrides,
        providers=registry.providers(entry, parts),
        reranker=reranker,
    )
    weights = CheckpointWeights(name, path, sha256, checkpoint, {**state, **found}, len(found), left)
    if not request.quiet:
        tell_once(weights.disclosure)
    return chosen, weights


def read_tensors(path: Path, option: str) -> tuple[dict[str, Tensor], str]:
    """The floating-point tensors of a file by name, without what is saved around them; and the file's sha256.

    NumPy scalars and arrays beside the tensors are read, code is not. Raises InputError for any other file; `option`
    names it in messages.
    """
    from torch import Tensor

    from vreid_bench.importing.torch_files import read_torch

    try:
        sha256 = hash_file(path)
    except OSError as fault:
        raise InputError(f"{option}: the file cannot be read ({fault.strerror}); name a readable file") from fault
    try:
        content: Any = _read_safetensors(path) if path.suffix == ".safetensors" else read_torch(path)
    except Exception as fault:  # the readers can raise anything on unknown bytes; all of it is reported
        reason = " ".join(str(fault).split())[:300]
        raise InputError(
            f"{option}: not a file of tensors, numbers and texts ({type(fault).__name__}: {reason}); expected a "
            "checkpoint of torch.save or .safetensors, because anything else may run code; save its state_dict alone"
        ) from fault
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    named = content if isinstance(content, Mapping) else {}
    found = {name: value for name, value in named.items() if isinstance(name, str) and isinstance(value, Tensor)}
    found = {name: value for name, value in found.items() if value.is_floating_point()}
    if not found:
        raise InputError(
            f"{option}: it holds {type(content).__name__} without named tensors; expected a state_dict, alone or "
            f"under one of the keys {', '.join(WRAPPERS)}"
        )
    if all(name.startswith(REPLICATED) for name in found):
        found = {name.removeprefix(REPLICATED): value for name, value in found.items()}
    return found, sha256


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _recognise(registry: Registry, shapes: Shapes) -> list[str]:
    """The families with the most signs in a file; a family may have all signs of another one and more of its own."""
    counts = {name: family.count_signs(shapes) for name, family in registry.values("checkpoints").items()}
    most = max(counts.values(), default=0)
    return [name for name, count in counts.items() if count == most > 0]


def _describe_stranger(
    registry: Registry, request: CheckpointRequest, name: str, shapes: Shapes, alike: Sequence[str]
) -> str:
    """Why a file is not of the family that was named, and which one it looks like."""
    first = ", ".join(f"{tensor} {list(shape)}" for tensor, shape in list(shapes.items())[:SHOWN])
    found = f"{request.option}: found {len(shapes)} tensors ({first}, ...), which are not of {name}"
    if alike:
        file = request.text.partition(":")[2]
        return f"{found}; it looks like {' or '.join(alike)}: --checkpoint {alike[0]}:{file}"
    family: CheckpointFamily = registry.get("checkpoints", name)
    absent = min(([each for each in signs if each not in shapes] for signs in family.signs), key=len)
    return (
        f"{found}, nor of any other family of `vreid-bench list checkpoints`; {name} has {', '.join(absent[:SHOWN])}, "
        "which the file lacks; name a file of one of them, or write a family for it (docs/checkpoints.md)"
    )


def _fit(
    registry: Registry,
    request: CheckpointRequest,
    checkpoint: Checkpoint,
    method: Method,
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The file's tensors by their names in the model, and the state of that model before it takes them.

    Raises InputError if a tensor is missing, unexpected, of another shape or not finite.
    """
    from vreid_bench.modeling.model import Model

    with blame(f"{request.option}: its method"):
        state = Model(method, registry.factories(method)).state_dict()
    expected = {name: tuple(value.shape) for name, value in state.items() if value.is_floating_point()}
    theirs = {name: checkpoint.rename(name) for name in tensors}
    found = {ours: tensors[name] for name, ours in theirs.items() if ours is not None}
    missing = [f"{name} {list(shape)}" for name, shape in expected.items() if name not in found]
    unexpected = [
        f"{name} {list(tensors[name].shape)}"
        for name, ours in theirs.items()
        if ours not in expected and not checkpoint.leaves(name)
    ]
    reshaped = [
        f"{name} found {list(found[name].shape)}, expected {list(shape)}"
        for name, shape in expected.items()
        if name in found and tuple(found[name].shape) != shape
    ]
    faults = (("missing", missing), ("unexpected", unexpected), ("of another shape", reshaped))
    told = [
        f"{what}: {len(each)} ({', '.join(each[:SHOWN])}{', ...' * (len(each) > SHOWN)})"
        for what, each in faults
        if each
    ]
    if told:
        fits = len(expected) - len(missing) - len(reshaped)
        network = method.paper or method.encoder.name
        raise InputError(
            f"{request.option}: looks like {network}, but {fits} of {len(expected)} tensors fit; {'; '.join(told)}; "
            "name a file of this network, or write a family for it (docs/checkpoints.md)"
        )
    broken = [name for name, value in found.items() if not bool(value.isfinite().all())]
    if broken:
        raise InputError(
            f"{request.option}: {broken[0]} has values that are not finite; expected numbers; name an undamaged file"
        )
    # copies, because tensors of a file may share their memory, or lie in it in any order
    own = {name: value.to(state[name].dtype).clone().contiguous() for name, value in found.items()}
    return own, state
