"""Recorded files → samples. One file per format; a format is recognised by content, never by name.

Each decoder module has ``FORMAT``, ``recognise(head) -> bool`` and
``decode(data, *, date, timezone) -> Decoded``. Others are installed as distributions with an entry
point of the group ``touchline.decoders`` that names such a module; they are asked before ours.
"""

import datetime
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType

from . import asi, catapult, device_file, fit, statsports
from .base import Decoded, DecodeError, Session

HEAD = 4096  # bytes that suffice to recognise a file
GROUP = "touchline.decoders"
_FORMATS = (fit, device_file, asi, statsports, catapult)

__all__ = ["HEAD", "DecodeError", "Decoded", "Session", "decode", "recognise"]


@cache
def installed() -> tuple[ModuleType, ...]:
    """The decoders of other distributions, by name."""
    found = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return tuple(point.load() for point in found)


def recognise(head: bytes) -> ModuleType | None:
    """The decoder for a file that begins like this, None when no format is known."""
    return next((one for one in (*installed(), *_FORMATS) if one.recognise(head)), None)


def decode(data: bytes, *, date: datetime.date | None = None, timezone: str = "UTC") -> Decoded:
    """A whole file → its samples. ``date`` is for formats that carry the time of day only,
    ``timezone`` (IANA) for those that carry local time. Raises ``DecodeError``.
    """
    decoder = recognise(data[:HEAD])
    if decoder is None:
        raise DecodeError(
            "unknown_format",
            "neither FIT, nor a Touchline device file, nor a CSV of STATSports or Catapult",
        )
    decoded: Decoded = decoder.decode(data, date=date, timezone=timezone)
    return decoded
