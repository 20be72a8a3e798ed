"""The types of a record's fields, and the base class of its entries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.types import StringConstraints


def _is_time(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return text


_NAME = r"^[a-z0-9][a-z0-9._-]*$"
_METHOD_NAME = r"^[a-z0-9][a-z0-9._-]{0,79}(:[a-z0-9][a-z0-9._-]{0,79})?$"
_HASH = r"^[0-9a-f]{64}$"
_TIME = r"^\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z$"
_LETTERS = "a name of lower-case letters, digits, dots, dashes and underscores"
WORDS = {  # pattern -> what it asks for, as a message says it
    _NAME: _LETTERS,
    _METHOD_NAME: f"{_LETTERS}, or FAMILY:NAME",
    _HASH: "64 hexadecimal digits",
    _TIME: "a time like 2026-03-01T12:00:00Z",
}

# A name becomes part of a path: no separator, no leading dot, nothing that a shell or Markdown would interpret.
Name = Annotated[str, StringConstraints(pattern=_NAME, max_length=80)]
MethodName = Annotated[str, StringConstraints(pattern=_METHOD_NAME)]  # may belong to a family: `timm:resnet50`
Text = Annotated[str, StringConstraints(max_length=2000)]
Hash = Annotated[str, StringConstraints(pattern=_HASH)]
Time = Annotated[str, StringConstraints(pattern=_TIME), AfterValidator(_is_time)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=1 << 53)]  # every JSON reader holds these exactly


class Entry(BaseModel):
    """A JSON object with exactly these fields: a missing one, an unknown one or a value of another type is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)

    shared: ClassVar[tuple[str, ...]] = ()  # what its file may say once for entries within it, and the parser not
