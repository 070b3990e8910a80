"""The fold of a frame: what it accepts, saves, refuses."""

from dataclasses import replace

import numpy as np
import pytest

from core.sport import Fold, MetricError, Sport, StateMismatch
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold, plan, warm
from tests.unit.sport.samples import END, START, cut, walk

SOCCER = registry().sport("soccer")
RESOLVED = resolve_parameters(SOCCER, {"sport": "soccer"}, {}, {})


def fold(**kwargs: object) -> FrameFold:
    return FrameFold(SOCCER, RESOLVED, START, END, **kwargs)  # type: ignore[arg-type]


def raises_on_purpose(t, cols, n, state, out) -> int:
    raise ZeroDivisionError("made to fail")


def with_metric(metric: Fold) -> Sport:
    fields = {name: getattr(SOCCER, name) for name in SOCCER.__dataclass_fields__}
    return Sport(**{**fields, "metrics": (*SOCCER.metrics, metric)})


def test_bad_chunks_are_refused_whole() -> None:
    frame = fold()
    before = frame.snapshot()
    with pytest.raises(ValueError, match="strictly increasing"):
        frame.advance({"t": np.array([START + 2, START + 1])})
    with pytest.raises(ValueError, match="as long as t"):
        frame.advance({"t": np.array([START + 1]), "hr": np.zeros(2)})
    assert frame.snapshot() == before
    with pytest.raises(ValueError, match="ends after"):
        FrameFold(SOCCER, RESOLVED, START, START)


def test_unknown_rate_holds_the_first_samples() -> None:
    samples = walk(1, 60)
    frame = fold()
    frame.advance(cut(samples, 0, 20))
    assert frame.rate is None
    assert frame.n == 20
    assert frame.last_t == int(samples["t"][19])
    assert frame.document(False)["total_distance"] > 0  # what is held is shown
    frame.advance(cut(samples, 20, 60))
    assert frame.rate == 10.0
    known = fold(rate=10.0)
    known.advance(samples)
    assert known.values(True) == frame.values(True)


@pytest.mark.parametrize(("hz", "window"), [(1.0, 1), (5.0, 5), (10.0, 10), (25.0, 25)])
def test_window_is_a_second(hz: float, window: int) -> None:
    frame = fold()
    step = round(1000 / hz)
    frame.advance({"t": START + np.arange(40) * step, "speed": np.full(40, 3.0)})
    assert frame.document(True)["definition"]["smoothing_samples"] == window


def test_close_is_a_copy() -> None:
    frame = fold()
    frame.advance(cut(walk(2, 10), 0, 10))
    before = frame.snapshot()
    closed = frame.close()
    assert closed.document(True) == frame.document(True)
    assert frame.snapshot() == before
    assert closed.snapshot() != before


@pytest.mark.parametrize(
    "other",
    [
        lambda blob: (SOCCER, RESOLVED, START, END + 1, blob),
        lambda blob: (SOCCER, RESOLVED, START + 1, END, blob),
        lambda blob: (SOCCER, replace(RESOLVED, fingerprint="other"), START, END, blob),
        lambda blob: (registry().sport("tennis"), RESOLVED, START, END, blob),
        lambda blob: (SOCCER, RESOLVED, START, END, blob[:-1]),
        lambda blob: (SOCCER, RESOLVED, START, END, blob[:100]),
        lambda blob: (SOCCER, RESOLVED, START, END, blob[:-9] + bytes([blob[-9] ^ 1]) + blob[-8:]),
        lambda blob: (SOCCER, RESOLVED, START, END, b""),
        lambda blob: (SOCCER, RESOLVED, START, END, blob + b"\0"),
    ],
)
def test_foreign_states_are_refused(other) -> None:
    frame = fold()
    frame.advance(walk(3, 500))
    with pytest.raises(StateMismatch):
        FrameFold.restore(*other(frame.snapshot()))


def test_a_raised_kernel_version_refuses_the_state() -> None:
    metrics = tuple(
        replace(m, kernel=replace(m.kernel, version=2))
        if isinstance(m, Fold) and m.key == "intensity"
        else m
        for m in SOCCER.metrics
    )
    fields = {name: getattr(SOCCER, name) for name in SOCCER.__dataclass_fields__}
    newer = Sport(**{**fields, "metrics": metrics})
    frame = fold()
    frame.advance(walk(3, 100))
    with pytest.raises(StateMismatch, match="intensity"):
        FrameFold.restore(newer, RESOLVED, START, END, frame.snapshot())


def test_a_raising_kernel_names_its_metric() -> None:
    intensity = next(m for m in SOCCER.metrics if isinstance(m, Fold) and m.key == "intensity")
    kernel = replace(intensity.kernel, name="broken", function=f"{__name__}:raises_on_purpose")
    sport = with_metric(replace(intensity, key="broken_metric", kernel=kernel))
    frame = FrameFold(sport, RESOLVED, START, END, rate=10.0)
    with pytest.raises(
        MetricError, match="broken_metric: ZeroDivisionError: made to fail"
    ) as caught:
        frame.advance(walk(4, 50))
    assert caught.value.key == "broken_metric"
    assert isinstance(caught.value.cause, ZeroDivisionError)


def test_a_raising_output_names_its_metric() -> None:
    intensity = next(m for m in SOCCER.metrics if isinstance(m, Fold) and m.key == "intensity")
    sport = with_metric(replace(intensity, key="unreadable", output=lambda reading: 1 / 0))
    frame = FrameFold(sport, RESOLVED, START, END, rate=10.0)
    frame.advance(walk(4, 50))
    with pytest.raises(MetricError, match="unreadable: ZeroDivisionError"):
        frame.document(False)


def test_warm_resolves_every_kernel() -> None:
    assert set(warm()) == set(registry().sports)
    assert plan(SOCCER) is plan(SOCCER)
    placed = [at for lane in plan(SOCCER).lanes.values() for at, _ in lane.runs]
    assert placed == list(range(len(plan(SOCCER).kernels)))


def test_frames_do_not_share_state() -> None:
    a, b = fold(), fold()
    one, two = walk(6, 400), walk(7, 400)
    for i in range(0, 400, 40):
        a.advance(cut(one, i, i + 40))
        b.advance(cut(two, i, i + 40))
    alone = fold()
    alone.advance(one)
    assert a.snapshot() == alone.snapshot()
