"""wildlife-tools' FeatureDataset: features, and the table of their metadata, with the name of its label column."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vreid_bench.importing.data_frames import Table
from vreid_bench.importing.keys import recognise_key
from vreid_bench.importing.stand_ins import DataFrame, FeatureDataset

LABEL = "identity"  # the column of labels unless another is named
PARTS = ("features", "metadata", "col_label", "load_label")  # what FeatureDataset.save writes


def read_feature_dataset(dataset: FeatureDataset) -> dict[str, Any]:
    """What FeatureDataset.save would have written of a dataset that was pickled itself.

    Its `labels` are left: they number the people of each dataset anew, so that equal numbers mean nothing.
    """
    found = {name: dataset.attribute(name) for name in PARTS}
    if found["features"] is None or not isinstance(found["metadata"], DataFrame):
        raise ValueError("a FeatureDataset without features and a data frame of metadata")
    return {name: value for name, value in found.items() if value is not None}


def is_feature_dataset(value: Mapping[Any, Any]) -> bool:
    """Are these features with a table of metadata?"""
    return "features" in value and isinstance(value.get("metadata"), Table)


def unfold_metadata(value: Mapping[Any, Any]) -> dict[str, Any]:
    """Features and labels side by side: the columns of the metadata under their own names, the label column first.

    Other columns that could be taken for person ids stay in `metadata`, unread. Raises ValueError without the column
    of labels, for lengths that differ, and for local features, of which an image has many.
    """
    features, metadata = value["features"], value["metadata"]
    named = value.get("col_label")
    label = LABEL if named is None else str(named)
    if named is None and label not in metadata:
        label = ""
    elif label not in metadata:
        columns = ", ".join(map(str, metadata)) or "no columns"
        raise ValueError(f"col_label says {label!r}, but the metadata has {columns}")
    if isinstance(features, list | tuple) and any(isinstance(each, Mapping) for each in features):
        raise ValueError("its features are local ones, many for each image; expected one vector for each")
    rows = next((len(column) for column in metadata.values() if not isinstance(column, str)), 0)
    if not hasattr(features, "__len__") or len(features) != rows:
        size = len(features) if hasattr(features, "__len__") else "no"
        raise ValueError(f"its features have {size} rows, its metadata {rows}")
    found, left = {"features": features}, {}
    if label:
        means = recognise_key(label)
        found[label if means is not None and means.kind == "pid" else "pid"] = metadata[label]
    for name, column in metadata.items():
        means = recognise_key(str(name))
        if name == label:
            continue
        if label and means is not None and means.kind == "pid":
            left[str(name)] = column
        elif str(name) in found or str(name) in PARTS:
            raise ValueError(f"its metadata has a column {str(name)!r}, which is the name of another part")
        else:
            found[str(name)] = column
    rest = {str(name): part for name, part in value.items() if name not in PARTS}
    return {**rest, **found, **({"metadata": left} if left else {})}
