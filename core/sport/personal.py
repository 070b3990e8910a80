"""Parameters of a time frame that are properties of a person, and their history.

Which of them there are, and their ranges, is said by the sports' schemas alone.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any

from core.sport.registry import Registry
from schemas import validate

# What a person is able to or has, whatever the sport; the rest of a schema is about the recording
# or about what is to be counted.
PERSONAL = (
    "max_hr",
    "rest_hr",
    "weight",
    "height",
    "ftp",
    "ftp_hr",
    "cp",
    "w_prime",
    "tau",
    "css",
    "threshold_pace",
    "critical_speed",
    "d_prime",
    "power_cp",
    "athlete_max_speed",
)


def names(registry: Registry) -> list[str]:
    """Those of ``PERSONAL`` that some enabled sport knows, in that order."""
    return [name for name in PERSONAL if _fields(registry, name)]


def faults(registry: Registry, name: str, value: float | None) -> list[str]:
    """Why a sport that knows the parameter would not take the value. Null is unset, everywhere."""
    if value is None:
        return []
    wrong = (validate(field, value) for field in _fields(registry, name))
    return list(dict.fromkeys(fault["detail"] for found in wrong for fault in found))


def _fields(registry: Registry, name: str) -> list[Mapping[str, Any]]:
    """The parameter's schema in each sport that has it."""
    schemas = (sport.timeframe_schema["properties"] for sport in registry.sports.values())
    return [properties[name] for properties in schemas if name in properties]


class History:
    """The values of one person over time, from rows of name, valid from (Unix ms), value."""

    def __init__(self, rows: Iterable[tuple[str, int, float | None]]) -> None:
        self._moments: dict[str, list[int]] = {}
        self._values: dict[str, list[float | None]] = {}
        for name, moment, value in sorted(rows, key=lambda row: row[:2]):
            self._moments.setdefault(name, []).append(moment)
            self._values.setdefault(name, []).append(value)

    def at(self, moment: int) -> dict[str, float | None]:
        """What is valid at the moment, by name."""
        found = {}
        for name, moments in self._moments.items():
            place = bisect_right(moments, moment)
            if place:
                found[name] = self._values[name][place - 1]
        return found
