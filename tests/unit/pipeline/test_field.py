"""Positions on a field: the simulator's pitch, rectangles of every pose, and what is none."""

import numpy as np
import pytest

from core import simulate
from core.pipeline import field
from core.pipeline.field import Stay, add_positions
from core.sport.geometry import NotARectangle, fit
from tests.unit.sport.fields import on_the_ground

REAL = [(0.0, 0.0), (98.8, 0.0), (98.8, 54.5), (0.0, 54.5)]


def test_the_simulators_pitch() -> None:
    pitch = fit(simulate.corners())
    assert pitch.length == pytest.approx(simulate.LENGTH, rel=0.004)  # it knows a sphere only
    assert pitch.width == pytest.approx(simulate.WIDTH, rel=0.004)
    lat, lon = simulate.to_degrees(np.array([0.0, 52.5]), np.array([0.0, 34.0]))
    x, y = pitch.place(lat, lon)
    np.testing.assert_allclose(x, [0.0, 52.5], atol=0.25)
    np.testing.assert_allclose(y, [0.0, 34.0], atol=0.25)


@pytest.mark.parametrize("turned", [0.0, 33.0, 90.0, 200.0, 315.0])
@pytest.mark.parametrize("corner", [(46.5, 6.6), (-33.9, -70.6), (0.0, 179.9995), (69.6, 18.9)])
@pytest.mark.parametrize("clockwise", [False, True])
def test_a_rectangle_in_any_pose(
    turned: float, corner: tuple[float, float], clockwise: bool
) -> None:
    sign = -1.0 if clockwise else 1.0
    corners = on_the_ground([(x, sign * y) for x, y in REAL], *corner, turned)
    pitch = fit(corners)
    assert (pitch.length, pitch.width) == pytest.approx((98.8, 54.5), rel=1e-4)
    wanted = [(0.0, 0.0), (98.8, 0.0), (0.0, 54.5), (49.4, 27.25), (-3.0, 60.0)]
    fixes = np.array(on_the_ground([(x, sign * y) for x, y in wanted], *corner, turned)).T
    x, y = pitch.place(*fixes)
    np.testing.assert_allclose(np.stack([x, y]), np.array(wanted).T, atol=0.01)


def test_sides_measured_on_a_real_pitch_pass() -> None:
    # Sides 98.81, 54.57, 98.74, 54.45 m and nearly equal diagonals (design/metrics.md 2.12).
    fit(on_the_ground([(0.0, 0.0), (98.81, 0.0), (98.79, 54.57), (0.05, 54.45)]))


@pytest.mark.parametrize(
    ("metres", "says"),
    [
        ([(0, 0), (100, 0), (96.5, 50), (0, 50)], "sides 1-2 and 4-3"),
        ([(0, 0), (100, 0), (100, 50), (0, 48)], "sides 1-4 and 2-3"),
        ([(0, 0), (100, 0), (110, 50), (10, 50)], "diagonals"),
        ([(0, 0), (100, 50), (100, 0), (0, 50)], "in order"),
        ([(0, 0), (100, 10), (100, 0), (0, 10)], "in order"),
        ([(0, 0), (100, 0), (0, 50), (100, 50)], "in order"),
        ([(0, 0), (0, 0), (0, 0), (0, 0)], "at least 1 m"),
        ([(0, 0), (100, 0), (100, 0.5), (0, 0.5)], "at least 1 m"),
    ],
)
def test_what_is_no_rectangle(metres: list[tuple[float, float]], says: str) -> None:
    with pytest.raises(NotARectangle, match=says):
        fit(on_the_ground(metres))


def test_positions_stand_where_a_stay_covers_a_fix() -> None:
    pitch = fit(on_the_ground(REAL))
    other = fit(on_the_ground(REAL, 48.0, 2.0))
    lat, lon = np.array(on_the_ground([(1.0, 2.0)] * 6)).T
    lat[3] = np.nan
    lat[4] = lon[4] = 0.0  # a receiver without a fix
    columns = {"t": np.arange(6) * 100, "gnss.latitude": lat, "gnss.longitude": lon}
    placed = add_positions(columns, [Stay(100, 500, pitch), Stay(0, 200, other)])
    assert list(placed) == [*columns, "field.x", "field.y"]
    np.testing.assert_allclose(placed["field.x"][[1, 2]], 1.0, atol=0.01)
    np.testing.assert_allclose(placed["field.y"][[1, 2]], 2.0, atol=0.01)
    assert np.isnan(placed["field.x"][3:]).all()
    assert abs(placed["field.x"][0]) > 100_000
    assert field.X not in columns
    assert add_positions(columns, [Stay(600, 900, pitch)]) == columns
    clock = {"t": columns["t"]}
    assert add_positions(clock, [Stay(0, 900, pitch)]) == clock
