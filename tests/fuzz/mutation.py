"""Changes a file at random, the same way for the same seed: bytes, texts, values of JSON, and arrays.

A file is a mapping of parts to their bytes. A form of several parts, as an archive, is packed again after a change, so
that its checksums and lengths are right and the reader behind them is reached.
"""

import io
import json
import random
from copy import deepcopy

import numpy as np

TOKENS = [
    b"",
    b"\0",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b",",
    b"\t",
    b"-",
    b"0",
    b"-1",
    b"-0",
    b"1e999",
    b"1e-999",
    b"1e999999999",
    b"NaN",
    b"Infinity",
    b"-inf",
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'{"a":1}',
    b"9" * 5000,
    b"9223372036854775808",
    b"18446744073709551615",
    b"4294967296",
    b"[" * 3000,
    b'{"a":' * 3000,
    b"../../x",
    b"/etc/passwd",
    b"**",
    b"*",
    b"[",
    b"\x1b[2J",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    "٣".encode(),
    "²".encode(),
    "\u2028".encode(),
    "\x85".encode(),
    b"1_000",
    b"0x10",
    b"1.5",
    b" ",
    b"=",
    b"#",
    b"%s",
    b"a" * 300,
    b"(1099511627776, 1024)",
    b"(-1,)",
    b"()",
    b"(0,)",
    b"|O",
    b"<U9",
    b"<M8[s]",
    b"<c16",
    b">f8",
]
VALUES = [
    None,
    True,
    False,
    0,
    1,
    -1,
    0.5,
    -0.5,
    1e300,
    float("nan"),
    float("inf"),
    2**31,
    2**53 + 1,
    2**63,
    2**64 - 1,
    10**400,
    "",
    "x",
    "\0",
    "\ud800",
    "9" * 5000,
    "\x1b[2J",
    "../x",
    "٣",
    "²",
    [],
    {},
    [[]],
    {"a": 1},
    [1, "a", None],
    [0] * 50,
]
ARRAYS = [
    np.array(3),
    np.zeros(0),
    np.zeros((0, 4)),
    np.zeros((2, 0)),
    np.arange(3),
    np.arange(6).reshape(2, 3),
    np.zeros((2, 2, 2)),
    np.array([np.nan, 1.0, np.inf]),
    np.array([1.5, -2.5]),
    np.array([2**64 - 1, 1], np.uint64),
    np.array([-(2**63), 2**63 - 1]),
    np.array([1 + 2j]),
    np.array([True, False]),
    np.array(["a", "", "9" * 40]),
    np.array([b"a", b"\xff"]),
    np.array("text"),
    np.array(["2020-01-01"], "M8[s]"),
    np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]),
    np.array([1.0], np.longdouble),
    np.array([1.0, 700.0], ">f2"),
    np.full(4, -1),
    np.array([1e308, -1e308]),
]


def to_npy(array):
    """The bytes of an `.npy`."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def change(parts, source):
    """One changed copy of a file: some parts of it changed, seldom lost."""
    found = dict(parts)
    for _ in range(source.choice((1, 1, 1, 2, 3))):
        name = source.choice(list(found))
        if len(found) > 1 and source.random() < 0.03:
            del found[name]
        elif found[name][:6] == b"\x93NUMPY" and source.random() < 0.6:
            found[name] = change_array(found[name], source)
        elif found[name].lstrip()[:1] in (b"{", b"[") and source.random() < 0.6:
            found[name] = change_json(found[name], source)
        else:
            found[name] = change_bytes(found[name], source)
    return found


def change_bytes(content, source):
    """Bits, tokens, cuts, copies and lines."""
    data = bytearray(content)
    for _ in range(source.choice((1, 1, 1, 2, 4, 8))):
        at = source.randrange(len(data) + 1)
        size = source.choice((1, 1, 2, 4, 8, 64))
        match source.randrange(9):
            case 0 if at < len(data):
                data[at] ^= 1 << source.randrange(8)
            case 1 if at < len(data):
                data[at] = source.choice((0, 1, 0x7F, 0x80, 0xFF, source.randrange(256)))
            case 2:
                data[at:at] = source.choice(TOKENS)
            case 3:
                data[at : at + size] = source.choice(TOKENS)
            case 4:
                del data[at : at + size]
            case 5:
                data[at:at] = data[at : at + size]
            case 6 if source.random() < 0.3:
                del data[at:]
            case 7:
                data[at : at + size] = source.randbytes(size)
            case _:
                data = bytearray(change_line(bytes(data), source))
    return bytes(data)


def change_line(content, source):
    """A line doubled, lost, moved, or with a cell replaced."""
    lines = content.split(b"\n")
    at = source.randrange(len(lines))
    mark = source.choice((b",", b" ", b"\t", b"=", b"_", b"."))
    match source.randrange(4):
        case 0:
            lines.insert(at, lines[source.randrange(len(lines))])
        case 1:
            del lines[at]
        case _:
            cells = lines[at].split(mark)
            cells[source.randrange(len(cells))] = source.choice(TOKENS)
            lines[at] = mark.join(cells)
    return b"\n".join(lines)


def change_json(content, source):
    """A value replaced, lost or doubled; other bytes are changed as bytes."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return change_bytes(content, source)
    for _ in range(source.choice((1, 1, 2, 4))):
        at, parent, key = tree, None, None
        while isinstance(at, dict | list) and at and (parent is None or source.random() < 0.8):
            parent, key = at, source.choice(list(at)) if isinstance(at, dict) else source.randrange(len(at))
            at = parent[key]
        if parent is None:
            return json.dumps(source.choice(VALUES)).encode()
        match source.randrange(8):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, list):
                parent.append(deepcopy(parent[key]))
            case 1:
                parent[source.choice(("", "x", "\ud800", "\0", "name"))] = deepcopy(parent[key])
            case _:
                parent[key] = deepcopy(source.choice(VALUES))
    return json.dumps(tree).encode()


def change_array(content, source):
    """Another array in place of this one, or this one in another shape or of another type."""
    try:
        array = np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception:  # a spoilt header makes NumPy raise anything
        return change_bytes(content, source)
    flat = array.reshape(-1)
    match source.randrange(6):
        case 0:
            changed = array[..., None]
        case 1:
            changed = flat[: source.randrange(len(flat) + 1)]
        case 2 if flat.dtype.kind in "iufb" and flat.size:
            changed = flat.astype(
                source.choice((np.float64, np.float32, np.int32, np.uint64, np.bool_, np.str_, ">f8"))
            )
        case 3 if flat.dtype.kind in "iuf" and flat.size:
            changed = array.copy()
            changed.reshape(-1)[source.randrange(flat.size)] = source.choice((0, 1, 2, 100, 127))
        case 4 if flat.dtype.kind in "if" and flat.size:
            changed = array.copy()
            bounds = (
                (-1, np.iinfo(array.dtype).max, np.iinfo(array.dtype).min)
                if array.dtype.kind == "i"
                else (np.nan, np.inf, -1)
            )
            changed.reshape(-1)[source.randrange(flat.size)] = source.choice(bounds)
        case _:
            changed = source.choice(ARRAYS)
    return to_npy(np.asarray(changed))


def draw(seeds, seed, number):
    """The changed file of one execution: `seeds` are files as parts, `seed` and `number` say which."""
    source = random.Random(f"{seed}:{number}")
    return change(source.choice(seeds), source)
