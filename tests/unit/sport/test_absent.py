"""A channel that is in no sample makes what needs it null, with the reason, and never 0."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from tests.unit.sport.samples import START, walk
from tests.unit.sport.test_schemas import SPORTS

SECONDS = 900
PITCH = [[46.0, 6.0], [46.0, 6.00136], [46.00061, 6.00136], [46.00061, 6.0]]
# True without any channel: no time was lost in gaps. By definition: the share of time in a zone is
# 0 where no heart rate is, and the lowest edge of zones is 0 (design/metrics.md 2.6).
ALWAYS = ("gap_time", "timePerHrZone")
OF_ALTITUDE = ("ascent", "descent", "vertical_speed")  # 0 of an altitude that stays the same


def fold(sport: str, columns: dict[str, Any], activity: dict[str, Any] | None = None) -> FrameFold:
    declared = registry().sport(sport)
    resolved = resolve_parameters(
        declared, {"sport": sport, **(activity or {})}, {"max_hr": 190}, {}
    )
    frame = FrameFold(declared, resolved, START, START + 3_600_000)
    t = columns.pop("t", START + 1000 * np.arange(SECONDS))
    frame.advance({"t": t, **columns})
    frame.batch({"samples": {"t": t, **columns}})
    return frame


def zeros(value: Any, where: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from zeros(part, f"{where}.{key}" if where else key)
    elif isinstance(value, list):
        for part in value:
            yield from zeros(part, where)
    elif value == 0 and not isinstance(value, bool):
        yield where


@pytest.mark.parametrize("sport", SPORTS)
@pytest.mark.parametrize("channel", ["hr", "power", "cadence", "alt"])
def test_one_channel_alone(sport: str, channel: str) -> None:
    activity: dict[str, Any] = {"field_corners": PITCH} if sport == "soccer" else {}
    values, notes = fold(sport, {channel: np.full(SECONDS, 140.0)}, activity).values(True)
    said = {place for place in zeros(values) if not place.startswith(ALWAYS)}
    assert said <= (set(OF_ALTITUDE) if channel == "alt" else set())
    reasons = {note["key"] for note in notes}
    nothing = {key for key, value in values.items() if value is None or value == []}
    of_streams = {"lengths", "intervals", "stroke_types"}
    unsaid = nothing - reasons - of_streams - {"hr_plot"}
    assert not unsaid
    assert {"total_distance", "moving_time", "gap_distance", "peaks"} <= reasons


def test_speed_without_positions_has_times_and_no_distances() -> None:
    values, _ = fold("soccer", {"speed": np.full(SECONDS, 5.5)}).values(True)
    assert (values["moving_time"], values["sprint_count"]) == (SECONDS - 1, 1)
    assert values["time_per_speed_ranges"][4]["duration"] == SECONDS - 1
    assert values["distance_per_speed_ranges"] == []
    assert values["intensity"] is values["high_speed_distance"] is values["sprint_distance"] is None
    assert {row["value"] is None for row in values["peaks"] if row["quantity"] == "distance"} == {
        True
    }


@pytest.mark.parametrize(("sport", "like"), [("triathlon", "running"), ("swimming", "running")])
def test_ascent_alone_is_that_of_the_whole_kernel(sport: str, like: str) -> None:
    """Sports to which slope says nothing have the same hysteresis, by a kernel of its own."""
    samples = walk(31, 4000, hz=1.0)
    ours, whole = (fold(name, dict(samples)).values(True)[0] for name in (sport, like))
    assert ours["ascent"] == whole["ascent"] > 50
    assert ours["descent"] == whole["descent"] > 50


def test_on_a_field_less_than_ten_metres_are_noise() -> None:
    noise = 400 + np.tile([0.0, 9.9, -9.9 + 9.9, 4.0], SECONDS // 4)
    values = fold("soccer", {"alt": noise}).values(True)[0]
    assert values["ascent"] == values["descent"] == 0
    hill = np.concatenate([np.full(10, 400.0), np.full(10, 410.0), np.full(SECONDS - 20, 399.0)])
    found = fold("tennis", {"alt": hill}).values(True)[0]
    assert (found["ascent"], found["descent"]) == (10, 11)


@pytest.mark.parametrize("sport", ["swimming", "triathlon"])
def test_peaks_where_nothing_else_is_windowed(sport: str) -> None:
    still, swum = np.zeros(120), np.cumsum(np.full(SECONDS - 120, 1.5))
    north = np.concatenate([still, swum]) / 111_180
    values = fold(sport, {"lat": 46.0 + north, "lon": np.full(SECONDS, 6.0)}).values(True)[0]
    minute = values["peaks"][0]
    assert (minute["quantity"], minute["span"]) == ("distance", 60)
    assert minute["value"] == pytest.approx(90, rel=0.01)
    pool = fold("swimming", {"hr": np.full(SECONDS, 140.0)}, {"pool_length": 25}).values(True)
    assert pool[0]["peaks"] is None
    assert pool[0]["gap_distance"] == 0


def test_metabolic_load_and_thirds_of_a_court() -> None:
    """The contract gives tennis what the family has; the factor of grass is for grass alone."""
    corners = [[46.0, 6.0], [46.0002137, 6.0], [46.0002137, 6.000142], [46.0, 6.000142]]
    n = 600
    t = START + 100 * np.arange(n)
    lat = 46.0 + np.linspace(1, 22, n) / 111_180
    run = {"t": t, "lat": lat, "lon": np.full(n, 6.00007), "speed": np.full(n, 6.0)}

    def values(surface: str) -> dict[str, Any]:
        activity = {"court_corners": corners, "surface": surface}
        return dict(fold("tennis", dict(run), activity).values(True)[0])

    hard, grass = values("hard"), values("grass")
    assert hard["hmld"] == pytest.approx(hard["total_distance"], rel=0.01)
    assert grass["metabolic"]["energy"] == pytest.approx(1.29 * hard["metabolic"]["energy"])
    assert hard["thirds"]["by"] == "x"
    spent = [hard["thirds"][name]["ratio"] for name in ("own", "middle", "attacking", "outside")]
    assert sum(spent) == pytest.approx(1)
    assert min(spent[:3]) > 0.25
