"""The weights of a checkpoint of another program (`--checkpoint FAMILY:FILE`): tested, never trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from vreid_bench.contracts.checkpoint import Checkpoint, CheckpointFamily, Shapes
from vreid_bench.contracts.recipe import Method, Part
from vreid_bench.planning.checkpoint_files import Content, hash_content, read_tensors
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.records.entries import Weights
from vreid_bench.registry.assignments import override, parse_part
from vreid_bench.registry.entry import Entry, blame, sign
from vreid_bench.registry.registry import Registry
from vreid_bench.registry.settings import list_places
from vreid_bench.system.counting import plural
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.progress import tell_once

if TYPE_CHECKING:  # planning imports torch only for runs that need it
    from torch import Tensor

    from vreid_bench.modeling.model import Model

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
        tensors = f"{self.taken} {plural(self.taken, 'tensor')}"
        told = [f"not trained here: {tensors} of {name} ({self.family}, sha256 {self.sha256})"]
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
    path = Path(file).expanduser()  # a shell does not expand torchreid:~/FILE
    content, read = _open(registry, request, entry, path)
    with entry.blame(), sign(request.option):
        checkpoint = read({name: tuple(tensor.shape) for name, tensor in content.tensors.items()})
        declared = registry.resolve_method(checkpoint.method)
        method, overrides = override(declared, request.assignments, registry)
    found, state = _fit(registry, request, checkpoint, method, content.tensors)
    left = tuple(name for name in content.tensors if checkpoint.leaves(name))
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
    weights = CheckpointWeights(name, path, content.sha256, checkpoint, {**state, **found}, len(found), left)
    if not request.quiet:
        tell_once(weights.disclosure)
    return chosen, weights


def _open(
    registry: Registry, request: CheckpointRequest, entry: Entry, path: Path
) -> tuple[Content, Callable[[Shapes], Checkpoint]]:
    """What a path holds, and the function that takes its shapes. Raises InputError if it is of another family."""
    family: CheckpointFamily = entry.value
    families: dict[str, CheckpointFamily] = registry.values("checkpoints")
    forms = [name for name, each in families.items() if _has_form(each, path)]
    if forms and entry.name not in forms:
        raise InputError(
            f"{request.option}: it is no file of {entry.name}; it looks like {' or '.join(forms)}: --checkpoint "
            f"{forms[0]}:{request.text.partition(':')[2]}"
        )
    if forms and family.container:
        with entry.blame(), sign(request.option):
            opened = family.container.open(path)
        if opened.tensors is not None:
            return Content(opened.tensors, hash_content(opened.file, request.option), {}), opened.read
        return read_tensors(opened.file, request.option), opened.read
    content = read_tensors(path, request.option)
    shapes = {name: tuple(tensor.shape) for name, tensor in content.tensors.items()}
    alike = _recognise(registry, shapes)
    if entry.name not in alike:
        raise InputError(_describe_stranger(registry, request, entry.name, shapes, alike))
    return content, lambda shapes: family.describe(shapes, content.beside)


def _has_form(family: CheckpointFamily, path: Path) -> bool:
    """Does a path have the other form of a family?"""
    try:
        return family.container is not None and family.container.matches(path)
    except OSError:  # the reader of tensors says that the file cannot be read, and why
        return False


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
    absent = min(([each for each in signs if each not in shapes] for signs in family.signs), key=len, default=[])
    lacks = f"{name} has {', '.join(absent[:SHOWN])}, which the file lacks; " if absent else ""
    return (
        f"{found}, nor of any other family of `vreid-bench list checkpoints`; {lacks}name a file of one of them, or "
        "write a family for it (docs/checkpoints.md)"
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
    theirs = {name: checkpoint.rename(name) for name in tensors}
    found = {ours: tensors[name] for name, ours in theirs.items() if ours is not None}
    expected = {n: tuple(value.shape) for n, value in state.items() if value.is_floating_point() or n in found}
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
