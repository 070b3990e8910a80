"""Activities with samples and results for the page tests, made by the services of clients."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from core import simulate
from core.clock import now
from core.models import (
    Activity,
    AthleteProfile,
    Device,
    DeviceOwnership,
    Job,
    JsonSchema,
    Permission,
    TimeFrame,
    User,
)
from core.models.users import ATHLETE, MANAGER
from core.pipeline import compute, writer
from core.pipeline.columns import Columns
from core.pipeline.objects import ObjectStore
from core.policy import Actor
from core.services import files, imports, timeframes
from core.sport.registry import Registry
from tests.contract.conftest import World

KICK_OFF = 1_590_868_800_000  # 2020-05-30T20:00:00Z
FAR = 4_102_444_800_000  # 2100


class Club:
    """Ada's athletes and their recordings: she has READ and WRITE, and owns every device."""

    def __init__(self, world: World, registry: Registry, folder: Path) -> None:
        self.world, self.registry = world, registry
        self.objects = ObjectStore(folder)
        self.ada = Actor(world.ids["ada"], MANAGER)

    def athlete(self, first: str, last: str, username: str | None = None) -> int:
        def make(session: Any) -> int:
            known = (
                username
                and session.scalars(select(User).where(User.username == username)).one_or_none()
            )
            user = known or User(
                username=f"{first}-{now()}-{last}", role=ATHLETE, extra_permissions=[],
                created=now(),
            )  # fmt: skip
            session.add(user)
            session.flush()
            if user.athlete_profile is None:
                user.athlete_profile = AthleteProfile()
            user.athlete_profile.first_name, user.athlete_profile.last_name = first, last
            for right in ("READ", "WRITE"):
                session.add(
                    Permission(
                        athlete_id=user.id, manager_id=self.ada.user_id, permission=right,
                        start_time=0, expiration_time=FAR,
                    )
                )  # fmt: skip
            return user.id

        return self.world.db.write(make)

    def activity(self, name: str, sport: str, **document: Any) -> int:
        def make(session: Any) -> int:
            made = Activity(
                name=name, json={"sport": sport, **document}, owner_id=self.ada.user_id,
                json_schema_id=self.schema(session, f"activity_{sport}"), created=now(),
            )  # fmt: skip
            session.add(made)
            session.flush()
            return made.id

        return self.world.db.write(make)

    @staticmethod
    def schema(session: Any, name: str) -> int:
        found = select(JsonSchema.id).where(JsonSchema.name == name).order_by(JsonSchema.id.desc())
        return session.scalars(found.limit(1)).one()

    def frame(
        self,
        activity: int,
        athlete: int,
        samples: Columns,
        params: Mapping[str, Any] | None = None,
        *,
        stop: int | None = None,
    ) -> int:
        """A time frame over these samples, of a device of its own, computed."""
        start, stop = int(samples["t"][0]), stop or int(samples["t"][-1]) + 1

        def make(session: Any) -> int:
            device = Device(
                serial_number=f"S{athlete}-{start}-{now()}", device_name=f"vest {athlete}-{now()}",
                device_type="vest",
            )  # fmt: skip
            session.add(device)
            session.flush()
            session.add(
                DeviceOwnership(
                    device_id=device.id, manager_id=self.ada.user_id, start_time=0, end_time=FAR
                )
            )
            sport = session.get_one(Activity, activity).json["sport"]
            frame = timeframes.create(
                session,
                self.ada,
                timeframes.Draft(
                    start_time=start, end_time=stop, params=params or {}, device=device.id,
                    activity=activity, athlete=athlete, owner=self.ada.user_id,
                    json_schema=self.schema(session, f"timeframe_{sport}"),
                ),
            )  # fmt: skip
            whole = writer.WholeFile.of(f"file-{device.id}", {"samples": samples})
            writer.accept_file(session, device.id, whole, now())
            return frame.id

        made = self.world.db.write(make)
        assert compute.refold(self.world.db, self.registry, made)
        return made

    def recording(self, path: Path, athlete: int, **fields: Any) -> int:
        """The activity that an uploaded file becomes."""
        data = path.read_bytes()
        stored = {"name": path.name, "sha256": self.objects.put(data), "size": len(data)}
        job = self.world.db.write(
            lambda s: files.add_for_athlete(s, self.ada, self.registry, athlete, stored, **fields)
        )
        imports.run(self.world.db, self.registry, self.objects, job.id)
        done = self.world.db.read(lambda s: s.get_one(Job, job.id))
        assert done.state == "SUCCESS", done.details
        compute.summarise(self.world.db, self.registry, done.details["activity"])
        return done.details["activity"]

    def frames(self, activity: int) -> Sequence[int]:
        found = select(TimeFrame.id).where(TimeFrame.activity_id == activity)
        return self.world.db.read(lambda s: s.scalars(found.order_by(TimeFrame.id)).all())


def player(number: int, seconds: float, *, silence: tuple[int, int] | None = None) -> Columns:
    """A simulated player's samples at 10 Hz; none between the two seconds of ``silence``."""
    columns = simulate.track(7, number, KICK_OFF, seconds).columns()
    t = columns.pop("gnss.timestamp")
    samples = {"t": t, **{name: values.astype(float) for name, values in columns.items()}}
    if silence is None:
        return samples
    low, high = (KICK_OFF + 1000 * second for second in silence)
    kept = (t < low) | (t >= high)
    return {name: values[kept] for name, values in samples.items()}


COURT = [
    [46.19989308, 6.10007106], [46.20010692, 6.10007106], [46.20010692, 6.09992894],
    [46.19989308, 6.09992894],
]  # fmt: skip


def rallies(seconds: int) -> Columns:
    """A tennis player on ``COURT`` at 10 Hz: rallies across the baseline, changes of ends."""
    rng = np.random.default_rng(21)
    k = np.arange(10 * seconds)
    rally = np.convolve(np.sin(k / 40) > 0.1, np.ones(10) / 10, "same")
    across = 3.6 * np.sin(k / 9) * rally * np.sin(k / 137)
    along = np.where((k // 1500) % 2, 1, -1) * (11.6 - 5 * rally * (np.sin(k / 211) > 0.8))
    along = np.convolve(along, np.ones(40) / 40, "same") + rng.normal(0, 0.05, len(k))
    speed = np.hypot(np.gradient(across, 0.1), np.gradient(along, 0.1) / 3)
    return {
        "t": KICK_OFF + 100 * k,
        "gnss.latitude": np.round(46.2 + along / 111_180, 8),
        "gnss.longitude": np.round(6.1 + across / 77_100, 8),
        "gnss.speed": np.round(np.clip(speed, 0, 6.5), 3),
        "ecg.hr": np.round(135 + 30 * np.sin(k / 900)),
    }


def ride(seconds: int) -> Columns:
    """A ride at 1 Hz in rolling country: position, altitude, speed, heart rate, power, cadence."""
    rng = np.random.default_rng(5)
    k = np.arange(seconds)
    hills = 90 * np.sin(k / 900) + 25 * np.sin(k / 260)
    slope = np.gradient(hills) / 8.5
    power = np.clip(205 + 2600 * slope + rng.normal(0, 28, seconds), 0, 900)
    power[(k // 400) % 9 == 8] = 0.0
    speed = np.clip(8.8 - 55 * slope + rng.normal(0, 0.15, seconds), 1.5, 19)
    heading = np.cumsum(0.004 * np.sin(k / 700) + 0.0012)
    north, east = np.cumsum(speed * np.cos(heading)), np.cumsum(speed * np.sin(heading))
    lag = np.exp(-np.arange(200) / 40)
    strain = np.convolve(power, lag / lag.sum())[:seconds]
    return {
        "t": KICK_OFF + 1000 * k,
        "gnss.latitude": np.round(46.5 + north / 111_200, 7),
        "gnss.longitude": np.round(6.6 + east / 76_500, 7),
        "gnss.altitude": np.round(480 + hills, 1),
        "gnss.speed": np.round(speed, 3),
        "ecg.hr": np.round(105 + 0.23 * strain),
        "pwr.pwr_instantpower": np.round(power),
        "pwr.pwr_cadence": np.round(np.where(power > 0, 88 + rng.normal(0, 4, seconds), 0)),
    }
