"""Fields on the ground, made apart from the code that finds them again."""

import numpy as np

Metres = list[tuple[float, float]]


def on_the_ground(
    metres: Metres, lat: float = 46.5, lon: float = 6.6, turned: float = 0.0
) -> list[list[float]]:
    """Metres → [latitude, longitude] by the ellipsoid's radii, worked out apart from the code."""
    sine = np.sin(np.radians(lat))
    n = 6378137.0 / np.sqrt(1 - 0.0066943799901413165 * sine**2)
    m = n * (1 - 0.0066943799901413165) / (1 - 0.0066943799901413165 * sine**2)
    a = np.radians(turned)
    points = []
    for x, y in metres:
        east, north = x * np.cos(a) - y * np.sin(a), x * np.sin(a) + y * np.cos(a)
        at = lon + np.degrees(east / (n * np.cos(np.radians(lat))))
        points.append([float(lat + np.degrees(north / m)), float((at + 180) % 360 - 180)])
    return points


def rectangle(length: float, width: float) -> Metres:
    """Its corners; the first is where x and y are 0."""
    return [(0.0, 0.0), (length, 0.0), (length, width), (0.0, width)]
