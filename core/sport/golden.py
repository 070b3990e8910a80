"""Goldens: the documents that made samples give, shipped beside a sport to notice changed values.

For ``plugins/<sport>/goldens/generate.py``. Imports numba; the platform never imports this.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from core.sport.contract import Sport
from core.sport.parameters import resolve_parameters
from core.sport.runner import FrameFold

Columns = Mapping[str, np.ndarray]


def document(
    sport: Sport,
    window: tuple[int, int],
    params: Mapping[str, Any],
    streams: Mapping[str, Columns],
    activity: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The document of a frame over ``window`` (ms, [start, end)) with these time frame parameters
    and rows by stream, by the kernels installed here. ``activity``: the activity's parameters.

    Raises what resolving and folding raise (core.sport.parameters, core.sport.runner).
    """
    declared = {"sport": sport.name, **(activity or {})}
    frame = FrameFold(sport, resolve_parameters(sport, declared, params, {}), *window)
    for stream, columns in streams.items():
        frame.advance(columns, stream)
    frame.batch(streams)
    return frame.document(final=True)


def write(path: Path, agreed: Mapping[str, Any]) -> None:
    """Store a document as the agreed one."""
    path.write_text(json.dumps(agreed) + "\n", "utf-8")
