"""The page of a record's fields, from its JSON Schema."""

from __future__ import annotations

from typing import Any

from vreid_bench.records.schema import describe_record

NUMBERS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}


def record_page() -> str:
    """A table for the record and for each object within it: field, type with its range, whether it is always there."""
    schema = describe_record()
    text = [
        "# Fields of a record",
        "From [record.schema.json](../record.schema.json), which `vreid-bench record schema` prints. What the fields "
        "mean stands in [the folder of a run](../run-folder.md#recordjson).",
        "## Record",
        _table(schema),
    ]
    for name, one in sorted(schema["$defs"].items()):
        if "properties" in one:
            said = one.get("description", "").split("\n\n")[0].replace("\n", " ")
            text += [f"## {name}", said, _table(one)]
    return "\n\n".join(text) + "\n"


def _table(schema: dict[str, Any]) -> str:
    required = set(schema.get("required", ()))
    rows = [
        f"| `{name}` | {describe(field)} | {'always' if name in required else 'may be missing'} |"
        for name, field in schema["properties"].items()
    ]
    return "\n".join(["| field | type | |", "|---|---|---|", *rows])


def describe(field: dict[str, Any]) -> str:
    """The type of a field in words, with a link to the object that it is."""
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return "any JSON value" if name == "JsonValue" else f"[{name}](#{name.lower()})"
    if "anyOf" in field:
        return " or ".join(describe(one) for one in field["anyOf"])
    if "const" in field or "enum" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {describe(field['items']) if 'items' in field else 'values'}{_size(field)}"
    if field.get("type") == "object":
        values = [*field.get("patternProperties", {}).values(), field.get("additionalProperties")]
        inner = next((value for value in values if isinstance(value, dict)), None)
        return f"name -> {describe(inner)}" if inner else "object"
    return NUMBERS.get(field.get("type", ""), "any JSON value") + _range(field)


def _size(field: dict[str, Any]) -> str:
    low, high = field.get("minItems"), field.get("maxItems")
    if low is None and high is None:
        return ""
    return f" ({low})" if low == high else f" ({low or 0} to {'any' if high is None else high})"


def _range(field: dict[str, Any]) -> str:
    low = field.get("minimum", field.get("exclusiveMinimum"))
    high = field.get("maximum", field.get("exclusiveMaximum"))
    high = None if high == 2**53 else high
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f", {low} or more"
    return f", at most {high}" if high is not None else ""
