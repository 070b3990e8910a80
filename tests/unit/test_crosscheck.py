"""How ``make crosscheck`` joins and judges numbers; the libraries are not needed here."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.crosscheck import __main__ as program
from benchmarks.crosscheck.table import (
    ABSENT,
    AGREES,
    DIFFERS,
    EXPLAINED,
    QUANTITIES,
    Quantity,
    exit_code,
    joined,
    judge,
    lines,
    quantity_of,
    summary,
)

STRICT = Quantity("x", "lib", "m", relative=1e-6, absolute=0.01)
REASON = Quantity("x", "lib", "m", relative=1e-6, reason="they count twice")
BOUND = Quantity("x", "lib", "m", relative=1e-6, reason="they smooth", bound=0.1)


@pytest.mark.parametrize(
    ("quantity", "ours", "theirs", "corrected", "verdict"),
    [
        (STRICT, 100.0, 100.0, None, AGREES),
        (STRICT, 100.0, 100.0099, None, AGREES),  # absolute
        (STRICT, 1e6, 1e6 + 1, None, AGREES),  # relative
        (STRICT, 100.0, 100.02, None, DIFFERS),
        (STRICT, 100.0, 100.02, 100.0, DIFFERS),  # a correction without a reason
        (STRICT, None, 100.0, None, DIFFERS),
        (STRICT, 100.0, None, None, DIFFERS),
        (STRICT, float("nan"), 100.0, None, DIFFERS),
        (REASON, 100.0, 200.0, 100.0, EXPLAINED),
        (REASON, 100.0, 200.0, 100.1, DIFFERS),  # the reason does not hold
        (REASON, 100.0, 200.0, None, DIFFERS),
        (REASON, 100.0, 100.0, 50.0, AGREES),
        (BOUND, 100.0, 109.0, None, EXPLAINED),
        (BOUND, 100.0, 115.0, None, DIFFERS),
    ],
)
def test_a_difference_is_judged(
    quantity: Quantity,
    ours: float | None,
    theirs: float | None,
    corrected: float | None,
    verdict: str,
) -> None:
    assert judge(quantity, ours, theirs, corrected) == verdict


def _ours(**values: float) -> list[dict[str, Any]]:
    return [{"recording": "r", "quantity": name, "value": v} for name, v in values.items()]


def test_numbers_are_joined_by_name_and_recording() -> None:
    ours = _ours(**{"RMSSD": 55.0, "pNN50": 50.0, "W' balance, end": 9.0})
    theirs = [
        {"recording": "r", "quantity": "pNN50", "value": 40.0, "corrected": 50.0},
        {"recording": "r", "quantity": "RMSSD", "value": 55.0},
        {"recording": "other", "quantity": "RMSSD", "value": 1.0},
        {"recording": "r", "quantity": "W' balance, end", "value": 9.5},
    ]
    rows = joined(ours, theirs)
    assert [(row.name, row.recording, row.verdict) for row in rows] == [
        ("W' balance, end", "r", DIFFERS),
        ("RMSSD", "r", AGREES),
        ("pNN50", "r", EXPLAINED),
        ("RMSSD", "other", DIFFERS),  # theirs alone
    ]
    assert rows[0].difference == -0.5
    assert exit_code(rows) == 1
    assert exit_code(rows[1:3]) == 0
    assert summary(rows) == "1 agrees, 1 explained, 2 DIFFERS"
    text = lines(rows)
    assert len({line.index("agrees") for line in text if "agrees" in line}) == 1
    assert text[3].endswith(f"{quantity_of('pNN50').reason}: 50.0000")


def test_a_library_that_is_absent_is_said_and_not_taken_for_agreement() -> None:
    ours = _ours(**{"RMSSD": 55.0, "uphill": 3.0})
    rows = joined(ours, [{"recording": "r", "quantity": "uphill", "value": 3.0}], ["neurokit2"])
    assert [row.verdict for row in rows] == [ABSENT, AGREES]
    assert exit_code(rows) == 2
    assert exit_code(joined(ours, [], ["neurokit2"])) == 1, "gpxpy is there and did not answer"


def test_each_name_finds_its_quantity() -> None:
    for quantity in QUANTITIES:
        assert quantity_of(f"{quantity.name}, mean") == quantity
    with pytest.raises(KeyError):
        quantity_of("luck")


def test_libraries_are_pinned_by_hash_and_each_is_asked() -> None:
    known = {quantity.library for quantity in QUANTITIES}
    assert {library for side in program.SIDES for library in side.libraries} == known
    for side in program.SIDES:
        assert side.program.is_file()
        pinned = side.requirements.read_text()
        assert "--hash=sha256:" in pinned
        for library in side.libraries:
            assert f"\n{library}==" in f"\n{pinned}"
        # Theirs know nothing of ours: they run where it is not installed.
        text = side.program.read_text()
        assert "import core" not in text
        assert "from core" not in text
        assert "benchmarks" not in text


def test_a_python_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(program.Absent, match=r"needs Python 3\.1, which is not on this machine"):
        program.interpreter("3.1")
