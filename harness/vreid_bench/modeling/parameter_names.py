"""Which parameters learn in a stage: those that the patterns of its recipe choose, by their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from torch import nn

from vreid_bench.contracts.recipe import Train
from vreid_bench.system.errors import InputError, UnknownName

Names = Mapping[str, Sequence[str]]
"""The parameters of each part, by name: `encoder`, `aggregator`, `matcher` and `loss.<name>`."""


def name_parameters(parts: Mapping[str, nn.Module]) -> dict[str, list[str]]:
    """The names of the parameters of each part: `encoder` -> `encoder.…`."""
    return {key: [f"{key}.{name}" for name, _ in part.named_parameters()] for key, part in parts.items()}


def choose_parameters(names: Names, stage: Train, where: str) -> list[str]:
    """The names of the parameters that learn in a stage; `where` is the path of the stage in its method.

    Raises InputError if a pattern matches no parameter or if nothing learns.
    """
    every = [name for each in names.values() for name in each]
    for setting, patterns in (("train", stage.train), ("freeze", stage.freeze)):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in every):
                empty = [part for part, each in names.items() if not each and _may_name(pattern, part)]
                if not empty:
                    raise UnknownName(f"{where}.{setting}: no parameter is named", pattern, every)
                alone = setting == "train" and not any(stage.trains(name) for name in every)
                raise InputError(_explain(f"{where}.{setting}", pattern, empty, names, alone=alone))
    chosen = [name for name in every if stage.trains(name)]
    if not chosen:
        given = f"train {list(stage.train)} and freeze {list(stage.freeze)}"
        raise InputError(f"{where}: {given} leave no parameter to learn; train more or freeze less")
    return chosen


def _may_name(pattern: str, part: str) -> bool:
    """Is the pattern for names of that part, whatever follows?"""
    return pattern.startswith(f"{part}.") or fnmatchcase(f"{part}.", pattern)


def _explain(where: str, pattern: str, empty: Sequence[str], names: Names, *, alone: bool) -> str:
    """Why a pattern for parts without parameters does nothing, and what to do."""
    has = "have" if empty[1:] else "has"
    found = f"{where}: {pattern!r} matches no parameter, because {_list(empty, 'and')} {has} none"
    if not alone:
        return f"{found}; leave it out"
    full = [part for part, each in names.items() if each]
    loss = ", or choose a loss that has parameters" if any(part.startswith("loss.") for part in empty) else ""
    instead = f'; train {_list(full, "or")} instead ("{full[0]}.*"){loss}' if full else ""
    return f"{found}, so nothing would learn in this stage{instead}"


def _list(parts: Sequence[str], word: str) -> str:
    """`loss.oim`, `encoder` -> "loss 'oim' and the encoder"."""
    losses = (part.partition(".")[2] for part in parts)
    titles = [f"loss {loss!r}" if loss else f"the {part}" for part, loss in zip(parts, losses, strict=True)]
    return f" {word} ".join([", ".join(titles[:-1]), titles[-1]] if titles[1:] else titles)
