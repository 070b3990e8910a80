"""Names that samples carry as whole numbers: what a swimmer swam, what an event was.

The numbers are those of the FIT protocol (types ``swim_stroke`` and ``event``) where it has one;
our own begin at 1000. On the wire stand the names, or the numbers; stored and folded are the
numbers.
"""

from collections.abc import Mapping

STROKES: Mapping[str, int] = {
    "freestyle": 0,
    "backstroke": 1,
    "breaststroke": 2,
    "butterfly": 3,
    "drill": 4,
    "mixed": 5,
    "im": 6,
}

EVENTS: Mapping[str, int] = {
    "timer": 0,  # value: 1 started, 0 stopped
    "session": 8,  # a leg of its own sport begins; value: FIT's number of the sport
    "lap": 9,  # a lap ends; value: its number, from 1
    "activity": 26,
    "length": 28,
    "user_marker": 32,
    "front_gear": 42,  # value: teeth
    "rear_gear": 43,  # value: teeth
    "period": 1000,  # a period of a match begins; value: its number, from 1
}

CODES: Mapping[str, Mapping[str, int]] = {"stroke_type": STROKES, "event": EVENTS}  # by column


def label(column: str, code: float) -> str | None:
    """The name of a code, None for one without a name."""
    return next((name for name, number in CODES[column].items() if number == code), None)
