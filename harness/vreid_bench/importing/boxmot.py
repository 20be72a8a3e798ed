"""boxmot's materialized data sets (`boxmot.dataset/v1`): Parquet tables of frames, boxes and embeddings, with keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vreid_bench.importing.numbering import as_column

KEPT = {  # columns that make a table, and what is used of them under which name
    ("instance_id", "encoder_fingerprint", "dim", "values"): {
        "sample_id": "sample_id",
        "instance_id": "instance_id",
        "values": "embedding",
    },
    ("instance_id", "sample_id", "detection_index", "class_id"): {
        "sample_id": "sample_id",
        "instance_id": "instance_id",
        "detection_index": "detection_index",
    },
    ("sample_id", "split", "sequence_id", "frame_index"): {
        "sample_id": "sample_id",
        "sequence_id": "sequence_id",
        "frame_index": "frame_index",
    },
}
UNUSED = "boxmot."  # before the names of columns that mean something else here, or nothing
TABLES = ("embeddings", "instances", "samples")  # folders of a data set


def name_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of one of boxmot's tables under names that mean the same here; those of another table as they are.

    The rest is unused: its `split` is no role, its `angle` turns a box. Raises ValueError for the vectors of two
    encoders in one table.
    """
    kept = next((names for marks, names in KEPT.items() if set(marks) <= set(columns)), None)
    if kept is None:
        return dict(columns)
    if "encoder_fingerprint" in columns:
        encoders = sorted(set(as_column(columns["encoder_fingerprint"], "encoder_fingerprint").tolist()))
        if len(encoders) > 1:
            raise ValueError(
                f"it has embeddings of {len(encoders)} encoders, expected one; keep the rows of one of them"
            )
    return {kept.get(name, UNUSED + name): column for name, column in columns.items()}


def find_tables(folder: Path) -> list[Path]:
    """The Parquet files of a data set of boxmot, embeddings first; none where the folder is not one."""
    if not (folder / "manifest.json").is_file() or not (folder / TABLES[0]).is_dir():
        return []
    return [path for table in TABLES for path in sorted((folder / table).glob("*.parquet"))]
