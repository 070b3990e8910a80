"""Samples as bytes: the packed row of the hot tail, and the sealed block (Parquet).

Both are lossless: a float column whose values are decimals of at most nine places is kept as
integers with a scale and comes back bit for bit; any other stays float64.

Packed row, little-endian: ``u8 version, u8 columns, u32 n``; per column ``u8 length, name, u8 kind,
u8 scale, i64 base``; then the columns one after another. Kind 0 is float64 as it is. Kinds 1, 2, 4
and 8 are unsigned integers of that many bytes: 0 is absent, u is ``(base + u - 1) / 10**scale``.
Made for the ten samples of one second, where the header costs more than any codec would save.

Sealed block: Parquet, row groups of 6,000, zstd. Integers are DELTA_BINARY_PACKED and their field's
metadata carries ``scale`` (value = integer / 10**scale) and ``unit``; floats are PLAIN, which zstd
packs better than BYTE_STREAM_SPLIT: devices repeat few values (measured on the soccer recordings).
"""

import struct
from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from .columns import Columns, exact_decimals, exact_long_columns, unit_of

GROUP_ROWS = 6_000
_VERSION = 1
_HEAD = struct.Struct("<BBI")
_COLUMN = struct.Struct("<BBq")
_UNSIGNED = {1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
_LOWEST, _HIGHEST = -(2**63), 2**63 - 1


class CorruptBlock(ValueError):
    """Stored bytes that are not what was written."""


def pack(columns: Columns) -> bytes:
    """Columns of n ≥ 1 samples → one packed row."""
    t = columns["t"]
    names = [name for name in columns if name != "t"]
    floats = np.empty((len(names), len(t)))
    for row, name in enumerate(names):
        floats[row] = columns[name]
    whole, scales = exact_decimals(floats)
    absent = np.isnan(floats)
    lowest = np.where(absent, _HIGHEST, whole).min(axis=1, initial=_HIGHEST)
    highest = np.where(absent, _LOWEST, whole).max(axis=1, initial=_LOWEST)
    whole -= lowest[:, None] - 1
    whole[absent] = 0
    head = [_HEAD.pack(_VERSION, len(names) + 1, len(t))]
    body = []

    def add(name: str, kind: int, places: int, base: int, data: NDArray) -> None:
        text = name.encode()
        head.append(bytes((len(text),)) + text + _COLUMN.pack(kind, places, base))
        body.append(data.tobytes())

    start = int(t.min())
    kind = _width(int(t.max()) - start + 1)
    add("t", kind, 0, start, (t - (start - 1)).astype(_UNSIGNED[kind]))
    bounds = zip(scales.tolist(), lowest.tolist(), highest.tolist(), strict=True)
    for row, (scale, low, high) in enumerate(bounds):
        if scale < 0:
            add(names[row], 0, 0, 0, floats[row].astype("<f8"))
        elif low > high:  # nothing there at all
            add(names[row], 1, 0, 0, np.zeros(len(t), "<u1"))
        else:
            kind = _width(high - low + 1)
            add(names[row], kind, scale, low, whole[row].astype(_UNSIGNED[kind]))
    return b"".join(head + body)


def _width(largest: int) -> int:
    return next(width for width in (1, 2, 4, 8) if largest < 1 << (8 * width))


def unpack(data: bytes, names: Collection[str] | None = None) -> Columns:
    """A packed row → columns; with ``names`` only those of them that are there, and ``t``."""
    try:
        version, count, n = _HEAD.unpack_from(data, 0)
        if version != _VERSION:
            raise CorruptBlock(f"packed row of unknown version {version}")
        at = _HEAD.size
        layout = []
        for _ in range(count):
            end = at + 1 + data[at]
            layout.append((data[at + 1 : end].decode(), *_COLUMN.unpack_from(data, end)))
            at = end + _COLUMN.size
        columns: Columns = {}
        for name, kind, scale, base in layout:
            width = kind or 8
            if name == "t" or names is None or name in names:
                raw = np.frombuffer(data, _UNSIGNED[width] if kind else "<f8", n, at)
                columns[name] = _unpacked(raw, kind, scale, base, is_time=name == "t")
            at += n * width
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise CorruptBlock(f"packed row cannot be read: {error}") from error
    except ValueError as error:
        raise CorruptBlock(str(error)) from error
    return columns


def _unpacked(raw: NDArray, kind: int, scale: int, base: int, *, is_time: bool) -> NDArray:
    if not kind:
        return raw.astype(np.float64)
    whole = raw.astype(np.int64) + (base - 1)
    if is_time:
        return whole
    values = whole.astype(np.float64)
    if scale:
        values /= 10.0**scale
    values[raw == 0] = np.nan
    return values


def encode(columns: Columns, stream: str = "samples") -> bytes:
    """Columns of n ≥ 1 samples in ascending time → a sealed block (Parquet file)."""
    names = [name for name in columns if name != "t"]
    exact = exact_long_columns([columns[name] for name in names])
    arrays = [_array(columns["t"], None)]
    fields = [_field("t", pa.int64(), stream, 0, nullable=False)]
    for name, (values, scale, absent) in zip(names, exact, strict=True):
        arrays.append(_array(values, absent))
        fields.append(_field(name, arrays[-1].type, stream, scale, nullable=absent is not None))
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=pa.schema(fields)),
        sink,
        row_group_size=GROUP_ROWS,
        compression="zstd",
        compression_level=1,
        use_dictionary=False,
        write_statistics=["t"],
        column_encoding={
            field.name: "PLAIN" if pa.types.is_floating(field.type) else "DELTA_BINARY_PACKED"
            for field in fields
        },
    )
    return sink.getvalue().to_pybytes()


def _array(values: NDArray, absent: NDArray | None) -> pa.Array:
    """As ``pa.array(values, mask=absent)``, which would import pandas wherever it is installed."""
    there = None if absent is None else pa.py_buffer(np.packbits(~absent, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(values))
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [there, data])


def _field(name: str, kind: pa.DataType, stream: str, scale: int, *, nullable: bool) -> pa.Field:
    unit = unit_of(name, stream)
    facts = {"unit": unit} if unit else {}
    if scale >= 0:
        facts["scale"] = str(scale)
    return pa.field(name, kind, nullable=nullable, metadata=facts)


def decode(
    data: bytes,
    start: int | None = None,
    stop: int | None = None,
    names: Collection[str] | None = None,
) -> Columns:
    """A sealed block → its samples with start ≤ t < stop; see ``load``."""
    return join([load(data, start, stop, names)])


def load(
    data: bytes,
    start: int | None = None,
    stop: int | None = None,
    names: Collection[str] | None = None,
) -> pa.Table:
    """A sealed block's samples with start ≤ t < stop as they are stored, for ``join``. Only row
    groups that touch the interval are read, and with ``names`` only those columns that are there,
    and ``t``. Raises ``CorruptBlock``.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        wanted = [
            name
            for name in file.schema_arrow.names
            if name == "t" or names is None or name in names
        ]
        groups = _groups(file, start, stop)
        table = file.read_row_groups(groups, columns=wanted, use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise CorruptBlock(f"sealed block cannot be read: {error}") from error
    if start is None and stop is None:
        return table
    t = join([table.select(["t"])])["t"]
    low = 0 if start is None else int(np.searchsorted(t, start))
    high = len(t) if stop is None else int(np.searchsorted(t, stop))
    return table.slice(low, high - low)


def _groups(file: pq.ParquetFile, start: int | None, stop: int | None) -> list[int]:
    every = range(file.metadata.num_row_groups)
    if start is None and stop is None:
        return list(every)
    at = file.schema_arrow.names.index("t")
    touching = []
    for group in every:
        times = file.metadata.row_group(group).column(at).statistics
        if (stop is None or times.min < stop) and (start is None or times.max >= start):
            touching.append(group)
    return touching


def join(tables: Sequence[pa.Table]) -> Columns:
    """Loaded blocks, one after another → columns: each value is moved once, from what the Parquet
    reader gave into an array of its own (kernels take writable arrays only). NaN where a block
    lacks a column.
    """
    rows = sum(len(table) for table in tables)
    names = dict.fromkeys(name for table in tables for name in table.column_names if name != "t")
    # One piece of memory for all columns: large enough to come in large pages.
    space = np.empty((len(names), rows))
    columns: Columns = {"t": np.empty(rows, np.int64), **dict(zip(names, space, strict=True))}
    for name, values in columns.items():
        at = 0
        for table in tables:
            out = values[at : at + len(table)]
            if name in table.column_names:
                _fill(out, table.column(name), table.field(name))
            else:
                out[:] = np.nan
            at += len(table)
    return columns


def _fill(out: NDArray, column: pa.ChunkedArray, field: pa.Field) -> None:
    scale = int((field.metadata or {}).get(b"scale", b"0"))
    at = 0
    for chunk in column.chunks:
        stored, absent = _stored(chunk)
        target = out[at : at + len(chunk)]
        if scale:
            np.divide(stored, 10.0**scale, out=target)
        else:
            target[:] = stored
        if absent is not None:
            target[absent] = np.nan
        at += len(chunk)


def _stored(chunk: pa.Array) -> tuple[NDArray, NDArray | None]:
    """The numbers of an array where they lie, and which are absent (those say nothing). Its own
    ``to_numpy`` would import pandas wherever it is installed.
    """
    there, data = chunk.buffers()
    low, high = chunk.offset, chunk.offset + len(chunk)
    values = np.frombuffer(data, chunk.type.to_pandas_dtype(), high)[low:]
    if not chunk.null_count:
        return values, None
    bits = np.unpackbits(np.frombuffer(there, np.uint8), count=high, bitorder="little")
    return values, bits[low:] == 0
