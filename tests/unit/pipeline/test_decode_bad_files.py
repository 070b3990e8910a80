"""Files that are damaged, cut off, empty or something else; repairs of those that can be mended."""

import datetime
import struct
from pathlib import Path

import numpy as np
import pytest
from fitdecode.utils import compute_crc
from hypothesis import given, settings
from hypothesis import strategies as st

from core.pipeline.decode import DecodeError, decode, recognise

DAY = datetime.date(2021, 6, 4)
STATSPORTS = (
    b"Player Id, Player Display Name, Time, Elapsed Time (s), Lat, Lon,  Speed km/h,"
    b" Instantaneous Acceleration Impulse, Heart Rate (bpm)\n"
)
CATAPULT = b"Timestamp, Longitude, Latitude\n"


def statsports(*rows: tuple[str, str, str]) -> bytes:
    """Rows of (time, speed, heart rate)."""
    return STATSPORTS + b"".join(
        f"7,A Player,{time},1.5,49.25173467,7.0389275,{speed},0.0,{hr}\n".encode()
        for time, speed, hr in rows
    )


def fit(*records: tuple[int, int, int], sport: int = 1) -> bytes:
    """A FIT activity of records (timestamp, heart rate, cadence) and one session."""
    body = struct.pack("<BBBHB", 0x40, 0, 0, 20, 3)
    body += bytes((253, 4, 0x86, 3, 1, 2, 4, 1, 2))
    for record in records:
        body += struct.pack("<BIBB", 0, *record)
    body += struct.pack("<BBBHB", 0x41, 0, 0, 18, 3)
    body += bytes((2, 4, 0x86, 7, 4, 0x86, 5, 1, 0))
    body += struct.pack("<BIIB", 1, records[0][0] if records else 0, 10_000, sport)
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    whole = head + struct.pack("<H", compute_crc(head)) + body
    return whole + struct.pack("<H", compute_crc(whole))


NOON = 1_000_000_000  # in seconds of FIT


def fault(data: bytes, date: datetime.date | None = DAY, timezone: str = "UTC") -> DecodeError:
    with pytest.raises(DecodeError) as caught:
        decode(data, date=date, timezone=timezone)
    return caught.value


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00" * 100, b"hello, world\n1,2\n", b"Timestamp,Longitude\n1,2\n", b"PK\x03\x04" * 9],
)
def test_other_files_are_not_recognised(data: bytes) -> None:
    assert recognise(data) is None
    assert fault(data).reason == "unknown_format"


@pytest.mark.parametrize("data", [STATSPORTS, CATAPULT, fit()])
def test_files_without_samples(data: bytes) -> None:
    assert fault(data).reason == "no_samples"


def test_time_of_day_needs_a_date() -> None:
    assert fault(statsports(("12:00:00.00", "1", "0")), date=None).reason == "date_required"


def test_unknown_time_zone() -> None:
    for zone in ("Mars/Olympus", "../../etc/passwd", ""):
        assert fault(statsports(("12:00:00.00", "1", "0")), timezone=zone).reason == "timezone"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (b"7,A Player,12:00:00.20,1.5,49.2", "Expected 9 columns"),
        (b"7,A Player,12:00:00.20,1.5,north,7.0,1,0,0\n", "north"),
        (b"7,A Player,25:00:00.20,1.5,49.2,7.0,1,0,0\n", "25:00"),
        (b"7,A Player,,1.5,49.2,7.0,1,0,0\n", "time cannot be read"),
    ],
)
def test_faulty_line_is_named(row: bytes, why: str) -> None:
    good = statsports(("12:00:00.00", "1", "0"), ("12:00:00.10", "1", "0"))
    error = fault(good + row)
    assert (error.reason, error.decoded) == ("unreadable", 2)
    assert why in error.detail
    assert "line 4" in error.detail


def test_offset_is_where_the_line_begins() -> None:
    good = statsports(("12:00:00.00", "1", "0"), ("12:00:00.10", "1", "0"))
    assert fault(good + b"7,A Player,12").offset == len(good)


def test_two_players_in_one_file() -> None:
    one = statsports(("12:00:00.00", "1", "0"))
    assert "2 players" in fault(one + one.splitlines()[1].replace(b"7,", b"8,", 1) + b"\n").detail


def test_statsports_over_midnight_with_repairs() -> None:
    decoded = decode(
        statsports(
            ("23:59:59.80", "3.6", "0"),
            ("23:59:59.90", "7.2", "150"),
            ("00:00:00.00", "36", "150"),
            ("00:00:00.20", "3.6", "150"),
            ("00:00:00.10", "3.6", "150"),
            ("23:59:59.90", "14.4", "151"),
            ("00:00:00.30", "900", "152"),
        ),
        date=DAY,
    )
    midnight = int(datetime.datetime(2021, 6, 5, tzinfo=datetime.UTC).timestamp()) * 1000
    assert (decoded.columns["t"] - midnight).tolist() == [-200, -100, 0, 100, 200, 300]
    assert decoded.columns["gnss.speed"][:5].tolist() == [1, 4, 10, 1, 1]
    assert np.isnan(decoded.columns["gnss.speed"][5])
    assert np.isnan(decoded.columns["ecg.hr"][0])
    assert decoded.columns["ecg.hr"][1] == 151
    assert decoded.repairs == {"backward": 2, "duplicate": 1, "outside_bounds": 1}
    assert decoded.records == 7


def test_catapult_day_numbers() -> None:
    decoded = decode(CATAPULT + b"44519.71565509259,-9.1,41.7\n44519.71565625,-9.1,41.8\n")
    assert decoded.columns["t"].tolist() == [1_637_341_832_600, 1_637_341_832_700]
    assert decoded.columns["gnss.latitude"].tolist() == [41.7, 41.8]


@pytest.mark.parametrize("day", [b"1e300", b"-1", b"", b"nan", b"inf"])
def test_catapult_times_out_of_this_world(day: bytes) -> None:
    assert fault(CATAPULT + day + b",-9.1,41.7\n").reason == "unreadable"


def test_fit_on_foot_and_on_wheels() -> None:
    records = ((NOON, 120, 80), (NOON + 1, 255, 85))  # 255 is FIT's "no value"
    running = decode(fit(*records))
    assert running.columns["t"].tolist() == [(631_065_600 + NOON + s) * 1000 for s in (0, 1)]
    assert running.columns["run.cadence"].tolist() == [160, 170]
    assert np.isnan(running.columns["ecg.hr"][1])
    assert "pwr.pwr_cadence" not in running.columns
    cycling = decode(fit(*records, sport=2))
    assert (running.sport, cycling.sport) == ("running", "biking")
    assert cycling.columns["pwr.pwr_cadence"].tolist() == [80, 85]
    assert running.sessions[0].stop - running.sessions[0].start == 10_000


def test_fit_records_before_the_clock_was_set() -> None:
    decoded = decode(fit((12, 100, 60), (NOON, 120, 80)))
    assert decoded.repairs == {"without_time": 1}
    assert (len(decoded.columns["t"]), decoded.records) == (1, 2)


def test_truncated_fit_says_where_and_how_much() -> None:
    whole = fit(*((NOON + s, 120, 80) for s in range(100)))
    error = fault(whole[:400])
    assert error.reason == "truncated"
    assert error.decoded == (400 - 14 - 15) // 7
    assert 390 <= error.offset <= 400


def test_altered_fit_is_refused() -> None:
    whole = bytearray(fit(*((NOON + s, 120, 80) for s in range(100))))
    whole[300] ^= 1
    assert fault(bytes(whole)).reason == "unreadable"


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([STATSPORTS, CATAPULT, fit((NOON, 120, 80))[:14]]))
def test_garbage_is_an_error_of_ours(junk: bytes, head: bytes) -> None:
    offset = 0
    try:
        decode(head + junk, date=DAY)
    except DecodeError as error:
        offset = error.offset
    assert 0 <= offset <= len(head + junk)


@pytest.mark.recordings
@pytest.mark.parametrize("name", ["running/track_fenix6.fit", "soccer/U18_ID1.csv"])
def test_recording_cut_off(recordings: Path, name: str) -> None:
    data = (recordings / name).read_bytes()
    error = fault(data[: len(data) // 2 + 3])
    assert error.reason in ("truncated", "unreadable")
    assert error.decoded > 100
    assert error.offset > len(data) // 2 - 200
