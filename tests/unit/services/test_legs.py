"""A recording of several sports becomes one activity with a time frame for each leg."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.clock import from_iso
from core.errors import BadInput
from core.models import Activity, ComputedData, TimeFrame
from core.pipeline import store
from core.services import legs
from core.sport.registry import Registry
from tests.unit.pipeline import fit_files as fit
from tests.unit.pipeline.fit_files import NOON, message, unix

from .conftest import World
from .test_imports import Imports

SWIM, T1, RIDE, T2, RUN = 600, 60, 900, 40, 300  # seconds
SPANS = (SWIM, T1, RIDE, T2, RUN)
STARTS = [NOON + sum(SPANS[:at]) for at in range(5)]
SPORTS = (fit.SWIMMING, fit.TRANSITION, fit.CYCLING, fit.TRANSITION, fit.RUNNING)
# The recorder's own times: the ride goes on for 0.7 s after the second transition's whole second.
ELAPSED = (599.871, 59.25, 900.7, 39.6, 299.9)


def triathlon() -> bytes:
    """Swum with a fix a minute and the watch's distance, ridden and run at 1 Hz. The messages of
    the sessions come last, as watches write them, and not in order of time.
    """
    messages = [message("event", timestamp=NOON, event=0, event_type=0)]
    messages += [
        message(
            "record",
            timestamp=NOON + second,
            position_lat=46.5 + second / 111_180,
            position_long=6.6,
            distance=1.4 * second,
            heart_rate=140,
        )
        for second in range(0, SWIM, 60)
    ]
    metres = 1.4 * (SWIM - 60)
    for second in range(SWIM, sum(SPANS)):
        riding = STARTS[2] <= NOON + second < STARTS[3]
        metres += 9.0 if riding else 3.0
        more: dict[str, Any] = {"power": 210} if riding else {"cadence": 85}
        messages.append(
            message(
                "record",
                timestamp=NOON + second,
                position_lat=46.5 + metres / 111_180,
                position_long=6.6,
                distance=metres,
                speed=9.0 if riding else 3.0,
                heart_rate=150,
                **more,
            )
        )
    rows = list(zip(STARTS, SPORTS, ELAPSED, strict=True))
    messages += [
        message(
            "session",
            start_time=start,
            sport=sport,
            total_elapsed_time=elapsed,
            total_timer_time=elapsed,
            total_distance=1.4 * SWIM,
        )
        for start, sport, elapsed in (rows[2], *rows[:2], *rows[3:])
    ]
    return fit.file(*messages)


@pytest.fixture
def imported(world: World, sports: Registry, tmp_path: Path) -> Imports:
    return Imports(world, sports, tmp_path)


def frames_of(imported: Imports, details: dict[str, Any]) -> list[TimeFrame]:
    ids = details["timeframes"]
    return imported.world.read(lambda s: [s.get_one(TimeFrame, frame) for frame in ids])


def document_of(imported: Imports, frame: TimeFrame) -> dict[str, Any]:
    return imported.world.read(
        lambda s: s.query(ComputedData).filter_by(timeframe_id=frame.id).one().document
    )


def test_legs_become_frames_of_one_triathlon(imported: Imports) -> None:
    details = imported.run(imported.upload(triathlon())).details
    swim, ride, run = frames_of(imported, details)
    activity = imported.world.read(lambda s: s.get_one(Activity, details["activity"]))
    assert activity.json == {
        "sport": "triathlon",
        "transitions": [{"duration": ELAPSED[1]}, {"duration": ELAPSED[3]}],
    }
    for frame, at, sport in ((swim, 0, "swimming"), (ride, 2, "biking"), (run, 4, "running")):
        (leg,) = frame.params["legs"]
        assert leg["sport"] == sport
        assert from_iso(leg["start_time"]) == frame.start_time == unix(STARTS[at])
        assert from_iso(leg["end_time"]) == unix(STARTS[at] + ELAPSED[at])
        assert leg["distance"] == 1.4 * SWIM
    # A leg ends where the next session begins, though the recorder counted on for 0.7 s.
    assert ride.end_time == unix(STARTS[3])
    assert swim.end_time == unix(STARTS[0] + ELAPSED[0])
    assert [session["sport"] for session in details["sessions"]] == [
        "swimming",
        "transition",
        "biking",
        "transition",
        "running",
    ]
    assert [session["elapsed"] for session in details["sessions"]] == list(ELAPSED)


def test_each_leg_has_the_metrics_of_its_sport(imported: Imports, sports: Registry) -> None:
    details = imported.run(imported.upload(triathlon())).details
    documents = [document_of(imported, frame) for frame in frames_of(imported, details)]
    for document, sport in zip(documents, ("swimming", "biking", "running"), strict=True):
        assert set(document["metrics"]) == {metric.key for metric in sports.sport(sport).metrics}
    swim, ride, run = documents
    assert [document["input"]["samples"] for document in documents] == [10, RIDE, RUN]
    assert swim["parameters"]["max_speed"] == {"value": 3, "source": "default"}
    assert ride["parameters"]["max_speed"] == {"value": 35, "source": "default"}
    assert run["total_distance"] == pytest.approx(3.0 * (RUN - 1), rel=2e-3)


def test_sparse_samples_take_the_recorders_distance(imported: Imports) -> None:
    details = imported.run(imported.upload(triathlon())).details
    swim, ride, _ = frames_of(imported, details)
    assert swim.params["distance_source"] == "device"
    assert "distance_source" not in ride.params
    found = document_of(imported, swim)
    assert found["total_distance"] == pytest.approx(1.4 * (SWIM - 60))
    assert found["average_speed"] == pytest.approx(1.4)
    assert (found["quality"]["gaps"], found["gap_time"], found["gap_distance"]) == (9, 540.0, 0.0)
    assert found["distance_source"] == "device"


def test_a_leg_recorded_alone_joins_the_triathlon_that_is_named(imported: Imports) -> None:
    first = imported.run(imported.upload(triathlon()))
    alone = fit.file(
        *(message("record", timestamp=NOON + 9000 + s, heart_rate=150) for s in range(30)),
        message("session", start_time=NOON + 9000, sport=fit.RUNNING, total_elapsed_time=29.5),
    )
    again = imported.run(imported.upload(alone, activity=first.details["activity"]))
    assert again.state == "SUCCESS", again.details
    (frame,) = frames_of(imported, again.details)
    assert frame.activity_id == first.details["activity"]
    assert [leg["sport"] for leg in frame.params["legs"]] == ["running"]
    assert frame.end_time == unix(NOON + 9029.5)


def test_a_pool_comes_with_its_length_and_lengths(imported: Imports) -> None:
    def length(second: int, duration: float, strokes: int) -> bytes:
        return message(
            "length",
            start_time=NOON + second,
            total_timer_time=duration,
            total_strokes=strokes,
            length_type=1,
            swim_stroke=0,
        )

    pool = fit.file(
        *(message("record", timestamp=NOON + s, heart_rate=130) for s in range(70)),
        *(length(20 * at, 19.5 + at, 12 + at) for at in range(3)),
        message(
            "session", start_time=NOON, sport=fit.SWIMMING, total_elapsed_time=70, pool_length=33.33
        ),
    )
    details = imported.run(imported.upload(pool)).details
    activity = imported.world.read(lambda s: s.get_one(Activity, details["activity"]))
    assert activity.json == {"sport": "swimming", "pool_length": 33.33}
    stored = imported.world.read(lambda s: store.read(s, details["device"], "lengths", 0, 2**60))
    assert stored["duration"].tolist() == [19.5, 20.5, 21.5]
    (frame,) = frames_of(imported, details)
    found = document_of(imported, frame)
    assert found["total_distance"] == pytest.approx(99.99)
    assert found["swolf"]["mean"] == pytest.approx(np.mean([31.5, 33.5, 35.5]))
    assert found["input"]["samples"] == 70


def test_a_swim_of_lengths_alone(imported: Imports) -> None:
    pool = fit.file(
        *(
            message(
                "length", start_time=NOON + 20 * at, total_timer_time=19.5, length_type=1,
                total_strokes=12,
            )
            for at in range(4)
        ),
        message(
            "session", start_time=NOON, sport=fit.SWIMMING, total_elapsed_time=80,
            pool_length=22.86, pool_length_unit=1,
        ),
    )  # fmt: skip
    job = imported.run(imported.upload(pool))
    assert job.state == "SUCCESS", job.details
    assert job.details["ranges"] == []
    activity = imported.world.read(lambda s: s.get_one(Activity, job.details["activity"]))
    assert activity.json == {"sport": "swimming", "pool_length": 22.86, "pool_unit": "yd"}
    (frame,) = frames_of(imported, job.details)
    found = document_of(imported, frame)
    assert (found["active_lengths"], found["strokes"], found["swim_time"]) == (4, 48, 78.0)
    assert found["total_distance"] == pytest.approx(91.44)
    assert found["hr_avg"] is None
    assert (found["input"]["samples"], found["input"]["streams"]["lengths"]) == (0, 4)


def leg(start: str, end: str, sport: str = "running") -> dict[str, str]:
    day = "2026-06-07T"
    return {"sport": sport, "start_time": f"{day}{start}Z", "end_time": f"{day}{end}Z"}


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ([leg("10:00:00", "10:30:00"), leg("10:29:59.999", "11:00:00")], "1/start_time"),
        ([leg("10:00:00", "10:30:00"), leg("09:00:00", "09:30:00")], "1/start_time"),
        ([leg("10:00:00", "10:00:00")], "0/end_time"),
        ([leg("10:00:00", "10:30:00"), leg("10:30:00", "10:20:00")], "1/end_time"),
    ],
)
def test_legs_that_overlap_are_refused(given: list[dict[str, str]], pointer: str) -> None:
    with pytest.raises(BadInput) as caught:
        legs.check({"legs": given})
    assert caught.value.errors[0]["pointer"] == f"/params/legs/{pointer}"


def test_legs_may_touch() -> None:
    legs.check({"legs": [leg("10:00:00", "10:30:00"), leg("10:30:00", "11:00:00")]})
    legs.check({})
