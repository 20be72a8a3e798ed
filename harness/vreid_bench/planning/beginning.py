"""What training begins from: published weights in a file of the user, or weights that the package of a part ships."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from vreid_bench.contracts.recipe import LOADABLE, Method, Part, describe_part
from vreid_bench.contracts.weight_file import WeightFile
from vreid_bench.modeling.weights_option import WeightsFile, hash_file, open_weights
from vreid_bench.planning.method import ChosenMethod
from vreid_bench.planning.preset import DEFAULT_ON
from vreid_bench.records.encoder_note import read_encoder_note
from vreid_bench.registry.registry import Registry
from vreid_bench.system.errors import InputError
from vreid_bench.system.progress import tell_once


class FirstWeights(NamedTuple):
    """Published weights that a part of a method begins from."""

    part: str  # encoder, aggregator or matcher
    name: str  # of the plugin: `resnet`
    files: tuple[WeightFile, ...]  # each of them serves

    @property
    def words(self) -> str:
        """The files on one line."""
        return " or ".join(file.words for file in self.files)


def list_first_weights(method: Method, registry: Registry) -> Iterator[FirstWeights]:
    """The published weights that a method begins from; a part without published files begins from random weights."""
    for part in LOADABLE:
        if part in method.begins:
            name = getattr(method, part).name
            files = registry.entry(f"{part}s", name).files
            if files:
                yield FirstWeights(part, name, files)


class UnfitFiles(NamedTuple):
    """A part that begins from random weights though its package ships files: these are of other parts or options."""

    kind: str  # encoder, aggregator or matcher
    part: Part
    files: tuple[tuple[Path, Part | None], ...]  # with what each was written for; None: `pretrain` did not write it

    @property
    def words(self) -> str:
        """What was found and what was expected, on one line."""
        found = (f"{path.name} is {_describe_origin(part)}" for path, part in self.files)
        return f"random weights, as {', '.join(found)}, and this is {describe_part(self.part)}"


def _describe_origin(part: Part | None) -> str:
    return f"of {describe_part(part)}" if part else "no file of `vreid-bench pretrain`"


def find_shipped(method: Method, registry: Registry, *, used: bool = True) -> Iterator[WeightsFile | UnfitFiles]:
    """The weights that a method begins from and that the packages of its parts ship.

    A part whose package has none for exactly its options begins from random weights. Raises InputError for a file whose
    note is not valid, and for one that cannot be read, unless it is not used: `pretrain` is to write it first.
    """
    for kind in method.shipped:
        part = registry.resolve(f"{kind}s", getattr(method, kind))
        entry = registry.entry(f"{kind}s", part.name)
        unfit: list[tuple[Path, Part | None]] = []
        for path in map(Path, entry.shipped):
            try:
                sha256 = hash_file(path)
            except OSError as fault:
                if not used:
                    yield WeightsFile(kind, path, "", shipped=True)
                    break
                raise InputError(
                    f"{entry.title}: its shipped weights {path} cannot be read ({fault.strerror}); install its package "
                    "again, write the file with `vreid-bench pretrain`, or begin from random weights with "
                    "--from-scratch"
                ) from fault
            note = read_encoder_note(path)
            if note is not None and note.part == part:
                yield WeightsFile(kind, path, sha256, shipped=True)
                break
            unfit.append((path, None if note is None else note.part))
        else:
            if unfit:
                yield UnfitFiles(kind, part, tuple(unfit))


@dataclass(frozen=True)
class Beginning:
    """What the parts of a method begin from, decided before data is read."""

    files: tuple[WeightsFile, ...]  # of `--weights`, and shipped ones
    missing: tuple[FirstWeights, ...]  # that the method begins from, and the user has not named
    from_scratch: bool  # `--from-scratch`: they may be missing
    unused: tuple[WeightsFile, ...] = ()  # shipped ones that it leaves out
    unfit: tuple[UnfitFiles, ...] = ()  # shipped ones that are not for its parts

    @classmethod
    def choose(cls, chosen: ChosenMethod, registry: Registry, weights: Sequence[str], from_scratch: bool) -> Beginning:
        """From the options `--weights` and `--from-scratch`. Raises InputError for a file that cannot be read."""
        files = open_weights(weights)
        given = {file.part for file in files}
        missing = [each for each in list_first_weights(chosen.method, registry) if each.part not in given]
        found = list(find_shipped(chosen.method, registry, used=not from_scratch))
        shipped = tuple(each for each in found if isinstance(each, WeightsFile) and each.part not in given)
        unfit = tuple(each for each in found if isinstance(each, UnfitFiles) and each.kind not in given)
        begins, unused = ((), shipped) if from_scratch else (shipped, ())
        return cls((*files, *begins), tuple(missing), from_scratch, unused, () if from_scratch else unfit)

    @property
    def scratch(self) -> tuple[str, ...]:
        """The parts that begin from random weights though the method does not."""
        given_up = (*(each.part for each in self.missing), *(each.part for each in self.unused))
        return given_up if self.from_scratch else ()

    def check(self, chosen: ChosenMethod, *, asked: bool) -> None:
        """Raises InputError that names the files if some are missing, unless the run is to begin from scratch.

        asked: the preset was asked for, it is not the default.
        """
        if self.missing and not self.from_scratch:
            needs = "; ".join(f"{each.part} {each.name} from {each.words}" for each in self.missing)
            options = " ".join(f"--weights {each.part}=FILE" for each in self.missing)
            copy, scratch = f"name your copy with {options}", "train from random weights with --from-scratch"
            small = "train a small network with --preset small"
            # first what needs no file and no more than a CPU
            ways = f"{small}, {copy}, or {scratch}" if chosen.preset == "paper" else f"{scratch}, or {copy}"
            preset = f"--preset {chosen.preset}{'' if asked else f', the default on {DEFAULT_ON[chosen.preset]}'}"
            raise InputError(f"{preset}: {chosen.name} begins from published weights: {needs}; {ways}")

    def tell_unfit(self) -> None:
        """Print to stderr which shipped files are not for the parts of the method."""
        for each in self.unfit:
            tell_once(f"note: {each.kind} from {each.words}")

    def describe(self) -> dict[str, str]:
        """Part -> the weights that are missing or do not fit, and what happens without them."""
        without = "random weights, as --from-scratch says; the method begins from {}"
        needed = "{}: --weights {}=FILE names your copy, --from-scratch does without"
        text = without if self.from_scratch else needed
        missing = {each.part: text.format(each.words, each.part) for each in self.missing}
        unfit = {each.kind: each.words for each in self.unfit}
        return missing | unfit | {each.part: without.format(each.path.name) for each in self.unused}
