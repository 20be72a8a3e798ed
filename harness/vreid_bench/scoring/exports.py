"""Writes the features, the distances or the ranking of a run in the forms that other programs read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vreid_bench.contracts.dataset import ATTRIBUTE
from vreid_bench.importing.content import Array
from vreid_bench.importing.hdf5 import to_hdf5
from vreid_bench.importing.matlab import to_matlab
from vreid_bench.importing.rankings import WRITERS, RankedQuery
from vreid_bench.importing.tables import to_csv, to_parquet
from vreid_bench.importing.torch_files import to_torch
from vreid_bench.importing.trec import to_qrels
from vreid_bench.records.npz import to_npz
from vreid_bench.registry.registry import Registry
from vreid_bench.scoring.distances import Precision, VectorDistances, parse_metric
from vreid_bench.scoring.galleries.sharded_score import is_sharded
from vreid_bench.scoring.inputs import Inputs
from vreid_bench.scoring.label_source import LabelSource, Listing, Pair
from vreid_bench.scoring.matches_and_junk import GalleryRule, assign_roles
from vreid_bench.scoring.ranks.labels import Ints, Labels
from vreid_bench.scoring.stored_run import check_stored_test
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic
from vreid_bench.system.terminal import echo

Arrays = dict[str, Array]
AS_LISTED = GalleryRule(None)


class Side(NamedTuple):
    """The columns of one side of a test: numbers, by which other programs compare labels, and the names of these."""

    pid: Ints
    camid: Ints | None  # None, as `camera`, where no cameras are known
    person: Array
    camera: Array | None
    tracklet: Array
    attributes: Mapping[str, Array]  # by name; empty where a tracklet has none

    @classmethod
    def of(cls, labels: Labels, rows: Ints, cameras: bool) -> Side:
        """The columns of some test tracklets. cameras: is it known which saw them?"""
        names = labels.names(rows)
        attributes = {name: texts[rows] for name, texts in sorted(labels.attributes.items())}
        camid, camera = (labels.camids[rows], names["camera"]) if cameras else (None, None)
        return cls(labels.pids[rows], camid, names["person"], camera, names["tracklet"], attributes)


class Exported(NamedTuple):
    """A test with one vector for each tracklet."""

    labels: Labels
    query: Side
    gallery: Side
    vectors: VectorDistances


def read_test(inputs: Inputs, metric: str | None, dtype: Precision = "float32", *, ranked: bool = False) -> Exported:
    """The features and labels of a run, or of the files that `score` reads.

    ranked: is every query to search the whole gallery? Raises InputError where there are none, where clips are compared
    in pairs, and for a run whose queries do not do that.
    """
    for path in inputs.paths:
        if is_sharded(path):
            raise InputError(f"{path}: is a gallery in shards, which only `score` reads; name one file with all of it")
        if ranked:
            check_stored_test(path)
    source: LabelSource
    if inputs.store is not None:
        source = Listing.from_file(inputs.store, None)
    else:
        imported = inputs.read(Registry.installed)
        if imported.parts:
            raise InputError(
                f"{', '.join(imported.files)}: has a vector for each body part, which no form of `export` holds; "
                "score the file itself"
            )
        source = Pair.of(imported)
        source.check_once()
    chosen = metric or source.metric
    if chosen is None:
        raise InputError(
            f"{inputs.store}: the run compared clips in pairs, not vectors; name a --metric to compare their means"
        )
    labels = source.labels
    vectors = VectorDistances.of(*source.vectors(dtype), parse_metric(chosen))
    cameras = not isinstance(source, Pair) or source.query.has_cameras
    query, gallery = (Side.of(labels, rows, cameras) for rows in (labels.query, labels.gallery))
    return Exported(labels, query, gallery, vectors)


def export_features(test: Exported, form: str, out: Path) -> tuple[Path, ...]:
    """Write the vectors with their labels; returns the files. No form has the metric, so a line on stderr names it."""
    write_atomic(out, FEATURES[form](test))
    if (metric := test.vectors.metric) != Pair.metric:
        echo(f"note: score these features with --metric {metric}; without it, {Pair.metric} is taken", err=True)
    return (out,)


def export_distances(test: Exported, form: str, out: Path) -> tuple[Path, ...]:
    """Write the distances [Q, G] with their labels; returns the files."""
    matrix = np.concatenate([tile for _, tile in test.vectors.tiles()])
    write_atomic(out, DISTANCES[form](test, matrix))
    return (out,)


def export_ranking(test: Exported, form: str, out: Path) -> tuple[Path, ...]:
    """Write the gallery's order for each query; for TREC beside it the qrels, `<out>.qrels`. Returns the files.

    Raises InputError for names that the form cannot hold.
    """
    names, queries = test.gallery.tracklet.tolist(), test.query.tracklet.tolist()
    if len(set(names)) < len(names) or len(set(queries)) < len(queries):
        raise InputError("two tracklets have one name, by which a ranking is read; export --features or --distances")
    if "tracklet" not in test.labels.named:
        echo(
            "note: tracklets have no names here, so the ranking has row numbers, and `score` needs them in a column "
            "tracklet of the labels",
            err=True,
        )
    people = dict(zip(names, test.gallery.person.tolist(), strict=True))
    people |= dict(zip(queries, test.query.person.tolist(), strict=True))
    if form != "grew" and form != "hid":
        spaced = next((name for name in [*names, *queries] if any(c in " \t,;" for c in name)), None)
        if spaced is not None:
            raise InputError(
                f"the tracklet {spaced!r} has a blank, comma or semicolon in its name, which the form cannot hold"
            )
    lists: list[RankedQuery] = []
    matches: dict[str, list[str]] = {}
    for query, order, match in _rank(test, junk=form not in ("trec", "grew", "hid")):
        lists.append(RankedQuery(queries[query], [names[item] for item in order]))
        matches[queries[query]] = [names[item] for item in match]
    write_atomic(out, WRITERS[form](lists, people))
    if form != "trec":
        return (out,)
    qrels = out.with_name(f"{out.name}.qrels")
    write_atomic(qrels, to_qrels({query: found for query, found in matches.items() if found}))
    return out, qrels


def _rank(test: Exported, junk: bool) -> Iterator[tuple[int, Ints, Ints]]:
    """Of each query: its number, the order of the gallery, with or without junk, and its matches."""
    for rows, tile in test.vectors.tiles():
        roles = assign_roles(test.labels, rows, AS_LISTED)
        order = np.argsort(tile, axis=1, kind="stable")
        for offset, ranked in enumerate(order):
            match = roles.match[offset]
            kept = ranked if junk else ranked[(match | roles.negative[offset])[ranked]]
            yield rows.start + offset, kept, np.flatnonzero(match)


def _columns(test: Exported, words: Mapping[str, str], embedding: str | None) -> Arrays:
    """The arrays of both sides; words: part -> key with `{side}`."""
    found: Arrays = {}
    for name, side, vectors in (
        ("query", test.query, test.vectors.query),
        ("gallery", test.gallery, test.vectors.gallery),
    ):
        if embedding is not None:
            found[embedding.format(side=name, letter=name[0])] = vectors
        for part, key in words.items():
            if (column := getattr(side, part)) is not None:
                found[key.format(side=name, letter=name[0])] = column
        found |= {f"{name}.{ATTRIBUTE}{attribute}": texts for attribute, texts in side.attributes.items()}
    return found


def _write_matlab(arrays: Arrays) -> bytes:
    """A file of MATLAB, whose names have no dots."""
    named = {name.replace(f".{ATTRIBUTE}", f"_{ATTRIBUTE[:-1]}_"): array for name, array in arrays.items()}
    return to_matlab(_keep_named(named, r"[A-Za-z]\w{0,62}", "MATLAB"))


def _write_hdf5(arrays: Arrays) -> bytes:
    """A file of HDF5, in whose names a slash begins a group."""
    return to_hdf5(_keep_named(arrays, "[^/]+", "HDF5"))


def _keep_named(arrays: Arrays, names: str, form: str) -> Arrays:
    """The arrays with names of that pattern; a line on stderr names the attributes that have others."""
    kept = {name: array for name, array in arrays.items() if re.fullmatch(names, name, re.ASCII)}
    if left := ", ".join(name for name in arrays if name not in kept):
        echo(f"note: {left}: left out, because {form} has no such names; npz, pt, csv and parquet keep them", err=True)
    return kept


LAYUMI = {"pid": "{side}_label", "camid": "{side}_cam", "tracklet": "{side}_tracklet"}
LAYUMI |= {"person": "{side}_person", "camera": "{side}_camera"}
MEVID = {"pid": "{letter}_pids", "camid": "{letter}_camids", "tracklet": "{letter}_tracklets"}
MEVID |= {"person": "{letter}_persons", "camera": "{letter}_cameras"}
AG_VPREID = {"pid": "{side}_pids", "camid": "{side}_camids", "tracklet": "{side}_tracklet_names"}
AG_VPREID |= {"person": "{side}_person_names", "camera": "{side}_camera_names"}


def _table(test: Exported) -> Arrays:
    """A row for each tracklet and role."""
    parts = [name for name in Side._fields if name != "attributes" and getattr(test.query, name) is not None]
    both = {part: np.concatenate([getattr(test.query, part), getattr(test.gallery, part)]) for part in parts}
    sides = test.query.attributes, test.gallery.attributes
    both |= {f"{ATTRIBUTE}{name}": np.concatenate([side[name] for side in sides]) for name in sides[0]}
    roles = np.repeat(["query", "gallery"], [len(test.query.pid), len(test.gallery.pid)])
    vectors = np.concatenate([test.vectors.query, test.vectors.gallery])
    return {"role": roles, **both, "embedding": vectors}


FEATURES: dict[str, Callable[[Exported], bytes]] = {
    "mat": lambda test: _write_matlab(_columns(test, LAYUMI, "{side}_f")),
    "npz": lambda test: to_npz(_columns(test, MEVID, "{letter}f")),
    "pt": lambda test: to_torch(_columns(test, MEVID, "{letter}f")),
    "hdf5": lambda test: _write_hdf5(_columns(test, LAYUMI, "{side}_f")),
    "csv": lambda test: to_csv(_table(test)),
    "parquet": lambda test: to_parquet(_table(test)),
}
DISTANCES: dict[str, Callable[[Exported, Array], bytes]] = {
    "mat": lambda test, matrix: _write_matlab({"distmat": matrix, **_columns(test, LAYUMI, None)}),
    "ag-vpreid": lambda test, matrix: _write_matlab({"distance_matrix": matrix, **_columns(test, AG_VPREID, None)}),
    "mevid": lambda test, matrix: to_npz({"distmat": matrix, **_columns(test, MEVID, None)}),
    "hdf5": lambda test, matrix: _write_hdf5({"distmat": matrix, **_columns(test, LAYUMI, None)}),
}
RANKINGS: tuple[str, ...] = tuple(WRITERS)


def export(test: Exported, what: str, form: str, out: Path) -> tuple[Path, ...]:
    """Write `what`, one of features, distances and ranking, in a form; returns the files that were written."""
    write: Mapping[str, Callable[[Exported, str, Path], Any]] = {
        "features": export_features,
        "distances": export_distances,
        "ranking": export_ranking,
    }
    written: tuple[Path, ...] = write[what](test, form, out)
    return written
