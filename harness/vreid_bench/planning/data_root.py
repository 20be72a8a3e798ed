"""Where the data of a run is: the user's copy, or the synthetic twin of the data set."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

import click
import platformdirs

from vreid_bench.contracts.dataset import Dataset, TwinReader, VariantReader, WithdrawnReader, mark_synthetic
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.system.errors import InputError

BANNER = """\
No data was named, so this is the SYNTHETIC twin of {}: rendered pedestrians, no real person.
Its scores say nothing about the real data set; name your copy of that with --data or VREID_DATA."""


def open_datasets(
    protocol: Protocol,
    readers: Mapping[str, Any],
    given: Path | None,
    accepted: Container[str],
    remembered: Mapping[str, Path],
) -> dict[str, Dataset]:
    """The datasets of a protocol, by name.

    remembered: the folders of the data of an earlier run, by name; they are used if `given` (`--data`) is None.
    Raises InputError if one cannot be read, or if one is real and another rendered: a table never mixes the two.
    """
    variants = {protocol.dataset: protocol.variant}
    if protocol.target:
        variants[protocol.target] = protocol.target_variant
    found = {}
    for name, variant in variants.items():
        if name not in readers:
            raise InputError(f"protocol {protocol.name!r} needs the dataset {name!r}, which no plugin provides")
        if given is None and name in remembered:
            root = _find_again(readers[name], name, remembered[name])
            check_withdrawn(readers[name], name, root, accepted)
        else:
            root, _ = data_root(readers[name], name, given, accepted, shelf=len(variants) > 1)
        found[name] = read_dataset(readers[name], name, variant, root)
    if len({dataset.source == "synthetic" for dataset in found.values()}) > 1:
        sources = " and ".join(f"{name} is {dataset.source}" for name, dataset in found.items())
        raise InputError(f"{protocol.name}: {sources}; transfer needs both real or both synthetic")
    return found


def _find_again(reader: Any, name: str, root: Path) -> Path:
    """The folder of the data of an earlier run; a twin that left the cache is rendered again."""
    if root.exists():
        return root
    if root.parent == _twins():
        return _render_twin(reader, name)
    raise InputError(f"{root}: the run used this copy of {name}, which is gone; name where it is now with --data")


def read_dataset(reader: Any, name: str, variant: str, root: Path) -> Dataset:
    """The dataset under `root`, divided as a protocol says. Raises InputError if its reader cannot do that."""
    if not variant:
        plain: Dataset = reader.read(root)
        return mark_synthetic(plain)
    known = reader.variants if isinstance(reader, VariantReader) else ()
    if variant not in known:
        raise InputError(
            f"the protocol divides {name} as {variant!r}, but its reader "
            f"offers {', '.join(known) or 'one way only'}; correct the protocol"
        )
    divided: Dataset = reader.read(root, variant)
    return mark_synthetic(divided)


def data_root(
    reader: Any, dataset: str, given: Path | None, accepted: Container[str] = (), *, shelf: bool = False
) -> tuple[Path, bool]:
    """The folder of a data set, and whether it is the synthetic twin.

    The user's copy is `given` (`--data`), else VREID_DATA: the folder of the data set, or a shelf, which holds a folder
    of each data set under its name. A run on several data sets needs a `shelf`. With neither, the twin is rendered
    into the cache, once. Raises InputError if the folder does not exist, if the data set has no twin, or if the data
    was withdrawn and its name is not among the `accepted`.
    """
    named = find_copy(given)
    if named is None:
        return _render_twin(reader, dataset), True
    named = named.expanduser()
    if not named.exists():
        option = "--data" if given else "VREID_DATA"
        raise InputError(f"{option} {named}: no such folder; name your copy of {dataset}, or leave it out for the twin")
    if shelf and not (named / dataset).is_dir():
        option = "--data" if given else "VREID_DATA"
        raise InputError(f"{option} {named}: has no folder {dataset}; expected a folder for each data set, by its name")
    on_shelf = shelf or (given is None and (named / dataset).is_dir())
    root = named / dataset if on_shelf else named
    check_withdrawn(reader, dataset, root, accepted)
    return root, False


def find_copy(given: Path | None) -> Path | None:
    """The user's copy: `given` (`--data`), else VREID_DATA; None if neither names one, so that the twin is used."""
    variable = os.environ.get("VREID_DATA")
    return given or (Path(variable) if variable else None)


def check_withdrawn(reader: Any, dataset: str, root: Path, accepted: Container[str]) -> None:
    """Print to stderr that the data was withdrawn. Raises InputError if the user has not accepted that."""
    banner = reader.withdrawn(root) if isinstance(reader, WithdrawnReader) else ""
    if not banner:
        return
    if dataset not in accepted:
        raise InputError(
            f"{root}: {banner} It is read only on request: repeat the command with --accept-withdrawn {dataset} if "
            "you may use it, or leave out --data to use the synthetic twin"
        )
    click.echo(banner, err=True)


def cache() -> Path:
    """The user's cache folder, or VREID_CACHE."""
    return Path(os.environ.get("VREID_CACHE") or platformdirs.user_cache_dir("vreid-bench"))


def _twins() -> Path:
    return cache().absolute() / "twins"


def _render_twin(reader: Any, dataset: str) -> Path:
    if not isinstance(reader, TwinReader):
        raise InputError(f"data set {dataset!r} has no synthetic twin; name your copy with --data")
    click.echo(BANNER.format(dataset), err=True)
    root = _twins() / f"{dataset}-{reader.twin()[:12]}"
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        with root.with_name(f".{root.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # if several runs begin together, one renders and the others wait
            if not root.exists():
                click.echo(f"The twin is rendered once, into {root}", err=True)
                reader.synthesize(root)
    return root
