"""Made samples that ship with each sport give the agreed numbers, recordings or not."""

from importlib import import_module
from json import loads
from typing import Any

import pytest

from tests.unit.sport.test_schemas import SPORTS


def compare(found: Any, wanted: Any, where: str) -> None:
    """Equal in form; numbers to their last printed place or 1e-6, as libm differs by a last bit."""
    if isinstance(wanted, dict):
        assert set(found) == set(wanted), where
        for key, value in wanted.items():
            compare(found[key], value, f"{where}/{key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for index, value in enumerate(wanted):
            compare(found[index], value, f"{where}/{index}")
    elif isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-6, abs=1.01e-4), where
    else:
        assert found == wanted, where


@pytest.mark.parametrize("sport", SPORTS)
def test_made_samples(sport: str) -> None:
    """A failure here means: a value changed, so the metric's version must rise, then regenerate."""
    golden = import_module(f"plugins.{sport}.goldens.generate")
    found, wanted = golden.computed(), loads(golden.EXPECTED.read_text("utf-8"))
    del found["digest"], wanted["digest"]  # of exact bytes: promised per image, not across libms
    compare(found, wanted, sport)
    assert wanted["quality"]["gaps"] == 1, "the samples hold a gap"
    assert all(wanted[key] is not None for key in ("total_distance", "hr_avg", "trimp"))
