"""Writes records in the format of another program."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from vreid_bench.records.record import Record
from vreid_bench.reporting.export.every_eval_ever import evaluation_path, render_evaluation
from vreid_bench.reporting.export.huggingface import render_model_card
from vreid_bench.reporting.export.lines import render_csv
from vreid_bench.system.errors import InputError
from vreid_bench.system.files import write_atomic

# formats that hold all records in one text
WHOLE: Mapping[str, Callable[[Sequence[Record]], str]] = {"huggingface": render_model_card, "csv": render_csv}


def render_records(records: Sequence[Record], form: str) -> str:
    """The records as one text. Raises InputError where the format has a file for each record."""
    if form in WHOLE:
        return WHOLE[form](records)
    if len(records) > 1:
        raise InputError(
            f"--to {form}: found {len(records)} records, expected one: the format has a file for each; name a folder "
            "for them with --out"
        )
    return render_evaluation(records[0])


def write_records(records: Sequence[Record], form: str, out: Path) -> list[Path]:
    """Write one file, or a file for each record into a folder; returns them. Raises InputError for a wrong `out`."""
    if form in WHOLE:
        if out.is_dir():
            raise InputError(f"--out {out}: is a folder, expected a file for --to {form}; name a file in it")
        contents = {out: WHOLE[form](records)}
    else:
        if out.exists() and not out.is_dir():
            raise InputError(
                f"--out {out}: is a file, expected a folder for --to {form}, which has a file for each record"
            )
        contents = {out / evaluation_path(record): render_evaluation(record) for record in records}
    for path, content in contents.items():
        write_atomic(path, content.encode())
    return [*contents]
