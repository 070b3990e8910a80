"""From stored channels to what a fold reads: the folds' names, SI units, absent values as NaN."""

from collections.abc import Iterable

import numpy as np

from core.sport.columns import SAMPLES

from .columns import CHANNELS, Columns

_SOURCES: dict[str, list[str]] = {}
for _name, _channel in CHANNELS.items():
    if _channel.fold is not None:
        _SOURCES.setdefault(_channel.fold, []).append(_name)

# The stored columns of the samples that some fold reads: what compute asks the store for.
WANTED = tuple(name for names in _SOURCES.values() for name in names)


def wanted(stream: str, inputs: Iterable[str]) -> tuple[str, ...]:
    """The stored columns of a stream of which a sport reads ``inputs``."""
    return WANTED if stream == SAMPLES else tuple(inputs)


def chunk(columns: Columns, stream: str = SAMPLES) -> Columns:
    """Stored columns → ``t`` and the folds' channels (metrics.md R1); absent channels are left out.
    The other streams are stored as folds read them.

    Where two stored channels feed one (cadence of a power meter, of a foot pod) the first that has
    a value at the sample is taken. Heart rate 0 means absent.
    """
    if stream != SAMPLES:
        return columns
    chunk: Columns = {"t": columns["t"]}
    for fold_name, names in _SOURCES.items():
        found = [columns[name] for name in names if name in columns]
        if not found:
            continue
        values = found[0]
        for other in found[1:]:
            values = np.where(np.isnan(values), other, values)
        if fold_name == "hr":
            values = np.where(values > 0, values, np.nan)
        chunk[fold_name] = values
    return chunk
