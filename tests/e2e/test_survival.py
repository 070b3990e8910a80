"""The survival proof at about a twentieth of its stated count (`make prove` runs it whole)."""

import pytest

from benchmarks.prove_survival import FLUSHES, KILLS, ROUNDS, run_round

pytestmark = pytest.mark.e2e


def test_kills_and_an_emptied_redis_lose_nothing_and_change_nothing() -> None:
    kills, flushes = round(ROUNDS * KILLS / 20) + 1, max(1, round(ROUNDS * FLUSHES / 20))
    result = run_round(seed=7, kills=kills, flushes=flushes)
    assert result["lost"] == 0
    assert result["web"] + result["worker"] + result["relay"] == kills
    assert result["redis"] == flushes
