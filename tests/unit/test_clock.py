"""Moments as they travel."""

import pytest

from core.clock import BEGINNING, FAR_FUTURE, from_iso, to_iso


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (BEGINNING, "1970-01-01T00:00:00.000Z"),
        (FAR_FUTURE, "2999-12-31T23:59:59.000Z"),
        (1_590_868_800_001, "2020-05-30T20:00:00.001Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (-56_153_178_435_000, "0190-07-29T22:52:45.000Z"),
        (-62_135_596_800_000, "0001-01-01T00:00:00.000Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_there_and_back(ms: int, text: str) -> None:
    assert to_iso(ms) == text
    assert from_iso(text) == ms


@pytest.mark.parametrize("offset", ["+01:00", "+0100", "+01"])
def test_offsets(offset: str) -> None:
    assert from_iso(f"2020-05-30T21:00:00{offset}") == 1_590_868_800_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2020-05-30",
        "2020-05-30T20:00:00",
        "2020-13-30T20:00:00Z",
        "2020-05-30T20:00:00 0100",
        # Inside the calendar where they were written, outside it in UTC.
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(ValueError, match="date-time"):
        from_iso(text)


def test_a_plus_that_a_query_turned_into_a_blank() -> None:
    with pytest.raises(ValueError, match="%2B"):
        from_iso("2020-05-30T20:00:00.000 01:00")
