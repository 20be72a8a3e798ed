"""Pickles in the layouts of pandas, without pandas: its names are written as they are, and what it would be given."""

import io
import pickle
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Named:
    """A class or a function by its name alone."""

    name: str

    def __call__(self):
        """Pickle wants what it writes as callable to be so."""


class Made:
    """What a function makes of some arguments, with a state."""

    def __init__(self, name, *arguments, state=None):
        self.parts = (Named(name), arguments) if state is None else (Named(name), arguments, state)

    def __reduce__(self):
        return self.parts


class _Writer(pickle._Pickler):
    def save_named(self, named):
        module, _, name = named.name.rpartition(".")
        self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
        self.memoize(named)

    dispatch: ClassVar = {**pickle._Pickler.dispatch, Named: save_named}


def to_pickle(value: Any, protocol=4) -> bytes:
    """A pickle in which `Named` and `Made` stand for what they name."""
    buffer = io.BytesIO()
    _Writer(buffer, protocol).dump(value)
    return buffer.getvalue()


def index(names):
    """Names of columns, as all versions write them before pandas 3."""
    data = {"data": np.array(names, object), "name": None}
    return Made("pandas.core.indexes.base._new_Index", Named("pandas.core.indexes.base.Index"), data)


def rows(size, name="pandas.core.indexes.range.RangeIndex"):
    """The numbers of the rows."""
    reach = {"name": None, "start": 0, "stop": size, "step": 1}
    return Made("pandas.core.indexes.base._new_Index", Named(name), reach)


def categories(values, legacy=False):
    """A column of categories; None is missing."""
    names = sorted({value for value in values if value is not None})
    codes = np.array([-1 if value is None else names.index(value) for value in values], np.int8)
    kind = Made("pandas.core.dtypes.dtypes.CategoricalDtype", state={"categories": index(names), "ordered": False})
    if legacy:
        return Made("pandas.core.arrays.categorical.Categorical", state={"_codes": codes, "_dtype": kind})
    return backed("pandas.core.arrays.categorical.Categorical", kind, codes)


def backed(name, kind, array):
    """An array of pandas around one of NumPy."""
    return Made("pandas._libs.arrays.__pyx_unpickle_NDArrayBacked", Named(name), 223698104, None, state=(kind, array))


def arrow_texts(values, kind="large_string", stored="<i8", offset=0):
    """Texts as pandas 3 keeps them where pyarrow is installed; None is missing."""
    padded = [None] * offset + list(values)
    parts = [b"" if value is None else value.encode() for value in padded]
    ends = np.cumsum([0, *map(len, parts)]).astype(stored).tobytes()
    bits = np.packbits(np.array([value is not None for value in padded], bool), bitorder="little").tobytes()
    buffers = [Made("pyarrow.lib.py_buffer", content) for content in (bits, ends, b"".join(parts))]
    layout = (Made("pyarrow.lib.type_for_alias", kind), len(values), -1, offset, buffers, [], None)
    state = {"_pa_array": Made("pyarrow.lib._restore_array", layout), "_dtype": Made("pandas.StringDtype", "pyarrow")}
    return Made("pandas.arrays.ArrowStringArray", state=state)


def places(first, last, step=1):
    """The places of a block's columns."""
    return Made("builtins.slice", first, last, step)


def frame(names, blocks, size, axis=None):
    """A data frame of pandas 1.3 to 2: blocks are (values, places)."""
    parts = tuple(Made("pandas._libs.internals._unpickle_block", *block, 2) for block in blocks)
    axes = [index(names) if axis is None else axis, rows(size)]
    manager = Made("pandas.core.internals.managers.BlockManager", parts, axes)
    return Made("pandas.core.frame.DataFrame", state={"_mgr": manager, "_typ": "dataframe", "_metadata": []})


def legacy_frame(names, blocks, size, manager="_data"):
    """A data frame of pandas 0.25 to 1.2; until 1.0 its manager was `_data`, then `_mgr`."""
    axes = [index(names), rows(size)]
    kept = {"axes": axes, "blocks": [{"values": values, "mgr_locs": where} for values, where in blocks]}
    state = (axes, [values for values, _ in blocks], [], {"0.14.1": kept})
    inner = Made("pandas.core.internals.managers.BlockManager", state=state)
    return Made("pandas.core.frame.DataFrame", state={manager: inner, "_typ": "dataframe", "_metadata": []})


def new_frame(columns, size):
    """A data frame of texts and numbers as pandas 3 writes it with pyarrow."""
    blocks = []
    for place, values in enumerate(columns.values()):
        texts = any(isinstance(value, str) for value in values)
        block = arrow_texts(values) if texts else np.asarray(values)[None]
        blocks.append(Made("pandas._libs.internals._unpickle_block", block, places(place, place + 1), 2))
    names = {"data": arrow_texts(list(columns)), "name": None}
    axis = Made("pandas.core.indexes.base._new_Index", Named("pandas.Index"), names)
    axes = [axis, rows(size, "pandas.RangeIndex")]
    manager = Made("pandas.core.internals.managers.BlockManager", tuple(blocks), axes)
    return Made("pandas.DataFrame", state={"_mgr": manager, "_typ": "dataframe", "_metadata": [], "attrs": {}})
