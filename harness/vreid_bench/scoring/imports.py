"""Files and objects of other programs as queries and gallery that can be scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from vreid_bench.contracts.dataset import ATTRIBUTE
from vreid_bench.importing.assembly import Imported, assemble
from vreid_bench.importing.content import Content
from vreid_bench.importing.frames import Pool
from vreid_bench.importing.keys import Side
from vreid_bench.importing.recognition import list_files, read_content
from vreid_bench.importing.shards import join_shards
from vreid_bench.importing.tables import read_frame
from vreid_bench.records.store_arrays import read_store_arrays
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.array_files import is_run_store, is_store
from vreid_bench.scoring.galleries.manifest import is_gallery, read_manifest
from vreid_bench.scoring.index_labels import find_labels
from vreid_bench.scoring.label_source import Index, Pair
from vreid_bench.scoring.labelled_features import LabelledFeatures
from vreid_bench.system.errors import InputError

Plugins = Callable[[], Registry]


def import_files(
    paths: tuple[Path, ...], plugins: Plugins, pool: str | None = None, index: Index | None = None
) -> Imported:
    """What some files, or all files of a folder, hold together; an index has the labels that they lack.

    Raises InputError for what cannot be read.
    """
    contents = _read(paths, "")
    if index is not None:
        contents.append((find_labels(index, [content for content, _ in contents]), ""))
    return assemble(contents, _make(plugins), pool)


def import_sides(query: Path, gallery: Path, plugins: Plugins, given: bool, pool: str | None = None) -> Imported:
    """Queries and gallery from a file each. given: are the distances computed already, so that labels suffice?"""
    sides = [*_read((query,), "query"), *_read((gallery,), "gallery")]
    return assemble(sides, _make(plugins), pool, labels_only=given)


def import_objects(query: Any, gallery: Any, given: bool) -> Pair | Imported:
    """Queries and gallery from mappings or data frames; `gallery` is None where `query` holds both.

    Features that were checked already stay as they are. Raises InputError for anything else.
    """
    if isinstance(query, LabelledFeatures) and isinstance(gallery, LabelledFeatures):
        return Pair(query, gallery)
    if gallery is None and isinstance(query, str | Path):
        return import_files((Path(query),), Registry.installed)
    if gallery is None:
        contents: list[tuple[Content, Side]] = [(_as_content(query, "data"), "")]
    else:
        contents = [(_as_content(query, "query"), "query"), (_as_content(gallery, "gallery"), "gallery")]
    return assemble(contents, _make(Registry.installed), labels_only=given)


def _as_content(value: Any, name: str) -> Content:
    if isinstance(value, LabelledFeatures):
        given = {field: array for field in _FIELDS if (array := getattr(value, field)) is not None}
        return Content(
            name, "mapping", given | {f"{ATTRIBUTE}{name}": texts for name, texts in value.attributes.items()}
        )
    if isinstance(value, Mapping):
        return Content(name, "mapping", value)
    if hasattr(value, "columns"):
        return Content(name, "data frame", read_frame(value))
    raise InputError(
        f"{name}: expected a mapping or a data frame with embedding, pid and camid, got {type(value).__name__}; for "
        'instance {"embedding": features, "pid": ids, "camid": cameras}'
    )


_FIELDS: Sequence[str] = ("embedding", "pid", "camid", "valid", "importance", "person", "camera", "tracklet")


def _read(paths: tuple[Path, ...], side: Side) -> list[tuple[Content, Side]]:
    contents: list[Content] = []
    for path in paths:
        if _is_whole_gallery(path):
            raise InputError(f"{path}: is a gallery in shards; name it with --gallery, and the queries with --query")
        check_one_split(path)
        if is_run_store(path) or (is_store(path) and not path.is_dir()):
            contents.append(Content(str(path), "feature store", read_store_arrays(path), "", path.stem))
        else:
            contents += map(read_content, list_files((path,)))
    return [(content, side) for content in join_shards(contents)]


def _is_whole_gallery(path: Path) -> bool:
    """Is it a folder that `gallery write` made? Other programs name files of theirs `manifest.json`, too."""
    if is_gallery(path):
        with suppress(InputError):
            read_manifest(path)
            return True
    return False


def check_one_split(path: Path) -> None:
    """Raise InputError for the folder of a run that has the features of several splits."""
    splits = sorted(path.glob("split-*/features.safetensors")) if path.is_dir() else []
    if splits and not is_run_store(path):
        raise InputError(f"{path}: has the features of {len(splits)} splits; name those of one, such as {splits[0]}")


def _make(plugins: Plugins) -> Callable[[str], Pool]:
    def make(name: str) -> Pool:
        from vreid_bench.scoring.frame_pool import make_pool  # imports torch

        return make_pool(name, plugins())

    return make


def assemble_labels(contents: Sequence[Content], plugins: Plugins) -> Imported:
    """The labels that some files hold together, with or without features."""
    sides: list[tuple[Content, Side]] = [(content, "") for content in contents]
    return assemble(sides, _make(plugins), labels_only=True)
