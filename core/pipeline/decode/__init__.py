"""Recorded files → samples. One file per format; a format is recognised by content, never by name.

Each decoder module has ``FORMAT``, ``recognise(head) -> bool`` and
``decode(data, *, date, timezone) -> Decoded``.
"""

import datetime
from types import ModuleType

from . import catapult, fit, statsports
from .base import Decoded, DecodeError, Session

HEAD = 4096  # bytes that suffice to recognise a file
_FORMATS = (fit, statsports, catapult)

__all__ = ["HEAD", "DecodeError", "Decoded", "Session", "decode", "recognise"]


def recognise(head: bytes) -> ModuleType | None:
    """The decoder for a file that begins like this, None when no format is known."""
    return next((format_ for format_ in _FORMATS if format_.recognise(head)), None)


def decode(data: bytes, *, date: datetime.date | None = None, timezone: str = "UTC") -> Decoded:
    """A whole file → its samples. ``date`` is for formats that carry the time of day only,
    ``timezone`` (IANA) for those that carry local time. Raises ``DecodeError``.
    """
    decoder = recognise(data[:HEAD])
    if decoder is None:
        raise DecodeError("unknown_format", "neither FIT nor a CSV of STATSports or Catapult")
    decoded: Decoded = decoder.decode(data, date=date, timezone=timezone)
    return decoded
