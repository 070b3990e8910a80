"""The proof of a day of trouble at about a twentieth of its count (`make prove` runs it whole)."""

import pytest

from benchmarks.prove_trouble import run_round

pytestmark = pytest.mark.e2e


def test_a_bad_quarter_of_an_hour_loses_no_event_and_invents_none() -> None:
    result = run_round(seed=11, kills=5, flushes=1, steps=2, stalls=1)
    assert result["web"] + result["worker"] + result["relay"] == 5
    assert (result["redis"], result["clock"]) == (1, 2)
    assert result["delivered"] > 20
    assert result["device_numbers"] > 5
    assert result["computed_numbers"] > 1
    assert result["connections"] > 2  # some were lost
