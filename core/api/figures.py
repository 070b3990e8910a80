"""Numbers as people read them: one rule of decimals and one unit per quantity (design/pages.md).
The API speaks SI; pages speak km/h, min/km and the time of the activity's zone.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

NONE = "–"
THIN = "\u2009"
KILOMETRES_FROM = 10_000.0
_MINUTE, _HOUR = 60, 3_600


class Quantity(NamedTuple):
    """``write`` gives the digits, without the unit; ``number``: set to the right."""

    unit: str
    write: Callable[[Any], str]
    number: bool = True


def _digits(places: int, factor: float = 1.0) -> Callable[[float], str]:
    return lambda value: f"{value * factor:,.{places}f}".replace("-", "−")


def clock(seconds: float) -> str:
    """``h:mm:ss``; below a minute seconds with one decimal."""
    if abs(seconds) < _MINUTE:
        return f"{seconds:.1f}{THIN}s".replace("-", "−")
    whole = round(seconds)
    hours, rest = divmod(whole, _HOUR)
    return f"{hours}:{rest // _MINUTE:02}:{rest % _MINUTE:02}"


def pace(seconds: float) -> str:
    """``m:ss``."""
    whole = round(seconds)
    return f"{whole // _MINUTE}:{whole % _MINUTE:02}"


def _way(metres: float) -> str:
    """Metres, or kilometres where there are ten; the unit goes along."""
    if abs(metres) >= KILOMETRES_FROM:
        return f"{metres / 1000:,.2f}{THIN}km"
    return f"{metres:,.0f}{THIN}m"


def plain(value: Any) -> str:
    """A number without a rule of its own, a text, a list of such."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}".rstrip("0").rstrip(".").replace("-", "−")
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return str(value).replace("_", " ")


COUNT = Quantity("", _digits(0))
NUMBER = Quantity("", plain)
WORD = Quantity("", plain, number=False)
METRES = Quantity("m", _digits(0))
TENTH = Quantity("", _digits(1))
WAY = Quantity("", _way)
DURATION = Quantity("", clock)
SPEED = Quantity("km/h", _digits(1, 3.6))
ACCELERATION = Quantity("m/s²", _digits(2))
HEART = Quantity("1/min", _digits(0))
WATTS = Quantity("W", _digits(0))
RATE = Quantity("1/min", _digits(0))
PER_MINUTE = Quantity("m/min", _digits(0))
PACE = Quantity("/km", pace)
PACE_100 = Quantity("/100 m", pace)
RATIO = Quantity("%", _digits(1, 100))
PERCENT = Quantity("%", _digits(1))
ASCENT_RATE = Quantity("m/h", _digits(0))
ENERGY = Quantity("kJ", _digits(0, 0.001))
JOULES = Quantity("J", _digits(0))
SCORE = Quantity("", _digits(0))
HUNDREDTHS = Quantity("", _digits(2))
DAY = 86_400_000

# The unit of the metric dictionary → how its number is shown.
BY_UNIT: Mapping[str, Quantity] = {
    "m": METRES,
    "m/s": SPEED,
    "s": DURATION,
    "bpm": HEART,
    "W": WATTS,
    "%": PERCENT,
    "m/min": PER_MINUTE,
    "s/km": PACE,
    "s/100 m": PACE_100,
    "m/h": ASCENT_RATE,
    "J": JOULES,
    "1/min": RATE,
    "rpm": RATE,
    "spm": RATE,
    "none": WORD,
}


def text(value: Any, quantity: Quantity) -> str:
    """The digits; a dash for what is not there."""
    return NONE if value is None else quantity.write(value)


def with_unit(value: Any, quantity: Quantity) -> str:
    shown = text(value, quantity)
    return shown if not quantity.unit or value is None else f"{shown}{THIN}{quantity.unit}"


class Zone:
    """Moments (Unix ms) in the zone of an activity; UTC where its name is unknown here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._zone: tzinfo = UTC
        try:
            self._zone = ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            self.name = "UTC"

    def _at(self, ms: float) -> datetime:
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self._zone)

    def day(self, ms: float) -> str:
        return self._at(ms).strftime("%Y-%m-%d")

    def minute(self, ms: float) -> str:
        return self._at(ms).strftime("%H:%M")

    def time(self, ms: float) -> str:
        return self._at(ms).strftime("%H:%M:%S")


# What the folds call channels, in words.
FOLDED = {"alt": "altitude", "hr": "heart rate", "temp": "temperature"}

# The channels that are drawn: what they are called, how they are written.
CHANNELS: Mapping[str, tuple[str, Quantity]] = {
    "gnss.speed": ("Speed", SPEED),
    "ecg.hr": ("Heart rate", HEART),
    "gnss.altitude": ("Altitude", METRES),
    "pwr.pwr_instantpower": ("Power", WATTS),
    "pwr.pwr_cadence": ("Cadence", RATE),
    "run.cadence": ("Cadence", RATE),
    "env.temp": ("Temperature", Quantity("°C", _digits(1))),
}
