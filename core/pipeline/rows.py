"""Columns → JSON rows ``{"gnss.timestamp": …, "gnss.latitude": …}`` as bytes, for answers.

No Python object is made per sample. Decimals are written as they are stored: as integers with a
scale, whose digits numpy looks up four at a time and writes straight into rows of one width. A
shorter number has blanks before it, which JSON allows. What does not fit the tables (a column of
floats that are no decimals, or of very different lengths) is written by orjson, a column at a time.
numpy lets go of the interpreter's lock in all of its steps, so that a thread of the web process may
do this while its event loop goes on.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from .columns import ROW_CLOCK, exact_long_columns, size

CHUNK_ROWS = (
    5_000  # about two megabytes of JSON: larger ones hold up the event loop that sends them
)
_NULL = b"null"
_COMMA, _BLANK = ord(","), ord(" ")


def _packed(texts: Iterable[str], dtype: str) -> NDArray:
    """Texts of one length, each as the bytes of one integer of ``dtype``."""
    return np.frombuffer("".join(texts).encode(), dtype)


_ONE = _packed(map(str, range(10)), "<u1")
_TWO = _packed((f"{i:02}" for i in range(100)), "<u2")
_FOUR = _packed((f"{i:04}" for i in range(10_000)), "<u4")
_BLANK_TWO = _packed((f"{i:2}" for i in range(100)), "<u2")
_BLANK_FOUR = _packed((f"{i:4}" for i in range(10_000)), "<u4")
_POINT_THREE = _packed((f".{i:03}" for i in range(1_000)), "<u4")
# A sign stands by the first digit: 0 to 999, then -0 to -999.
_SIGNED = _packed((f"{sign}{i}".rjust(4) for sign in ("", "-") for i in range(1_000)), "<u4")


class _Cell(NamedTuple):
    """What a column adds to each row: ``blank``, with each piece's integers (or bytes, two-
    dimensional) over it from the piece's place on, and null over the ``absent``.
    """

    blank: bytes
    pieces: list[tuple[int, NDArray]]
    absent: NDArray | None


def chunks(columns: Mapping[str, NDArray]) -> Iterator[bytes]:
    """The rows in pieces of a megabyte or so; joined by commas they are the array's inside."""
    for low in range(0, size(columns), CHUNK_ROWS):
        yield rows({name: values[low : low + CHUNK_ROWS] for name, values in columns.items()})


def rows(columns: Mapping[str, NDArray]) -> bytes:
    """n ≥ 1 samples as JSON objects with commas between; ``t`` is called ``gnss.timestamp``. Every
    object has every column; NaN is null. Numbers read back equal to those given.
    """
    n = size(columns)
    names = [ROW_CLOCK, *(name for name in columns if name != "t")]
    cells = [_whole_numbers(columns["t"], None) or _by_orjson(columns["t"], None)]
    floats = [values for name, values in columns.items() if name != "t"]
    for values, (whole, scale, absent) in zip(floats, exact_long_columns(floats), strict=True):
        cells.append(_cell(values, whole, scale, absent))
    template, at = b"", []
    for name, cell in zip(names, cells, strict=True):
        template += b"%c%b:" % (b"," if template else b"{", orjson.dumps(name))
        at.append(len(template))
        template += cell.blank
    template += b"},"
    out = np.empty((n, len(template)), np.uint8)
    out[:] = np.frombuffer(template, np.uint8)
    for place, cell in zip(at, cells, strict=True):
        _write(out, place, cell)
    return out.reshape(-1)[:-1].tobytes()


def _write(out: NDArray, place: int, cell: _Cell) -> None:
    n, width = out.shape
    for offset, values in cell.pieces:
        if values.ndim == 2:
            out[:, place + offset : place + offset + values.shape[1]] = values
        else:
            np.ndarray((n,), values.dtype, out, place + offset, (width,))[...] = values
    if cell.absent is not None:
        null = np.frombuffer(_NULL.rjust(len(cell.blank)), np.uint8)
        out[np.flatnonzero(cell.absent), place : place + len(null)] = null


def _cell(values: NDArray, whole: NDArray, scale: int, absent: NDArray | None) -> _Cell:
    if absent is not None and absent.all():
        return _Cell(_NULL, [], None)
    if scale < 0:
        return _by_orjson(values, absent)
    if absent is not None:
        # A number of the column's own instead of 0: it may decide nothing, and is written over.
        whole[absent] = whole[np.argmin(absent)]
    made = _decimals(whole, scale, absent) if scale else _whole_numbers(whole, absent)
    return made or _by_orjson(values if scale else whole, absent)


def _whole_numbers(whole: NDArray, absent: NDArray | None) -> _Cell | None:
    pieces = _integers(whole, whole < 0)
    return None if pieces is None else _padded(pieces, absent)


def _decimals(whole: NDArray, scale: int, absent: NDArray | None) -> _Cell | None:
    power = whole.dtype.type(10**scale)
    size_of = np.abs(whole)
    integers = size_of // power
    pieces = _integers(integers, whole < 0)
    if pieces is None:
        return None
    return _padded([*pieces, *_fraction(size_of - integers * power, scale)], absent)


def _integers(whole: NDArray, negative: NDArray) -> list[NDArray] | None:
    """Texts of the whole numbers, cut into pieces of the same places in each row; None where their
    lengths differ too much. ``negative``: which have a sign, whether it is in ``whole`` or not.
    """
    whole = np.abs(whole)
    least, most = int(whole.min()), int(whole.max())
    if negative.any():
        return [_SIGNED[whole + 1_000 * negative]] if most < 1_000 else None
    lower: list[NDArray] = []
    while most >= 10_000:
        if least < 10_000:
            return None
        above = whole // 10_000
        lower.insert(0, _FOUR[whole - above * 10_000])
        whole, least, most = above, least // 10_000, most // 10_000
    table = _ONE if most < 10 else _BLANK_TWO if most < 100 else _BLANK_FOUR
    return [table[whole], *lower]


def _fraction(rest: NDArray, places: int) -> list[NDArray]:
    """The decimal point and ``places`` digits."""
    lower: list[NDArray] = []
    while places >= 4:
        above = rest // 10_000
        lower.insert(0, _FOUR[rest - above * 10_000])
        rest, places = above, places - 4
    if places == 3:
        return [_POINT_THREE[rest], *lower]
    point = np.full(1, ord("."), np.uint8)
    return [point, *([(_ONE, _TWO)[places - 1][rest]] if places else []), *lower]


def _padded(pieces: list[NDArray], absent: NDArray | None) -> _Cell:
    """The pieces one after another, at the right of a cell that has room for null where needed."""
    width = sum(piece.itemsize for piece in pieces)
    cell = b" " * max(width, len(_NULL) if absent is not None else 0)
    at, placed = len(cell) - width, []
    for piece in pieces:
        placed.append((at, piece))
        at += piece.itemsize
    return _Cell(cell, placed, absent)


def _by_orjson(values: NDArray, absent: NDArray | None) -> _Cell:
    """Any numbers: orjson's text of the column, each number at the right of a cell of one width."""
    text = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    letters = np.frombuffer(text, np.uint8)
    ends = np.append(np.flatnonzero(letters == _COMMA), len(letters) - 1)
    starts = np.append(1, ends[:-1] + 1)
    width = max(int((ends - starts).max()), len(_NULL))
    places = ends[:, None] + np.arange(-width, 0)
    cells = np.where(places < starts[:, None], _BLANK, letters[np.maximum(places, 0)])
    return _Cell(b" " * width, [(0, cells.astype(np.uint8))], absent)
