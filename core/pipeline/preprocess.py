"""From stored channels to what a fold reads: the folds' names, SI units, absent values as NaN."""

import numpy as np

from .columns import CHANNELS, Columns

_SOURCES: dict[str, list[str]] = {}
for _name, _channel in CHANNELS.items():
    if _channel.fold is not None:
        _SOURCES.setdefault(_channel.fold, []).append(_name)

# The stored columns that some fold reads: what compute asks the store for.
WANTED = tuple(name for names in _SOURCES.values() for name in names)


def chunk(columns: Columns) -> Columns:
    """Stored columns → ``t`` and the folds' channels (metrics.md R1); absent channels are left out.

    Where two stored channels feed one (cadence of a power meter, of a foot pod) the first that has
    a value at the sample is taken. Heart rate 0 means absent.
    """
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
