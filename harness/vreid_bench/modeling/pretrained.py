"""Pre-trained weights for a part: tensors from a file, matched by their published names or by the part's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from typing import NamedTuple

from torch import Tensor, nn

from vreid_bench.contracts.parts import Published
from vreid_bench.contracts.recipe import Method
from vreid_bench.importing.named_tensors import read_named_tensors
from vreid_bench.modeling.model import Model
from vreid_bench.modeling.weights_option import WeightsFile
from vreid_bench.records.encoder_note import read_encoder_note
from vreid_bench.records.entries import Pretraining
from vreid_bench.registry.entry import blame
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError

HEAD = "left in the file, the classifier"
OTHERS = "left in the file, of another part"
UNKNOWN = "left in the file, no tensor of the {part} has this name"
RESHAPED = "left in the file, of another shape"
COUNTER = "left in the file, not a weight but a counter"
ABSENT = "not in the file"


class Remark(NamedTuple):
    """A tensor that did not come from the file into the part, and why."""

    why: str
    tensor: str  # its name and shape


@dataclass(frozen=True)
class PretrainedWeights:
    """What a part takes from a file, and what it does not."""

    name: str  # of the plugin: `resnet`
    file: WeightsFile
    kind: Published  # whose names the file uses
    taken: Mapping[str, Tensor]  # by the part's name
    expected: tuple[str, ...]  # the names of the tensors that a file may fill
    remarks: tuple[Remark, ...]

    def load(self, part: nn.Module) -> None:
        """Load the file's values into the part; all other values stay as they are."""
        part.load_state_dict(dict(self.taken), strict=False)

    @property
    def entry(self) -> Pretraining:
        """The entry in the record."""
        name = self.file.path.name.encode(errors="replace").decode()  # a file name may not be valid text
        return Pretraining(
            file=name,
            sha256=self.file.sha256,
            names=self.kind.names,
            taken=len(self.taken),
            tensors=len(self.expected),
            shipped=self.file.shipped,
        )

    def report(self, shown: int | None = None) -> str:
        """A line for the tensors taken, and one for each reason why others were not, with `shown` names (None: all)."""
        lines = [f"{self.file.part} {self.name}: {self.entry.words}", *self._compare_hash(), *self.reasons(shown)]
        return "".join(f"{line}\n" for line in lines)

    def reasons(self, shown: int | None = None) -> Iterator[str]:
        """One line for each reason, for instance `not in the file: 2 (conv1.weight [64, 3, 7, 7], bn1.bias [64])`."""
        for why, group in groupby(sorted(self.remarks, key=lambda remark: remark.why), lambda remark: remark.why):
            tensors = [remark.tensor for remark in group]
            more = ["..."] if len(tensors) > len(tensors[:shown]) else []
            yield f"{why}: {len(tensors)} ({', '.join(tensors[:shown] + more)})"

    def fills(self, required: Sequence[str]) -> bool:
        """Does the file fill every tensor whose name fits one of these patterns, and at least one tensor?"""
        absent = [name for name in self.expected if name not in self.taken]
        return bool(self.taken) and not any(fnmatchcase(name, p) for name in absent for p in required)

    def _compare_hash(self) -> Iterator[str]:
        known = self.kind.file
        if known is not None and not self.file.sha256.startswith(known.sha256):
            yield f"not the published {known.name}, whose SHA-256 begins with {known.sha256}"


def fit_files(files: Sequence[WeightsFile], method: Method, registry: Registry) -> tuple[PretrainedWeights, ...]:
    """What the parts of a method take from the files. Raises InputError, as `fit_file` does."""
    if not files:
        return ()
    model = Model(method, registry.factories(method))
    return tuple(
        fit_file(
            file,
            getattr(method, file.part).name,
            getattr(model, file.part),
            model.titles[file.part],
            ("*",) if file.shipped else method.begins.get(file.part, ()),
        )
        for file in files
    )


def fit_file(
    file: WeightsFile, name: str, part: nn.Module, title: str, required: Sequence[str] = ()
) -> PretrainedWeights:
    """What a part takes from a file; of the naming schemes that it knows, the one with the most matches is used.

    A file that `vreid-bench pretrain` wrote has the part's own names and is taken as it is.
    name, title: of the part's plugin. required: patterns of the names that the file must fill. Raises InputError if it
    does not, if nothing in it fits, or if it has no named tensors.
    """
    tensors = read_named_tensors(file.path, file.option).tensors
    found: list[PretrainedWeights] = []
    own = (Published(f"the {file.part} itself"),)
    for kind in own if read_encoder_note(file.path) else getattr(part, "published", own):
        with blame(title):
            named = kind.own(tensors)
        found.append(_match(part.state_dict(), named, kind, name, file))
    best = max(found, key=lambda each: len(each.taken))
    if not best.fills(required):
        expected = f"all of {', '.join(required)}" if required else "at least one"
        raise InputError(
            f"{file.option}: it fills {len(best.taken)} of the {len(best.expected)} tensors of {file.part} {name}, "
            f"expected {'all' if tuple(required) == ('*',) else expected} ({'; '.join(best.reasons(shown=2))}); name a "
            f"file of this network with the names of {' or '.join(each.kind.names for each in found)}, or set the "
            f"options of the {file.part} to fit the file"
        )
    return best


def _match(
    state: Mapping[str, Tensor], named: Mapping[str, Tensor], kind: Published, name: str, file: WeightsFile
) -> PretrainedWeights:
    """Compare `named`, tensors under the part's names, with the part's own `state`.

    Only floating-point tensors count: a counter (`num_batches_tracked`) has no effect, and old files lack it.
    """
    expected = {name: value for name, value in state.items() if value.is_floating_point()}
    taken = {
        name: named[name] for name, value in expected.items() if name in named and named[name].shape == value.shape
    }
    left = [_explain(tensor, named[tensor], state, kind, file.part) for tensor in named if tensor not in taken]
    absent = [Remark(ABSENT, _describe(name, value)) for name, value in expected.items() if name not in named]
    return PretrainedWeights(name, file, kind, taken, tuple(expected), (*left, *absent))


def _explain(name: str, value: Tensor, state: Mapping[str, Tensor], kind: Published, part: str) -> Remark:
    if name not in state:
        whose = HEAD if name.startswith(kind.head) else OTHERS if name.startswith(kind.others) else UNKNOWN
        return Remark(whose.format(part=part), _describe(name, value))
    if not state[name].is_floating_point():
        return Remark(COUNTER, name)
    return Remark(RESHAPED, f"{_describe(name, value)}, in the {part} {list(state[name].shape)}")


def _describe(name: str, value: Tensor) -> str:
    return f"{name} {list(value.shape)}"
