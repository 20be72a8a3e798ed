"""What single fields of a record may hold, and what all its entries have in common."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer
from pydantic.types import StringConstraints


def _is_time(text: str) -> str:
    datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return text


# A name becomes a part of a path: no separator, no leading dot, nothing that a shell or Markdown would read.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
MethodName = Annotated[  # a part in the baseline may be one of a family: `timm:resnet50`
    str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,79}(:[a-z0-9][a-z0-9._-]{0,79})?$")
]
Text = Annotated[str, StringConstraints(max_length=2000)]
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Time = Annotated[str, StringConstraints(pattern=r"^\d{4}(-\d\d){2}T\d\d(:\d\d){2}Z$"), AfterValidator(_is_time)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Amount = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0, le=1 << 53)]  # what every reader of JSON holds exactly


class Entry(BaseModel):
    """A JSON object of fixed fields. What a field's type does not take is refused, and so is an unknown field."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
    later: ClassVar[tuple[str, ...]] = ()  # fields that came after the first records

    @model_serializer(mode="wrap")
    def _serialized(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without later fields that say nothing: a record from before them stays byte for byte what it was."""
        return {name: value for name, value in handler(self).items() if value or name not in self.later}
