"""The simulated squad: repeatable, plausible, inside the uplink's bounds, faulty on demand."""

import numpy as np
import orjson
import pytest

from core import simulate
from core.clock import now
from core.pipeline import uplink
from core.simulate import FAULTS, batches, track

START = 1_590_868_800_000
MATCH = 90 * 60.0


def test_the_same_seed_gives_the_same_bytes_whatever_the_batches() -> None:
    whole = track(7, 3, START, 600)
    for span in (1.0, 10.0, 37.5):
        cut = list(batches(7, 3, START, 600, span))
        for name, values in whole.columns().items():
            joined = np.concatenate([batch.columns[name] for batch in cut])
            assert joined.tobytes() == values.tobytes()
    assert track(8, 3, START, 600).speed.tobytes() != whole.speed.tobytes()
    assert track(7, 4, START, 600).speed.tobytes() != whole.speed.tobytes()


@pytest.mark.parametrize("player", range(11))
def test_a_match_looks_like_a_match(player: int) -> None:
    played = track(1, player, START, MATCH)
    assert len(played.t) == 54_000
    assert (np.diff(played.t) == 100).all()
    distance = played.speed.sum() / 10
    assert 100 < distance / 90 < 140  # m/min
    assert 7.0 < played.speed.max() < 9.0
    assert played.speed.min() >= 0
    acceleration = np.diff(simulate._smooth(played.speed, np.ones(5))) * 10
    assert np.abs(acceleration).max() < 7
    assert np.percentile(acceleration, 99.9) > 2.5
    assert 120 < played.hr.mean() < 175
    assert played.hr.max() <= 200


def test_positions_follow_the_speed_and_stay_on_the_pitch() -> None:
    played = track(1, 9, START, MATCH)
    corners = np.array(simulate.corners())
    margin = 4 / 111_195  # GNSS error
    for values, column in ((played.lat, 0), (played.lon, 1)):
        assert values.min() > corners[:, column].min() - 2 * margin
        assert values.max() < corners[:, column].max() + 2 * margin
    north = np.diff(played.lat[::10]) * simulate._METRES_PER_DEGREE
    scale = simulate._METRES_PER_DEGREE * np.cos(np.radians(simulate.ORIGIN_LAT))
    east = np.diff(played.lon[::10]) * scale
    by_position, by_speed = np.hypot(north, east).sum(), played.speed.sum() / 10
    assert 0.93 < by_position / by_speed < 1.07


def test_every_batch_passes_the_uplinks_checks() -> None:
    for batch in batches(2, 0, START, 120, 10, frozenset(FAULTS)):
        body = orjson.dumps(
            {"batch": batch.id, "sent": now(), "columns": batch.columns},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        parsed = uplink.parse(body, now())
        assert parsed.n == len(batch.columns["gnss.timestamp"])


def sent(fault: str | None) -> list[simulate.Batch]:
    return list(batches(5, 1, START, 1800, 1.0, frozenset({fault} if fault else ())))


def test_drop_outs_lose_samples_for_good() -> None:
    kept = sum(len(batch.columns["gnss.timestamp"]) for batch in sent("dropout"))
    assert 0.8 * 18_000 < kept < 0.999 * 18_000
    times = np.concatenate([batch.columns["gnss.timestamp"] for batch in sent("dropout")])
    assert np.diff(times).max() >= 1_000


def test_duplicates_are_sent_twice() -> None:
    assert {batch.repeats for batch in sent("duplicate")} == {1, 2}
    assert {batch.repeats for batch in sent(None)} == {1}


def test_late_batches_come_after_those_that_follow_them() -> None:
    late = sent("late")
    order = [int(batch.columns["gnss.timestamp"][0]) for batch in late]
    assert order != sorted(order)
    assert sorted(batch.id for batch in late) == [batch.id for batch in sent(None)]
    moments = [batch.sent for batch in late]
    assert moments == sorted(moments)


def test_a_clock_that_is_off_shifts_every_time_of_the_device() -> None:
    offsets = {batch.offset for batch in sent("clock")}
    (offset,) = offsets
    assert offset != 0
    plain, shifted = sent(None)[0], sent("clock")[0]
    difference = shifted.columns["gnss.timestamp"] - plain.columns["gnss.timestamp"]
    assert (difference == offset).all()


def test_a_track_shorter_than_a_bout_is_possible() -> None:
    assert len(track(1, 0, START, 0.5).t) == 5
