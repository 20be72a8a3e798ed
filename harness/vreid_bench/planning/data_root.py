"""Where the data of a run is: the user's copy, or the synthetic twin of the data set."""

from __future__ import annotations

import fcntl
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any

from vreid_bench.contracts.dataset import Dataset, TwinReader, VariantReader, WithdrawnReader, mark_synthetic
from vreid_bench.contracts.protocol import Protocol
from vreid_bench.planning.dataset_lists import check_dataset_lists
from vreid_bench.planning.preset import find_copy
from vreid_bench.planning.protocols import find_pair, name_protocol
from vreid_bench.registry.entry import Entry
from vreid_bench.registry.registry import Registry
from vreid_bench.system.cache_folder import cache_folder
from vreid_bench.system.errors import InputError, UnknownName
from vreid_bench.system.progress import tell_once
from vreid_bench.system.terminal import echo

BANNER = """\
No data was named, so this is the SYNTHETIC twin of {}: rendered pedestrians, no real person.
Its scores say nothing about the real data set; name your copy of that with --data or VREID_DATA."""


def open_datasets(
    protocol: Protocol,
    registry: Registry,
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
        entry = registry.find("datasets", name)
        if entry is None:
            problem, known = f"{name_protocol(protocol, registry)} needs the dataset", registry.values("datasets")
            advice = "install its plugin, or correct the protocol"
            raise UnknownName(problem, name, known, advice, after=", which no plugin provides")
        if given is None and name in remembered:
            root = _find_again(entry, remembered[name])
            check_withdrawn(entry.value, name, root, accepted)
        else:
            root, _ = find_root(entry, given, accepted, shelf=len(variants) > 1)
        found[name] = read_dataset(entry, variant, root)
    if len({dataset.source == "synthetic" for dataset in found.values()}) > 1:
        sources = " and ".join(f"{name} is {dataset.source}" for name, dataset in found.items())
        raise InputError(
            f"{protocol.name}: {sources}; a transfer needs both real or both synthetic: "
            f"{_advise_transfer(protocol, registry, found)}"
        )
    return found


def _advise_transfer(protocol: Protocol, registry: Registry, found: Mapping[str, Dataset]) -> str:
    """What to do where one of two data sets is rendered: weights of a twin may be tested on real data by `--from`."""
    [rendered] = [name for name, dataset in found.items() if dataset.source == "synthetic"]
    advice = f"name a copy of {rendered} that is real"
    pair = find_pair(registry.values("protocols"), protocol.name)
    if pair is None or rendered != protocol.dataset or protocol.fine_tune:
        return advice
    return (
        f"{advice}, or train on the twin by `vreid-bench run --plugin METHOD --protocol {pair[0]} --preset small`, and "
        f"test those weights by `vreid-bench run --from runs/<id> --protocol {pair[1]} --data DIR`"
    )


def _find_again(entry: Entry, root: Path) -> Path:
    """The folder of the data of an earlier run; a twin that left the cache is rendered again."""
    if root.exists():
        return root
    if root.parent == _twins():
        with entry.blame():
            return _render_twin(entry.value, entry.name)
    raise InputError(f"{root}: the run used this copy of {entry.name}, which is gone; name where it is now with --data")


def read_dataset(entry: Entry, variant: str, root: Path) -> Dataset:
    """The dataset under `root`, divided as a protocol says.

    Raises InputError if its reader cannot do that, fails, or returns something that cannot be used.
    """
    return mark_synthetic(check_dataset_lists(read_lists(entry, variant, root), entry.title, variant))


def read_lists(entry: Entry, variant: str, root: Path) -> Any:
    """Whatever the reader returns for `root`; of it, only the name is checked.

    Raises InputError if the reader fails, or names a dataset that it is not provided as.
    """
    if variant:
        _check_variant(entry.value, entry.name, variant)
    with entry.blame():
        found = entry.value.read(root, variant) if variant else entry.value.read(root)
    if isinstance(found, Dataset) and isinstance(found.name, str) and found.name != entry.name:
        raise InputError(
            f"{entry.title}: `read` returned a Dataset named {found.name!r}, expected {entry.name!r}, the name under "
            "which it is provided; correct the plugin"
        )
    return found


def _check_variant(reader: Any, name: str, variant: str) -> None:
    known = reader.variants if isinstance(reader, VariantReader) else ()
    if variant not in known:
        raise InputError(
            f"the protocol divides {name} as {variant!r}, but its reader "
            f"offers {', '.join(known) or 'one way only'}; correct the protocol"
        )


def find_root(
    entry: Entry, given: Path | None, accepted: Container[str] = (), *, shelf: bool = False
) -> tuple[Path, bool]:
    """As `data_root`; if the reader's code fails, the InputError names its distribution."""
    with entry.blame():
        try:
            return data_root(entry.value, entry.name, given, accepted, shelf=shelf)
        except OSError as fault:  # such as a full disk, for which no plugin is to blame
            disk = fault
    raise disk


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
        twin = ", or leave it out for the twin" if isinstance(reader, TwinReader) else ""
        raise InputError(f"{option} {named}: no such folder; name your copy of {dataset}{twin}")
    if shelf and not (named / dataset).is_dir():
        option = "--data" if given else "VREID_DATA"
        raise InputError(f"{option} {named}: has no folder {dataset}; expected a folder for each data set, by its name")
    root = _find_on_shelf(named, dataset) if shelf or given is None else named
    check_withdrawn(reader, dataset, root, accepted)
    return root, False


def find_named_copy(dataset: str) -> Path | None:
    """The folder that a run without `--data` reads, as VREID_DATA names it; None if it renders the twin."""
    named = find_copy(None)
    return None if named is None else _find_on_shelf(named.expanduser(), dataset)


def _find_on_shelf(named: Path, dataset: str) -> Path:
    return named / dataset if (named / dataset).is_dir() else named


def find_dataset(registry: Registry, name: str) -> Entry:
    """The reader of that name. Raises InputError with near names, or with the data set of the protocol of that name."""
    found = registry.find("datasets", name)
    protocol = registry.find("protocols", name)
    if found is None and protocol is not None:
        dataset = protocol.value.test_dataset
        raise InputError(f"{name!r} is a protocol, expected a dataset; did you mean {dataset}, which it tests on?")
    return registry.entry("datasets", name)


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
    tell_once(banner)


def _twins() -> Path:
    return cache_folder().absolute() / "twins"


def _render_twin(reader: Any, dataset: str) -> Path:
    if not isinstance(reader, TwinReader):
        raise InputError(f"data set {dataset!r} has no synthetic twin; name your copy with --data or VREID_DATA")
    tell_once(BANNER.format(dataset))
    root = _twins() / f"{dataset}-{reader.twin()[:12]}"
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        with root.with_name(f".{root.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # if several runs begin together, one renders and the others wait
            if not root.exists():
                echo(f"The twin is rendered once, into {root}", err=True)
                reader.synthesize(root)
    return root
