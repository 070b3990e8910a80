"""A batch from a device as Arrow IPC: the same content as the JSON body, checked by the same rules.

The body is one IPC stream for the samples and, where a batch has more, one after the other for each
further stream; ``stream`` in a schema's metadata names it (``samples`` where it is absent). The
first schema's metadata holds ``batch`` and maybe ``sent`` and ``n``, as decimal text. A null is an
absent value; NaN is refused like any number that is not finite.

The bytes come from outside, so nothing is believed: the messages are walked before they are read
(kinds, number, and what compressed buffers say that they hold), and every buffer is validated
before it is looked at.
"""

import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc as ipc
from numpy.typing import NDArray

from core.errors import BadInput, TooLarge
from core.sport.codes import CODES

from .uplink import MAX_BYTES, MAX_ROWS, SAMPLES, Batch, check, escape, pointer_of

MEDIA_TYPE = "application/vnd.apache.arrow.stream"
MAX_MESSAGES = 2_000  # of all streams; one holds up to 36,000 rows
_ENVELOPE = ("batch", "sent", "n")
_HEADER, _BUFFERS, _COMPRESSION = 2, 2, 3  # fields of Arrow's Message and RecordBatch tables


def parse(body: bytes, now: int) -> Batch:
    """Check a body received at ``now`` (Unix ms).

    Raises ``BadInput`` (with the JSON pointers of the same batch as JSON) and ``TooLarge`` (over
    8 MiB, packed or unpacked, or 36,000 rows).
    """
    if len(body) > MAX_BYTES:
        raise TooLarge(f"a batch has at most {MAX_BYTES} bytes, this one has {len(body)}")
    try:
        told, given = _read(pa.py_buffer(body))
    except (pa.ArrowException, OSError, UnicodeError, struct.error) as error:
        raise BadInput(f"the body is not an Arrow IPC stream: {_line(error)}") from None
    return check(told, given, now)


def envelope(body: bytes) -> dict[str, Any]:
    """What the first schema says of the batch, unchecked; empty where nothing can be read."""
    try:
        message = ipc.read_message(pa.BufferReader(pa.py_buffer(body)))
        return _envelope(ipc.read_schema(message))
    except (pa.ArrowException, OSError, UnicodeError):
        return {}


def _read(body: pa.Buffer) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """The envelope, and stream → columns. Raises what pyarrow and struct raise."""
    tables = [_table(stream) for stream in _streams(body)]
    if not tables:
        raise BadInput("the body is not an Arrow IPC stream: it is empty")
    given: dict[str, dict[str, Any]] = {}
    for table in tables:
        name = _metadata(table.schema).get("stream", SAMPLES)
        if name in given:
            raise BadInput.at("/stream", f"{name} comes twice")
        given[name] = _columns(pointer_of(name), table)
    return _envelope(tables[0].schema), given


def _streams(body: pa.Buffer) -> Iterator[pa.Buffer]:
    """The IPC streams in a body, each walked to its end and found harmless."""
    source = pa.BufferReader(body)
    messages = unpacked = start = 0
    while start < len(body):
        for message in ipc.MessageReader.open_stream(source):
            messages += 1
            if messages > MAX_MESSAGES:
                raise TooLarge(f"a batch has at most {MAX_MESSAGES} Arrow messages")
            if message.type == "schema":
                _check_types(ipc.read_schema(message))
            elif message.type == "record batch":
                unpacked += _unpacked(message)
            else:
                raise BadInput(f"an Arrow message of the kind {message.type} is not taken")
            if unpacked > MAX_BYTES:
                raise TooLarge(f"a batch has at most {MAX_BYTES} bytes, this one unpacks to more")
        if source.tell() == start:
            raise BadInput(f"what follows byte {start} is not an Arrow IPC stream")
        yield body.slice(start, source.tell() - start)
        start = source.tell()


def _unpacked(message: ipc.Message) -> int:
    """What the buffers of a record batch say that they hold, in bytes; a compressed one begins with
    it. pyarrow believes that number when it allocates.
    """
    table = memoryview(message.metadata)
    (root,) = struct.unpack_from("<I", table)
    header = _child(table, root, _HEADER)
    if header is None:
        return 0
    body = memoryview(message.body)
    if _child(table, header, _COMPRESSION) is None:
        return len(body)
    vector = _child(table, header, _BUFFERS)
    if vector is None:
        return 0
    (count,) = struct.unpack_from("<I", table, vector)
    total = 0
    for at in range(vector + 4, vector + 4 + 16 * count, 16):
        offset, length = struct.unpack_from("<qq", table, at)
        if not 0 <= offset <= offset + length <= len(body):
            raise BadInput("the body is not an Arrow IPC stream: a buffer lies outside its message")
        held = struct.unpack_from("<q", body, offset)[0] if length else 0
        total += length if held < 0 else held  # -1: this one is not compressed
    return total


def _child(table: memoryview, at: int, field: int) -> int | None:
    """Where a FlatBuffers table's field leads (a table or a vector); None where it is absent."""
    (back,) = struct.unpack_from("<i", table, at)
    vtable, entry = at - back, 4 + 2 * field
    (size,) = struct.unpack_from("<H", table, vtable)
    (offset,) = struct.unpack_from("<H", table, vtable + entry) if entry < size else (0,)
    if not offset:
        return None
    (leads,) = struct.unpack_from("<I", table, at + offset)
    return at + offset + int(leads)


def _check_types(schema: pa.Schema) -> None:
    stream = _metadata(schema).get("stream", SAMPLES)
    for field in schema:
        kind = field.type
        numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)
        names = stream != SAMPLES and field.name in CODES
        if not numbers and not (names and _is_text(kind)):
            why = f"is of the type {kind}; integers and floating-point numbers are taken"
            why += ", and text" if names else ""
            raise BadInput.at(f"{pointer_of(stream)}/{escape(field.name)}", why)


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _table(stream: pa.Buffer) -> pa.Table:
    reader = ipc.open_stream(stream)
    rows, batches = 0, []
    for batch in reader:
        rows += batch.num_rows
        if rows > MAX_ROWS:
            raise TooLarge(f"a batch has at most {MAX_ROWS} rows, this one has more")
        batch.validate(full=True)
        batches.append(batch)
    return pa.Table.from_batches(batches, reader.schema)


def _columns(pointer: str, table: pa.Table) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, column in zip(table.schema.names, table.columns, strict=True):
        if name in columns:
            raise BadInput.at(f"{pointer}/{escape(name)}", "comes twice")
        columns[name] = _values(f"{pointer}/{escape(name)}", column)
    return columns


def _values(pointer: str, column: pa.ChunkedArray) -> NDArray | list[Any]:
    """float64, NaN for null; a NaN that was sent as a number is refused. Text as a list."""
    if _is_text(column.type):
        return list(column.to_pylist())
    if pa.types.is_null(column.type):
        return np.full(len(column), np.nan)
    numbers = column.to_numpy().astype(np.float64)
    sent = np.isnan(numbers)
    if sent.any():
        sent &= column.is_valid().to_numpy()
        if sent.any():
            where = int(np.argmax(sent))
            raise BadInput.at(f"{pointer}/{where}", "must be finite; an absent value is null")
    return numbers


def _envelope(schema: pa.Schema) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for key, text in _metadata(schema).items():
        if key == "batch":
            given[key] = text
        elif key in _ENVELOPE:
            decimal = text.isascii() and text.isdigit() and len(text) < 20
            given[key] = int(text) if decimal else text  # what is no number is refused by check
    return given


def _metadata(schema: pa.Schema) -> dict[str, str]:
    """The schema's metadata that is ours; programs put other things there too."""
    known = {name.encode(): name for name in (*_ENVELOPE, "stream")}
    return {
        known[key]: value.decode() for key, value in (schema.metadata or {}).items() if key in known
    }


def _line(error: Exception) -> str:
    """What Arrow said, without the place in its source."""
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
