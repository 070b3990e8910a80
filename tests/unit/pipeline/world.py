"""A small world for computations: a manager, an athlete, a device, one soccer activity, frames."""

from typing import Any

import numpy as np
import orjson

from core.models import (
    Activity,
    AthleteProfile,
    ComputedData,
    ComputeState,
    Device,
    JsonSchema,
    TimeFrame,
    User,
)
from core.models.db import Database
from core.pipeline import delta, uplink

T0 = 1590868800000
ROWS = 600


class Clock:
    """The wall clock of a computation, set by the test."""

    def __init__(self) -> None:
        self.at = T0 + 60_000

    def __call__(self) -> int:
        return self.at


def fill(
    db: Database, *, stop: int = T0 + 3_600_000, frames: int = 1, sport: str = "soccer"
) -> None:
    """Frames 1..n of devices 1..n from T0 to ``stop``, all of activity 1 and athlete 2."""

    def add(session: Any) -> None:
        session.add(User(id=1, username="manager", role="MANAGER", created=0))
        session.add(User(id=2, username="athlete", role="ATHLETE", created=0))
        session.add(JsonSchema(id=1, name="a", type="ACTIVITY", sport=sport, schema={}))
        session.flush()
        session.add(AthleteProfile(user_id=2, weight=70.0, height=1.8, birth_date="1995-05-30"))
        session.add(
            Activity(id=1, name="a", json={"sport": sport}, json_schema_id=1, owner_id=1, created=0)
        )
        session.flush()
        for k in range(1, frames + 1):
            session.add(Device(id=k, device_name=f"d{k}", serial_number=str(k)))
            session.flush()
            session.add(
                TimeFrame(
                    id=k,
                    start_time=T0,
                    end_time=stop,
                    params={},
                    device_id=k,
                    activity_id=1,
                    athlete_id=2,
                    owner_id=1,
                    json_schema_id=1,
                )
            )
            session.flush()
            session.add(ComputeState(timeframe_id=k))

    db.write(add)


def run(seed: int = 1, rows: int = ROWS) -> dict[str, list[Any]]:
    """Columns of a runner at 10 Hz from T0."""
    rng = np.random.default_rng(seed)
    speed = np.round(np.clip(3 + 3 * np.sin(np.arange(rows) / 30), 0, None), 3)
    return {
        "gnss.timestamp": [T0 + 100 * k for k in range(rows)],
        "gnss.latitude": np.round(46.5 + np.cumsum(speed) * 0.1 / 111_200, 7).tolist(),
        "gnss.longitude": np.round(6.6 + rng.normal(0, 1e-7, rows), 7).tolist(),
        "gnss.speed": speed.tolist(),
        "ecg.hr": np.round(140 + 10 * np.sin(np.arange(rows) / 100)).tolist(),
    }


def batch(name: str, columns: dict[str, list[Any]], low: int = 0, high: int = ROWS) -> uplink.Batch:
    """Rows [low, high) of columns as an uplink batch."""
    part = {key: values[low:high] for key, values in columns.items()}
    return uplink.parse(orjson.dumps({"batch": name, "columns": part}), now=T0 + 10**9)


def state(db: Database, frame: int = 1) -> ComputeState:
    return db.read(lambda s: s.get_one(ComputeState, frame))


def editions(db: Database, frame: int = 1) -> list[dict[str, Any]]:
    """The documents of a frame, first edition first, the newest with what it gained since."""

    def found(session: Any) -> list[dict[str, Any]]:
        rows = session.query(ComputedData).filter_by(timeframe_id=frame).order_by("edition")
        documents = [row.document for row in rows]
        if documents:
            documents[-1] = delta.apply(documents[-1], session.get_one(ComputeState, frame).live)
        return documents

    return db.read(found)
