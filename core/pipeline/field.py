"""Where stored samples are on their field: ``field.x`` and ``field.y``, added on reading."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from core.sport.geometry import Field

from .columns import Columns, between

X, Y = "field.x", "field.y"


class Stay(NamedTuple):
    """From ``start`` until before ``stop`` (Unix ms) the samples are of this field."""

    start: int
    stop: int
    field: Field


def add_positions(columns: Columns, stays: Iterable[Stay]) -> Columns:
    """The columns with ``field.x`` and ``field.y`` (m), where a stay touches samples with a
    position; NaN outside the stays. Where stays overlap the first counts.
    """
    if "gnss.latitude" not in columns or "gnss.longitude" not in columns:
        return columns
    placed = dict(columns)
    for stay in stays:
        part = between(columns, stay.start, stay.stop)
        if not len(part["t"]):
            continue
        if X not in placed:
            placed[X], placed[Y] = np.full((2, len(columns["t"])), np.nan)
        mine = between(placed, stay.start, stay.stop)
        x, y = stay.field.place(part["gnss.latitude"], part["gnss.longitude"])
        free = np.isnan(mine[X])
        mine[X][free], mine[Y][free] = x[free], y[free]
    return placed
