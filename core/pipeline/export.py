"""Samples as lines of CSV, for people and their spreadsheets."""

import io

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from .columns import CHANNELS, ROW_CLOCK, Columns, select, size

COLUMNS = tuple(name for name in CHANNELS if not name.endswith(".timestamp"))
HEAD = (",".join(("time", ROW_CLOCK, *COLUMNS)) + "\n").encode()
_OPTIONS = csv.WriteOptions(include_header=False, quoting_style="none")


def rows(columns: Columns) -> bytes:
    """A line per sample: ISO 8601 (UTC), Unix ms, each channel; what is absent is empty."""
    if not size(columns):
        return b""
    shown = select(columns, COLUMNS)
    at = pa.array(shown["t"]).cast(pa.timestamp("ms"))
    table = pa.table(
        {
            "time": pc.strftime(at, format="%Y-%m-%dT%H:%M:%SZ"),
            ROW_CLOCK: shown["t"],
            **{name: pa.array(shown[name], from_pandas=True) for name in COLUMNS},
        }
    )
    written = io.BytesIO()
    csv.write_csv(table, written, _OPTIONS)
    return written.getvalue()
