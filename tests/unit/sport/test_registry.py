"""Loading sports: one that fails is recorded with its reason, the others go on."""

import sys
from dataclasses import replace
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from core.sport import Derived, Fold, Sport, SportError, UnknownSport, hookimpl
from core.sport.hooks import GROUP
from core.sport.registry import Registry, check_sport, registry
from tests.unit.sport.test_schemas import SPORTS

SOCCER = registry().sport("soccer")
KERNEL = next(m.kernel for m in SOCCER.metrics if isinstance(m, Fold))


def sport(**changes: Any) -> Sport:
    fields = {name: getattr(SOCCER, name) for name in SOCCER.__dataclass_fields__}
    return Sport(**{**fields, **changes})


def derived(key: str, *needs: str, **changes: Any) -> Derived:
    entry = Derived(
        key=key,
        version=1,
        unit="1",
        title="t",
        definition="d",
        boundary="b",
        citation="c",
        grade="D",
        needs=needs,
        function=lambda of, reading: None,
    )
    return replace(entry, **changes)


def plugin(monkeypatch: pytest.MonkeyPatch, name: str, answer: Any) -> EntryPoint:
    module = ModuleType(f"made_{name}")

    @hookimpl
    def sport() -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    if answer is not None:
        module.sport = sport  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return EntryPoint(name, module.__name__, GROUP)


def test_installed_sports() -> None:
    assert set(registry().sports) >= set(SPORTS)
    by_name = {state.name: state for state in registry().states()}
    assert by_name["soccer"].state == "enabled"
    assert by_name["soccer"].distribution == "touchline"
    assert by_name["soccer"].reason is None


def test_failures_are_recorded_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = Registry(
        (
            EntryPoint("absent", "no_such_module_here", GROUP),
            plugin(monkeypatch, "broken", RuntimeError("cannot")),
            plugin(monkeypatch, "empty", None),
            plugin(monkeypatch, "good", sport()),
            plugin(monkeypatch, "twice", sport()),
            plugin(monkeypatch, "wrong", "soccer"),
        )
    )
    assert list(loaded.sports) == ["soccer"]
    states = {state.name: state for state in loaded.states()}
    reasons = {n: s.reason for n, s in states.items() if s.state == "failed"}
    assert "no_such_module_here" in reasons["absent"]
    assert reasons["broken"] == "RuntimeError: cannot"
    assert "no sport() hook" in reasons["empty"]
    assert "already" in reasons["twice"]
    assert "must return a Sport" in reasons["wrong"]
    assert states["soccer"].state == "enabled"


def test_unknown_sport() -> None:
    with pytest.raises(UnknownSport, match="curling"):
        registry().sport("curling")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"metrics": (derived("a", "b"), derived("b", "a"))}, "need each other"),
        ({"metrics": (derived("a", "nothing"),)}, "needs unknown"),
        ({"metrics": (derived("a"), derived("a"))}, "same key"),
        ({"metrics": (derived("quality"),)}, "not a usable key"),
        ({"metrics": (derived("a", unit=" "),)}, "needs its unit"),
        ({"metrics": (derived("a", definition=""),)}, "needs its definition"),
        ({"metrics": (derived("a", boundary=""),)}, "needs its boundary"),
        ({"metrics": (derived("a", citation=""),)}, "needs its citation"),
        ({"metrics": (derived("a", grade="E"),)}, "grade"),
        ({"metrics": (derived("a", version=0),)}, "version"),
        ({"metrics": (derived("a", params=("shoe_size",)),)}, "shoe_size"),
        ({"name": "Soccer 2"}, "lower-case"),
        ({"timeframe_schema": {"type": "no such type"}}, "timeframe schema"),
        ({"activity_schema": {**SOCCER.activity_schema, "required": ["gpx"]}}, "only sport"),
        ({"timeframe_schema": {**SOCCER.timeframe_schema, "required": ["max_hr"]}}, "nothing"),
        (
            {
                "timeframe_schema": {
                    "additionalProperties": False,
                    "properties": {"x": {"title": "x", "type": "number", "default": "much"}},
                }
            },
            "default",
        ),
    ],
)
def test_freeze_checks(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(SportError, match=reason):
        check_sport(sport(**changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"function": "not a reference"}, "module:function"),
        ({"inputs": ("smell",)}, "unknown channel"),
        ({"state": np.dtype([("a", "<i4")])}, "8-byte"),
        ({"state": np.dtype({"names": ["a"], "formats": ["<i8"], "itemsize": 16})}, "padded"),
    ],
)
def test_kernel_checks(changes: dict[str, Any], reason: str) -> None:
    fold = next(m for m in SOCCER.metrics if isinstance(m, Fold) and m.key == "intensity")
    broken = replace(fold, kernel=replace(fold.kernel, **changes))
    with pytest.raises(SportError, match=reason):
        check_sport(sport(metrics=(broken,)))
