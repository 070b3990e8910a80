"""A JSON batch written as Arrow IPC, for the suites of the uplink."""

from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc


def as_arrow(
    document: dict[str, Any], *, compression: str | None = None, rows: int = 10**6
) -> bytes:
    """The batch of a JSON document, cut into record batches of ``rows``."""
    given = dict(document.get("streams", {}))
    if "columns" in document:
        given = {"samples": document["columns"], **given}
    head = {key: str(document[key]) for key in ("batch", "sent", "n") if key in document}
    body = b""
    for stream, columns in given.items():
        metadata = head if stream == "samples" else {**head, "stream": stream}
        body += one_stream(pa.table(columns), metadata, compression=compression, rows=rows)
        head = {}
    return body


def one_stream(
    table: pa.Table,
    metadata: dict[str, str] | None = None,
    *,
    compression: str | None = None,
    rows: int = 10**6,
) -> bytes:
    """One IPC stream with this metadata in its schema."""
    table = table.replace_schema_metadata(metadata)
    sink = pa.BufferOutputStream()
    options = ipc.IpcWriteOptions(compression=compression)
    with ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue().to_pybytes()
