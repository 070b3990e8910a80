"""A field on the ground, and where a fix is on it (design/metrics.md 2.12).

Four corners, each (latitude, longitude) in degrees and in order around the field, become a
rectangle on the plane that touches the WGS84 ellipsoid in their middle. ``x`` runs from the first
corner towards the second, ``y`` from the first towards the fourth.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# What the sports' activity schemas call them.
CORNERS = ("field_corners", "court_corners")

SEMI_MAJOR = 6378137.0
E2 = 0.0066943799901413165
TOLERANCE = 0.03  # opposite sides, and the diagonals, differ by no more
SHORTEST = 1.0  # m
NUMBERS = 10  # that a field is made of
_MILLIMETRES = 3


class NotARectangle(ValueError):
    """The corners are those of no rectangle; the message says why, for people."""


class Plane(NamedTuple):
    """Degrees → metres east and north of a point, with the ellipsoid's radii there."""

    latitude: float
    longitude: float
    east: float
    north: float

    @classmethod
    def at(cls, latitude: float, longitude: float) -> "Plane":
        sine = np.sin(np.radians(latitude))
        w = 1.0 - E2 * sine * sine
        across = SEMI_MAJOR / np.sqrt(w)
        along = across * (1.0 - E2) / w
        cosine = np.cos(np.radians(latitude))
        return cls(latitude, longitude, np.radians(across * cosine), np.radians(along))

    def metres(self, latitude: NDArray, longitude: NDArray) -> NDArray:
        """Shape (2, n): east and north."""
        turn = _wrapped(longitude - self.longitude)
        return np.stack([turn * self.east, (latitude - self.latitude) * self.north])


class Field(NamedTuple):
    """A rectangle on the ground, in metres; ``along`` and ``across`` are unit vectors (east, north)
    towards the second and the fourth corner.
    """

    plane: Plane
    along: NDArray
    across: NDArray
    length: float
    width: float

    def place(self, latitude: NDArray, longitude: NDArray) -> tuple[NDArray, NDArray]:
        """x and y in metres, to the millimetre; NaN without a fix. Outside the field they are
        below 0, or above its length and width.
        """
        fix = self.plane.metres(latitude, longitude)
        nowhere = (latitude == 0.0) & (longitude == 0.0)
        x = np.where(nowhere, np.nan, self.along @ fix + self.length / 2)
        y = np.where(nowhere, np.nan, self.across @ fix + self.width / 2)
        # A rounded -0.0 is 0.
        return np.round(x, _MILLIMETRES) + 0.0, np.round(y, _MILLIMETRES) + 0.0

    @property
    def numbers(self) -> tuple[float, ...]:
        """What kernels place a fix by (core.sport.kernels.plane), as one row of NUMBERS floats."""
        return (*self.plane, *self.along, *self.across, self.length, self.width)


def field_of(corners: Sequence[Sequence[float]] | None) -> Field | None:
    """The field of an activity's corners; None without any, and for corners that were stored when
    they were not yet checked.
    """
    try:
        return None if corners is None else fit(corners)
    except NotARectangle:
        return None


def corners_of(activity: Mapping[str, Any]) -> tuple[str, Sequence[Sequence[float]]] | None:
    """The key and the corners that an activity's document gives, if it gives any."""
    return next(((key, activity[key]) for key in CORNERS if activity.get(key) is not None), None)


def fit(corners: Sequence[Sequence[float]]) -> Field:
    """The rectangle of four [latitude, longitude]. Raises ``NotARectangle`` where opposite sides or
    the diagonals differ by more than 3 %, a side is shorter than a metre, or the order is not round
    the field.
    """
    latitude, longitude = np.array(corners, dtype=np.float64).T
    middle = longitude[0] + _wrapped(longitude - longitude[0]).mean()
    plane = Plane.at(float(latitude.mean()), float(_wrapped(middle)))
    c = plane.metres(latitude, longitude).T
    lengths = c[1] - c[0], c[2] - c[3]
    widths = c[3] - c[0], c[2] - c[1]
    for what, sides in (("sides 1-2 and 4-3", lengths), ("sides 1-4 and 2-3", widths)):
        _alike(what, *map(_norm, sides))
    _alike("the diagonals", _norm(c[2] - c[0]), _norm(c[3] - c[1]))
    along, across = sum(lengths) / 2, sum(widths) / 2
    length, width = _mean_norm(lengths), _mean_norm(widths)
    # Corners that go criss-cross have equal sides and diagonals too; only the directions differ.
    if min(_norm(along) / length, _norm(across) / width) < 1.0 - TOLERANCE:
        raise NotARectangle("the corners must go round the field in order")
    along = along / _norm(along)
    normal = np.array([-along[1], along[0]])
    across = normal if normal @ across > 0 else -normal
    return Field(plane, along, across, length, width)


def _alike(what: str, a: float, b: float) -> None:
    if min(a, b) < SHORTEST:
        raise NotARectangle(f"{what} must be at least {SHORTEST:g} m long")
    if abs(a - b) > TOLERANCE * max(a, b):
        raise NotARectangle(
            f"{what} of a rectangle are equal, these are {a:.2f} m and {b:.2f} m"
            f" ({TOLERANCE:.0%} apart at most)"
        )


def _norm(vector: NDArray) -> float:
    return float(np.hypot(vector[0], vector[1]))


def _mean_norm(vectors: Sequence[NDArray]) -> float:
    return sum(map(_norm, vectors)) / len(vectors)


def _wrapped(degrees: Any) -> Any:
    return (degrees + 180.0) % 360.0 - 180.0
