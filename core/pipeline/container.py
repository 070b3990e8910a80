"""The Touchline device file: columns with units in checksummed chunks, read as a stream.

Layout (docs/api/device-files.md; all integers little-endian):

- magic, 8 bytes; version, uint16; length of the header, uint32; the header, a JSON object in UTF-8;
  CRC-32 of everything so far, uint32;
- chunks: ``CHNK``, rows uint32, bytes uint32, the columns' values one column after another, CRC-32
  of the chunk so far;
- the end: ``DONE``, rows of the whole file uint64, CRC-32 of the end so far.

A column is ``i8``, ``i4`` or ``i2`` (whole numbers; the value is the number / 10**scale, the lowest
number of the type is an absent value) or ``f8`` (NaN is absent). The first is the clock ``t``.
"""

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from .columns import CHANNELS, MAX_SCALE, Columns, unit_of

MAGIC = b"\x89TLDF\r\n\x1a"  # as in PNG: survives no transfer that mends text
VERSION = 1
CHUNK, END = b"CHNK", b"DONE"
MAX_HEADER = 65_536
MAX_ROWS = 65_536  # of one chunk
TYPES: dict[str, np.dtype[Any]] = {name: np.dtype(f"<{name}") for name in ("i8", "i4", "i2", "f8")}

_HEAD = struct.Struct("<8sHI")
_CHUNK = struct.Struct("<4sII")
_END = struct.Struct("<4sQ")
_CRC = struct.Struct("<I")


class ContainerError(ValueError):
    """Bytes that are no such file. ``offset``: where reading stopped; ``truncated``: for lack of
    bytes, so that more of them might help.
    """

    def __init__(self, detail: str, offset: int, *, truncated: bool = False) -> None:
        super().__init__(detail)
        self.detail, self.offset, self.truncated = detail, offset, truncated


class Column(NamedTuple):
    """``unit`` as in core.pipeline.columns; ``scale`` decimals, of whole-number types only."""

    name: str
    unit: str
    type: str
    scale: int = 0


@dataclass(frozen=True)
class Header:
    """What the file says of itself. ``about`` may hold serial_number, device_name,
    firmware_version, sport: texts.
    """

    columns: tuple[Column, ...]
    about: Mapping[str, str] = field(default_factory=dict)


ABOUT = ("serial_number", "device_name", "firmware_version", "sport")


class Writer:
    """Writes a file to a stream that need not be sought: a chunk at a time, then ``close``."""

    def __init__(self, stream: IO[bytes], header: Header) -> None:
        self._stream, self._columns, self._rows = stream, header.columns, 0
        columns = [column._asdict() for column in header.columns]
        _columns(columns, 0)
        document = orjson.dumps({"columns": columns, **_about(header.about, 0)})
        head = _HEAD.pack(MAGIC, VERSION, len(document)) + document
        self._put(head)

    def write(self, columns: Mapping[str, NDArray]) -> None:
        """One chunk, or several where there are more than ``MAX_ROWS`` samples. Columns that are
        not there are absent. Raises ValueError for what a whole-number type cannot hold.
        """
        for at in range(0, len(columns["t"]), MAX_ROWS):
            rows = len(columns["t"][at : at + MAX_ROWS])
            parts = [
                _packed(column, columns.get(column.name), at, rows) for column in self._columns
            ]
            body = b"".join(parts)
            self._put(_CHUNK.pack(CHUNK, rows, len(body)) + body)
            self._rows += rows

    def close(self) -> None:
        """Write the end; the stream stays open."""
        self._put(_END.pack(END, self._rows))

    def _put(self, data: bytes) -> None:
        self._stream.write(data + _CRC.pack(zlib.crc32(data)))


class Reader:
    """Reads a file from a stream; ``header`` at once, ``chunks`` as they come.

    Raises ContainerError; ``rows`` counts the samples of the chunks that were whole.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self.offset, self.rows = stream, 0, 0
        head = self._take(_HEAD.size)
        magic, version, length = _HEAD.unpack(head)
        if magic != MAGIC:
            raise ContainerError("this is no Touchline device file", 0)
        if version != VERSION:
            raise ContainerError(f"version {version} is not known, only {VERSION}", 8)
        if length > MAX_HEADER:
            raise ContainerError(f"a header of {length} bytes; {MAX_HEADER} at most", 10)
        document = self._take(length)
        self._check(head + document)
        self.header = _header(document, _HEAD.size)

    def chunks(self) -> Iterator[Columns]:
        """Each chunk's samples, in the order of the file, absent values as NaN."""
        width = sum(TYPES[column.type].itemsize for column in self.header.columns)
        while True:
            at = self.offset
            kind = self._take(len(CHUNK))
            if kind == END:
                self._end(kind, at)
                return
            if kind != CHUNK:
                raise ContainerError("neither a chunk nor the end", at)
            head = kind + self._take(_CHUNK.size - len(kind))
            _, rows, length = _CHUNK.unpack(head)
            if not 0 < rows <= MAX_ROWS or length != rows * width:
                raise ContainerError(f"a chunk of {rows} rows in {length} bytes", at)
            body = self._take(length)
            self._check(head + body)
            self.rows += rows
            yield self._unpacked(body, rows)

    def _end(self, kind: bytes, at: int) -> None:
        end = kind + self._take(_END.size - len(kind))
        self._check(end)
        _, rows = _END.unpack(end)
        if rows != self.rows:
            raise ContainerError(f"the end speaks of {rows} rows, there are {self.rows}", at)

    def _unpacked(self, body: bytes, rows: int) -> Columns:
        columns: Columns = {}
        at = 0
        for column in self.header.columns:
            kind = TYPES[column.type]
            raw = np.frombuffer(body, kind, rows, at)
            at += rows * kind.itemsize
            columns[column.name] = (
                raw.astype(np.int64) if column.name == "t" else _real(column, raw)
            )
        return columns

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise ContainerError("the file ends too early", self.offset, truncated=True)
        self.offset += size
        return data

    def _check(self, data: bytes) -> None:
        at = self.offset - len(data)
        (stated,) = _CRC.unpack(self._take(_CRC.size))
        if stated != zlib.crc32(data):
            raise ContainerError("the checksum does not match", at)


def _packed(column: Column, values: NDArray | None, at: int, rows: int) -> bytes:
    kind = TYPES[column.type]
    part = np.full(rows, np.nan) if values is None else values[at : at + rows]
    if len(part) != rows:
        raise ValueError(f"{column.name} has not as many values as t")
    if column.name == "t" or column.type == "f8":
        return part.astype(kind).tobytes()
    absent = np.isnan(part)
    whole = np.rint(np.where(absent, 0.0, part) * 10.0**column.scale)
    limits = np.iinfo(kind)
    if not np.all((whole > limits.min) & (whole <= limits.max)):
        raise ValueError(f"{column.name}: a value is too large for {column.type}")
    return np.where(absent, limits.min, whole).astype(kind).tobytes()


def _real(column: Column, raw: NDArray) -> NDArray:
    if column.type == "f8":
        return raw.astype(np.float64)
    return np.where(raw == np.iinfo(raw.dtype).min, np.nan, raw / 10.0**column.scale)


def _header(document: bytes, offset: int) -> Header:
    try:
        read = orjson.loads(document)
    except orjson.JSONDecodeError as error:
        raise ContainerError(f"the header is not JSON: {error}", offset) from None
    if not isinstance(read, dict):
        raise ContainerError("the header is not an object", offset)
    return Header(_columns(read.get("columns"), offset), _about(read, offset))


def _about(given: Mapping[str, Any], offset: int) -> dict[str, str]:
    """What is known of it; other keys are for those who wrote them."""
    about = {name: given[name] for name in ABOUT if given.get(name) is not None}
    for name, value in about.items():
        if not isinstance(value, str) or not 0 < len(value) <= 255 or "\0" in value:
            raise ContainerError(f"the header's {name} is not a text of 1 to 255", offset)
    return about


def _columns(given: Any, offset: int) -> tuple[Column, ...]:
    """The columns that a header names. Raises ContainerError for any that cannot be stored."""
    if not isinstance(given, list) or not given or not all(isinstance(g, dict) for g in given):
        raise ContainerError("the header lists no columns", offset)
    columns = tuple(_column(one, offset) for one in given)
    names = [column.name for column in columns]
    if names[0] != "t" or columns[0].type != "i8" or columns[0].scale:
        raise ContainerError("the first column must be t, i8, in ms", offset)
    if len(set(names)) < len(names):
        raise ContainerError("a column stands in the header twice", offset)
    return columns


def _column(given: Mapping[str, Any], offset: int) -> Column:
    name, unit, kind = given.get("name"), given.get("unit"), given.get("type")
    scale = given.get("scale", 0)
    if not isinstance(name, str) or (name != "t" and name not in CHANNELS):
        raise ContainerError(f"unknown column {name!r}", offset)
    if not isinstance(unit, str) or unit != unit_of(name):
        raise ContainerError(f"{name} is in {unit!r}; it must be in {unit_of(name)!r}", offset)
    if not isinstance(kind, str) or kind not in TYPES:
        raise ContainerError(f"{name} is of type {kind!r}; there are {', '.join(TYPES)}", offset)
    if type(scale) is not int or not 0 <= scale <= (0 if kind == "f8" else MAX_SCALE):
        raise ContainerError(f"{name} has scale {scale!r}", offset)
    return Column(name, unit, kind, scale)


def dump(stream: IO[bytes], columns: Columns, kinds: Sequence[Column], **about: str) -> None:
    """A whole file at once."""
    writer = Writer(stream, Header(tuple(kinds), about))
    writer.write(columns)
    writer.close()
