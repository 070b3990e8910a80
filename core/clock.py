"""The wall clock, and the forms in which a moment travels. Inside, a moment is integer Unix ms."""

import re
import time
from datetime import UTC, datetime, timedelta

# End of an open ownership and start of everything, as the contract writes them.
FAR_FUTURE = 32503679999000  # 2999-12-31T23:59:59.000Z
BEGINNING = 0  # 1970-01-01T00:00:00.000Z

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_YEARS = range(-62135596800000, 253402300800000)  # years 1 to 9999 in UTC, ms
_LOST_PLUS = re.compile(r"T\S+ \d{2}:?\d{2}$", re.ASCII | re.IGNORECASE)
_SHORT_OFFSET = re.compile(r"([+-]\d{2})(\d{2})?$")


def now() -> int:
    """The current time in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def to_iso(ms: int) -> str:
    """``1590868800000`` → ``2020-05-30T20:00:00.000Z``."""
    # No strftime: it writes years before 1000 with fewer than four digits.
    return (_NAIVE_EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds") + "Z"


def from_iso(text: str) -> int:
    """ISO 8601 with an offset (``Z``, ``+01:00``, ``+0100``, ``+01``) → Unix ms, truncated.

    Raises ``ValueError`` with a sentence for people when the text is no date-time or has no offset.
    """
    candidate = text.strip()
    if _LOST_PLUS.search(candidate):
        raise ValueError("not an ISO 8601 date-time (in a query a + is written %2B)")
    if "T" in candidate.upper():
        day, clock = candidate[:11], candidate[11:]
        clock = _SHORT_OFFSET.sub(lambda m: f"{m[1]}:{m[2] or '00'}", clock)
        candidate = day + clock
    try:
        moment = datetime.fromisoformat(candidate)
    except ValueError:
        raise ValueError("not an ISO 8601 date-time") from None
    if moment.tzinfo is None:
        raise ValueError("a date-time needs an offset, for example Z or +01:00")
    ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    if ms not in _YEARS:  # by its offset
        raise ValueError("a date-time outside the years 1 to 9999")
    return ms
