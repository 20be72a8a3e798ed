"""The types of a record's fields, and the base class of its entries."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.types import StringConstraints


def _is_time(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return text


# A name becomes part of a path: no separator, no leading dot, nothing that a shell or Markdown would interpret.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
MethodName = Annotated[  # a part in the baseline may belong to a family: `timm:resnet50`
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}(:[a-z0-9][a-z0-9._-]{0,79})?$")
]
Text = Annotated[str, StringConstraints(max_length=2000)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z$"), AfterValidator(_is_time)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=1 << 53)]  # every JSON reader holds these exactly


class Entry(BaseModel):
    """A JSON object with exactly these fields: a missing one, an unknown one or a value of another type is refused."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
