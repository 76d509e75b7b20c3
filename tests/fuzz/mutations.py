"""Seeded damage: to bytes as disks and networks do it, and to the fields inside a file as people and programs do."""

import copy
import struct
from collections.abc import Callable, Iterator

import numpy as np

Random = np.random.Generator

NUMBERS = (0, -1, 1, 2**31 - 1, -(2**31), 2**53, 1e300, -1e300, 1e-300, float("nan"), float("inf"), -float("inf"))
VALUES = (None, True, "", "text", "\0", "9" * 400, [], {}, [[]], b"bytes", 3, 1.5)


def mutate_bytes(data: bytes, rng: Random) -> bytes:
    """One to four of: a flipped bit, an overwritten byte or number, a cut, a piece left out, doubled or moved."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 5)):
        if not data:
            break
        kind = BYTE_CHANGES[rng.integers(len(BYTE_CHANGES))]
        at, size = int(rng.integers(len(data))), int(min(rng.geometric(0.02), len(data)))
        if kind == "flip":
            data[at] ^= 1 << rng.integers(8)
        elif kind == "overwrite":
            data[at : at + size] = rng.bytes(len(data[at : at + size]))
        elif kind == "number":
            layout = "<>"[rng.integers(2)] + "BHIQ"[rng.integers(4)]
            top = 2 ** (8 * struct.calcsize(layout))
            value = struct.pack(layout, int(rng.choice([0, 1, top // 2 - 1, top // 2, top - 1], shuffle=False)) % top)
            data[at : at + len(value)] = value
        elif kind == "cut":
            del data[at:]
        elif kind == "drop":
            del data[at : at + size]
        else:  # doubled where it is, or over what stands elsewhere
            start = at if kind == "double" else int(rng.integers(len(data)))
            piece = data[start : start + size]
            data[at : at if kind == "double" else at + len(piece)] = piece
    return bytes(data)


BYTE_CHANGES = ("flip", "flip", "overwrite", "number", "cut", "drop", "double", "splice")


def mutate_fields(fields: object, rng: Random) -> object:
    """A copy of nested dicts, lists and arrays in which one to three fields have changed."""
    fields = copy.deepcopy(fields)
    for _ in range(rng.integers(1, 4)):
        places = list(_places(fields))
        if not places:
            break
        parent, key = places[rng.integers(len(places))]
        _change(parent, key, rng)
    return fields


def _places(node: object) -> Iterator[tuple[object, object]]:
    """(container, key) of every field below `node`; of long lists and arrays the first and last few."""
    if isinstance(node, dict):
        keys: list = list(node)
    elif isinstance(node, list):
        keys = sorted({*range(min(3, len(node))), *range(max(0, len(node) - 2), len(node))})
    elif isinstance(node, np.ndarray) and node.dtype.names:
        keys = [(index, name) for index in list(np.ndindex(node.shape))[:3] for name in node.dtype.names]
    elif isinstance(node, np.ndarray) and node.dtype == object:
        keys = list(np.ndindex(node.shape))[:3]
    else:
        return
    for key in keys:
        yield node, key
        yield from _places(_get(node, key))


def _get(node, key):
    return node[key[0]][key[1]] if isinstance(node, np.ndarray) and node.dtype.names else node[key]


def _set(node, key, value) -> None:
    if isinstance(node, np.ndarray) and node.dtype.names:
        node[key[1]][key[0]] = value
    else:
        node[key] = value


def _change(parent, key, rng: Random) -> None:
    value = _get(parent, key)
    turn = rng.integers(6)
    if turn == 0 and isinstance(parent, dict | list):
        del parent[key]
    elif turn == 1 and isinstance(parent, dict):
        parent[f"{key}x"] = parent.pop(key)
    elif turn == 2 and isinstance(parent, list):
        parent.insert(key, copy.deepcopy(value))
    elif isinstance(value, bytes) and turn < 5:
        _set(parent, key, mutate_bytes(value, rng))
    elif isinstance(value, np.ndarray) and value.dtype != object and not value.dtype.names and turn < 5:
        _set(parent, key, ARRAY_CHANGES[rng.integers(len(ARRAY_CHANGES))](value, rng))
    elif turn == 3:
        _set(parent, key, NUMBERS[rng.integers(len(NUMBERS))])
    else:
        _set(parent, key, VALUES[rng.integers(len(VALUES))])


def _strange_value(array: np.ndarray, rng: Random) -> np.ndarray:
    """One value, or all, replaced by one that is out of place."""
    array = array.copy() if array.dtype.kind not in "iub" else array.astype(np.float64)
    if array.size and array.dtype.kind == "f":
        which = slice(None) if rng.random() < 0.3 else int(rng.integers(array.size))
        array.reshape(-1)[which] = NUMBERS[rng.integers(len(NUMBERS))]
    elif array.size and array.dtype.kind == "U":
        array.reshape(-1)[rng.integers(array.size)] = array.reshape(-1)[0] if rng.random() < 0.5 else "\0\n"
    return array


def _cast(array: np.ndarray, kind: str) -> np.ndarray:
    names = {"i": np.int16, "f": np.float16, "u": np.uint8, "b": bool, "c": np.complex128, "U": np.str_}
    if array.dtype.kind == "U" != kind:
        return np.zeros(array.shape, names[kind])
    with np.errstate(all="ignore"):
        return array.astype(names[kind])


ARRAY_CHANGES: tuple[Callable[[np.ndarray, Random], np.ndarray], ...] = (
    _strange_value, _strange_value,
    lambda array, rng: array[:0],
    lambda array, rng: array[: max(1, len(array) // 2)] if array.ndim else array,
    lambda array, rng: array.T.copy(),
    lambda array, rng: array.reshape(-1),
    lambda array, rng: array[None],
    lambda array, rng: np.concatenate([array, array]) if array.ndim else array,
    lambda array, rng: np.asarray("text"),
    lambda array, rng: _cast(array, "ifubcU"[rng.integers(6)]),
)  # fmt: skip
