"""What FIT says beside its records: beats, rates kept by the strap, lengths, laps, legs."""

import numpy as np
import pytest

from core.pipeline.decode import Decoded, decode
from core.sport.codes import EVENTS, STROKES

from . import fit_files as fit
from .fit_files import NOON, message, unix


def record(second: int, **values: float) -> bytes:
    return message("record", timestamp=NOON + second, **values)


def decoded(*messages: bytes) -> Decoded:
    return decode(fit.file(*messages))


def test_beats_stand_at_the_sum_of_their_intervals() -> None:
    found = decoded(
        record(0, heart_rate=60),
        message("hrv", time=[1.0, 0.9, None, None, None]),
        record(2, heart_rate=60),
        message("hrv", time=[1.1, 0.001]),
        record(60, heart_rate=60),  # the strap was off for a minute
        message("hrv", time=[0.8]),
        message("hrv", time=[0.7]),
    ).streams["rr"]
    assert found["rr"].tolist() == [1000, 900, 1100, 1, 800, 700]
    start = unix(NOON)
    assert (found["t"] - start).tolist() == [1000, 1900, 3000, 3001, 60_000, 60_700]


def test_beats_before_any_time_begin_with_the_first_sample() -> None:
    found = decoded(message("hrv", time=[0.5]), record(9, heart_rate=60)).streams["rr"]
    assert found["t"].tolist() == [unix(NOON + 9) + 500]


def test_lengths_of_a_pool() -> None:
    def length(second: int, duration: float, **values: int) -> bytes:
        return message("length", start_time=NOON + second, total_timer_time=duration, **values)

    session = {"start_time": NOON, "sport": fit.SWIMMING, "total_elapsed_time": 70.5}
    whole = decoded(
        record(0, heart_rate=120),
        length(40, 3.25, length_type=0),
        length(0, 19.062, length_type=1, total_strokes=11, swim_stroke=0),
        length(19, 20.5, length_type=1, total_strokes=12, swim_stroke=2),
        length(40, 24.0, length_type=1, total_strokes=0, swim_stroke=4),
        message("session", **session, pool_length=22.86, total_distance=68.58),
    )
    lengths = whole.streams["lengths"]
    # Two begin in one second of FIT: the later keeps its place, a millisecond on.
    assert (lengths["t"] - unix(NOON)).tolist() == [0, 19_000, 40_000, 40_001]
    assert lengths["duration"].tolist() == [19.062, 20.5, 3.25, 24.0]
    assert np.isnan(lengths["strokes"][2])
    assert lengths["strokes"][[0, 1, 3]].tolist() == [11, 12, 0]
    assert lengths["active"].tolist() == [1, 1, 0, 1]
    breast, drill = STROKES["breaststroke"], STROKES["drill"]
    assert lengths["stroke_type"][[0, 1, 3]].tolist() == [STROKES["freestyle"], breast, drill]
    (swim,) = whole.sessions
    assert (swim.sport, swim.pool_length, swim.elapsed, swim.distance) == (
        "swimming",
        22.86,
        70.5,
        68.58,
    )


def test_lengths_without_records_are_data() -> None:
    """A watch that keeps lengths alone: no samples, and no reason to refuse the file."""
    whole = decoded(
        *(
            message("length", start_time=NOON + second, total_timer_time=20.0, length_type=1)
            for second in (0, 20, 41)
        ),
        message("lap", start_time=NOON, total_elapsed_time=61),
        message("session", start_time=NOON, sport=fit.SWIMMING, pool_length=25.0),
    )
    assert list(whole.columns) == ["t"]
    assert (whole.records, len(whole.columns["t"])) == (0, 0)
    assert (whole.start, whole.stop) == whole.span == (unix(NOON), unix(NOON + 41))
    assert whole.streams["lengths"]["duration"].tolist() == [20.0] * 3
    events = whole.streams["events"]
    assert events["event"].tolist() == [EVENTS["session"], EVENTS["lap"]]


@pytest.mark.parametrize(("unit", "said"), [(0, "m"), (1, "yd"), (None, None)])
def test_the_unit_of_a_pool(unit: int | None, said: str | None) -> None:
    session = message(
        "session", start_time=NOON, sport=fit.SWIMMING, pool_length=22.86, pool_length_unit=unit
    )
    assert decoded(record(0, heart_rate=120), session).sessions[0].pool_unit == said


def test_the_left_legs_share_of_the_power() -> None:
    """The upper bit says that the other seven are the right leg's; else nobody knows whose."""
    coded = [0x80 | 52, 52, 0x80, 0x80 | 100, None]
    rows = [record(at, power=200, left_right_balance=code) for at, code in enumerate(coded)]
    found = decoded(*rows).columns["pwr.pwr_balance"]
    np.testing.assert_array_equal(found, [48, np.nan, 100, 0, np.nan])


@pytest.mark.parametrize("length", [0, 9.99, 100.5, None])
def test_what_is_no_length_of_a_pool_is_not_taken(length: float | None) -> None:
    session = message("session", start_time=NOON, sport=fit.SWIMMING, pool_length=length)
    assert decoded(record(0, heart_rate=120), session).sessions[0].pool_length is None


def test_laps_legs_and_the_timer_are_events() -> None:
    events = decoded(
        message("event", timestamp=NOON, event=0, event_type=0),
        message("event", timestamp=NOON, event=36, event_type=3),  # none of ours
        record(2, heart_rate=120),
        record(30, heart_rate=120),
        message("event", timestamp=NOON + 31, event=0, event_type=4),
        message("lap", start_time=NOON + 10, total_elapsed_time=21.4),
        message("lap", start_time=NOON, total_elapsed_time=10.2),
        message("session", start_time=NOON, sport=fit.RUNNING, total_elapsed_time=31.4),
    ).streams["events"]
    rows = zip((events["t"] - unix(NOON)).tolist(), events["event"], events["value"], strict=True)
    timer, session, lap = EVENTS["timer"], EVENTS["session"], EVENTS["lap"]
    assert list(rows) == [
        (0, timer, 1),
        (2_000, session, fit.RUNNING),  # with the first sample
        (9_999, lap, 1),  # before the next begins
        (30_000, lap, 2),  # with the last sample
        (31_000, timer, 0),
    ]


def packed(clocks: list[int]) -> list[int]:
    low = [clock & 0xFFF for clock in clocks]
    bits = sum(value << 12 * place for place, value in enumerate(low))
    return list(bits.to_bytes(12, "little"))


def test_rates_that_the_strap_kept() -> None:
    """Its clock counts 1/1024 s, and only the low 12 bits of it are told with each beat."""
    anchor = 5_000_000 + 4000  # the low bits wrap within the first eight beats
    beats = [anchor + 1024 * k for k in range(1, 9)]
    strap = (
        message(
            "hr",
            timestamp=NOON - 1,
            fractional_timestamp=0.5,
            filtered_bpm=99,
            event_timestamp=anchor / 1024,
        ),
        message("hr", filtered_bpm=list(range(101, 109)), event_timestamp_12=packed(beats)),
    )
    records = [record(second, cadence=20) for second in (0, 1, 8, 12, 20)]
    found = decoded(*records, *strap).columns["ecg.hr"]
    # Beats at -0.5, 0.5, 1.5 ... 7.5 s; a rate holds for five seconds.
    assert found[:4].tolist() == [99, 101, 108, 108]
    assert np.isnan(found[4])
    # A watch that had the rates at the time is believed.
    own = decoded(record(0, heart_rate=88), record(1, cadence=20), *strap).columns["ecg.hr"]
    assert own[0] == 88
    assert np.isnan(own[1])


def test_the_recorders_own_distance_is_kept() -> None:
    columns = decoded(record(0, distance=0), record(1, distance=2.55)).columns
    assert columns["device.distance"].tolist() == [0, 2.55]


def session(sport: int, start: int, elapsed: float) -> bytes:
    return message("session", start_time=NOON + start, sport=sport, total_elapsed_time=elapsed)


@pytest.mark.parametrize(
    ("sports", "name"),
    [
        ((fit.SWIMMING, fit.TRANSITION, fit.CYCLING, fit.TRANSITION, fit.RUNNING), "triathlon"),
        ((fit.RUNNING, fit.CYCLING), "triathlon"),
        ((fit.RUNNING, fit.RUNNING), "running"),
        ((fit.RUNNING, 15), None),  # and rowing
    ],
)
def test_legs_of_several_sports_are_a_triathlon(sports: tuple[int, ...], name: str | None) -> None:
    legs = [session(sport, 10 * at, 10) for at, sport in reversed(list(enumerate(sports)))]
    found = decoded(record(0, heart_rate=120), *legs)
    assert found.sport == name
    assert [s.start for s in found.sessions] == sorted(s.start for s in found.sessions)
