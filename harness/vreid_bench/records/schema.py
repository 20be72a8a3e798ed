"""The JSON schema of a record, for programs that read records without this package."""

from __future__ import annotations

import json
from typing import Any

from vreid_bench.records.record import Record

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def describe_record() -> dict[str, Any]:
    """The JSON schema of a record of this version, generated from the classes that read and write it.

    It has every field with its type and its range. What two fields have to do with each other it cannot say:
    `Record.disagreements` and the checks of the classes do.
    """
    schema: dict[str, Any] = _drop_titles(Record.model_json_schema(mode="validation"))
    return {"$schema": DIALECT, "title": "Record of vreid-bench", **schema}


def render_schema() -> str:
    """The schema as the text of its file."""
    return json.dumps(describe_record(), indent=1, sort_keys=True) + "\n"


def _drop_titles(schema: Any) -> Any:
    """The schema without titles: they repeat the names, and no two versions of pydantic make them alike."""
    if isinstance(schema, list):
        return [_drop_titles(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    # a title is a text; a field of that name would be a schema
    return {
        name: _drop_titles(value) for name, value in schema.items() if not (name == "title" and isinstance(value, str))
    }
