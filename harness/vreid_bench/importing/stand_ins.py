"""Inert stand-ins for what a pickle of pandas, Arrow or wildlife-tools names: they keep what they are given.

The layouts are those that pandas 0.25 to 3.1 write, wildlife-tools' FeatureDataset, and pyarrow's strings in them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any


class StandIn:
    """What a pickle says of an object: the arguments that it was made with, and its state. Nothing of it runs."""

    arguments: tuple[Any, ...]
    state: Any = None

    def __new__(cls, *arguments: Any) -> StandIn:
        """Called where a pickle calls the class or the function that this stands for."""
        self = object.__new__(cls)
        self.arguments = arguments
        return self

    def __init__(self, *arguments: Any) -> None:
        """`__new__` has the arguments."""

    def __setstate__(self, state: Any) -> None:
        """Any state is kept as it is; without this, pickle would set attributes of the file's choice."""
        self.state = state

    def argument(self, place: int) -> Any:
        """An argument; None for one that is not there."""
        return self.arguments[place] if place < len(self.arguments) else None

    def attribute(self, *names: str) -> Any:
        """The value of the first of some attributes that the state has; None if it has none of them."""
        state = self.state if isinstance(self.state, dict) else {}
        return next((state[name] for name in names if name in state), None)


class DataFrame(StandIn):
    """A table."""


class Series(StandIn):
    """One column."""


class BlockManager(StandIn):
    """Keeps the columns of a table, those of one type together."""


class Block(StandIn):
    """Columns of one type: values, the places of the columns, dimensions."""


class Index(StandIn):
    """Names of rows or columns: the kind of index, and a mapping with `data`, or with `start`, `stop` and `step`."""


class RangeIndex(StandIn):
    """The kind of index that is a range."""


class OtherIndex(StandIn):
    """A kind of index whose names are in its data, or that has several levels."""


class Backed(StandIn):
    """An array of pandas around one of NumPy: its kind, a checksum, and (type, array) as its state."""


class Categorical(StandIn):
    """Codes, and the categories that they count."""


class Wrapped(StandIn):
    """The kind of an array whose values are those of the NumPy array in it."""


class Masked(StandIn):
    """Numbers, and which of them are missing."""


class ArrowArray(StandIn):
    """An array of pandas around one of Arrow."""


class ArrowBuffers(StandIn):
    """The type, length, missing values, offset and buffers of an array of Arrow."""


class ArrowType(StandIn):
    """A type of Arrow, by its name."""


class Buffer(StandIn):
    """Bytes of Arrow."""


class Dtype(StandIn):
    """A type of pandas."""


class Slice(StandIn):
    """start, stop, step."""


class FeatureDataset(StandIn):
    """Features and the table of their metadata, as wildlife-tools keeps them."""


def _bytes(content: Any = b"", encoding: str = "") -> bytes:
    """A bytearray; never of a length alone, which would fill the memory."""
    if isinstance(content, str) and encoding == "latin-1":
        return content.encode("latin1")
    if not isinstance(content, bytes | bytearray):
        raise ValueError("a bytearray that is made of no bytes")
    return bytes(content)


def _missing(*arguments: Any) -> None:
    return None


_NAMES: dict[Any, str] = {
    DataFrame: "pandas.core.frame.DataFrame pandas.DataFrame",
    Series: "pandas.core.series.Series pandas.Series",
    BlockManager: "pandas.core.internals.managers.BlockManager pandas.core.internals.managers.SingleBlockManager "
    "pandas.core.internals.BlockManager pandas.core.internals.SingleBlockManager",
    Block: "pandas._libs.internals._unpickle_block",
    Index: "pandas.core.indexes.base._new_Index pandas.core.indexes.datetimes._new_DatetimeIndex",
    RangeIndex: "pandas.core.indexes.range.RangeIndex pandas.RangeIndex",
    OtherIndex: "pandas.core.indexes.base.Index pandas.Index pandas.core.indexes.numeric.Int64Index "
    "pandas.core.indexes.numeric.UInt64Index pandas.core.indexes.numeric.Float64Index "
    "pandas.core.indexes.category.CategoricalIndex pandas.CategoricalIndex pandas.core.indexes.multi.MultiIndex "
    "pandas.MultiIndex pandas.core.indexes.datetimes.DatetimeIndex pandas.DatetimeIndex",
    Backed: "pandas._libs.arrays.__pyx_unpickle_NDArrayBacked",
    Categorical: "pandas.core.arrays.categorical.Categorical pandas.Categorical",
    Wrapped: "pandas.core.arrays.string_.StringArray pandas.arrays.StringArray "
    "pandas.core.arrays.string_.StringArrayNumpySemantics pandas.core.arrays.datetimes.DatetimeArray "
    "pandas.arrays.DatetimeArray pandas.core.arrays.numpy_.PandasArray "
    "pandas.core.arrays.numpy_.NumpyExtensionArray pandas.arrays.NumpyExtensionArray",
    Masked: "pandas.core.arrays.integer.IntegerArray pandas.arrays.IntegerArray "
    "pandas.core.arrays.floating.FloatingArray pandas.arrays.FloatingArray "
    "pandas.core.arrays.boolean.BooleanArray pandas.arrays.BooleanArray",
    ArrowArray: "pandas.core.arrays.string_arrow.ArrowStringArray pandas.arrays.ArrowStringArray "
    "pandas.core.arrays.string_arrow.ArrowStringArrayNumpySemantics",
    ArrowBuffers: "pyarrow.lib._restore_array",
    ArrowType: "pyarrow.lib.type_for_alias",
    Buffer: "pyarrow.lib.py_buffer",
    Dtype: "pandas.core.dtypes.dtypes.CategoricalDtype pandas.CategoricalDtype "
    "pandas.core.dtypes.dtypes.DatetimeTZDtype pandas.DatetimeTZDtype pandas.core.arrays.string_.StringDtype "
    "pandas.StringDtype pandas.core.arrays.boolean.BooleanDtype pandas.BooleanDtype "
    + " ".join(
        f"pandas.core.arrays.{module}.{name}{bits}Dtype pandas.{name}{bits}Dtype"
        for module, name, sizes in (("integer", "Int", "8 16 32 64"), ("integer", "UInt", "8 16 32 64"))
        for bits in sizes.split()
    )
    + " pandas.core.arrays.floating.Float32Dtype pandas.Float32Dtype pandas.core.arrays.floating.Float64Dtype "
    "pandas.Float64Dtype pytz._UTC",
    Slice: "builtins.slice __builtin__.slice",
    FeatureDataset: "wildlife_tools.data.dataset.FeatureDataset wildlife_tools.data.dataset.FeatureDatabase",
    _bytes: "builtins.bytearray __builtin__.bytearray",
    _missing: "pandas._libs.tslibs.nattype._nat_unpickle",
    None: "pandas._libs.missing.NA pandas.NA",  # the value itself
    date: "datetime.date",  # these four hold numbers and nothing else
    datetime: "datetime.datetime",
    timedelta: "datetime.timedelta",
    timezone: "datetime.timezone",
}
STAND_INS: dict[tuple[str, str], Any] = {
    (name.rpartition(".")[0], name.rpartition(".")[2]): stand_in
    for stand_in, names in _NAMES.items()
    for name in names.split()
}
