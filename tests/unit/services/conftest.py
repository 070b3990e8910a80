"""A small world of people, on both databases."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core.auth import secrets
from core.clock import now
from core.models import Device, DeviceOwnership, JsonSchema, Outbox, Permission, User
from core.models.db import Database
from core.policy import Actor
from core.services import activities, json_schemas, timeframes
from core.sport.registry import Registry, registry

DAY = 86_400_000
START = 1_590_868_800_000  # 2020-05-30T20:00:00Z, the guide's match
STOP = START + 7_200_000


@dataclass(frozen=True)
class World:
    """Actors, and the database behind them. ``anna`` and ``ben`` manage, ``cleo`` is an athlete."""

    db: Database
    admin: Actor
    anna: Actor
    ben: Actor
    cleo: Actor

    def write(self, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """One commit of ``work(session, …)``."""
        return self.db.write(lambda session: work(session, *given, **named))

    def read(self, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return self.db.read(lambda session: work(session, *given, **named))

    def device(self, serial: str = "S1", name: str = "dev-1", **facts: Any) -> int:
        def make(session: Session) -> int:
            device = Device(serial_number=serial, device_name=name, **facts)
            session.add(device)
            session.flush()
            return device.id

        return self.write(make)

    def schema(self, name: str) -> int:
        """The current schema row of a name, for example ``timeframe_tennis``."""
        return self.read(
            lambda session: session.scalar(
                select(func.max(JsonSchema.id)).where(JsonSchema.name == name)
            )
        )

    def owed(self, topic: str) -> list[str]:
        """The keys of what is owed, in order."""
        return self.read(
            lambda session: list(
                session.scalars(select(Outbox.key).where(Outbox.topic == topic).order_by(Outbox.id))
            )
        )

    def own(self, actor: Actor, device_id: int, start: int, end: int) -> None:
        self.write(
            lambda session: session.add(
                DeviceOwnership(
                    device_id=device_id, manager_id=actor.user_id, start_time=start, end_time=end
                )
            )
        )

    def permit(self, manager: Actor, right: str, start: int, end: int) -> None:
        self.write(
            lambda session: session.add(
                Permission(
                    athlete_id=self.cleo.user_id,
                    manager_id=manager.user_id,
                    permission=right,
                    start_time=start,
                    expiration_time=end,
                )
            )
        )


@pytest.fixture
def world(db: Database) -> World:
    secrets.use_key("a key for tests")

    def people(session: Session) -> list[Actor]:
        users = [
            User(username=name, role=role, created=now())
            for name, role in (
                ("root", "ADMINISTRATOR"),
                ("anna", "MANAGER"),
                ("ben", "MANAGER"),
                ("cleo", "ATHLETE"),
            )
        ]
        session.add_all(users)
        session.flush()
        return [Actor(user_id=user.id, role=user.role) for user in users]

    return World(db, *db.write(people))


@pytest.fixture
def sports(world: World) -> Registry:
    """The installed sports, their schemas stored."""
    world.write(json_schemas.sync, registry())
    return registry()


@dataclass(frozen=True)
class Match:
    """A tennis match of anna's: one device of hers, WRITE on cleo, both around START to STOP."""

    world: World
    activity: int
    device: int
    schema: int

    def draft(self, **changes: Any) -> timeframes.Draft:
        return timeframes.Draft(
            **{
                "start_time": START,
                "end_time": STOP,
                "params": {},
                "device": self.device,
                "activity": self.activity,
                "athlete": self.world.cleo.user_id,
                "owner": self.world.anna.user_id,
                "json_schema": self.schema,
                **changes,
            }
        )

    def frame(self, **changes: Any) -> int:
        draft = self.draft(**changes)
        return self.world.write(timeframes.create, self.world.anna, draft).id


@pytest.fixture
def match(world: World, sports: Registry) -> Match:
    device_id = world.device()
    world.own(world.anna, device_id, START - DAY, STOP + DAY)
    world.permit(world.anna, "WRITE", START - DAY, STOP + DAY)
    activity = world.write(
        activities.create,
        world.anna,
        name="final",
        json={"sport": "tennis", "type": "match"},
        json_schema=world.schema("activity_tennis"),
        owner=world.anna.user_id,
    )
    return Match(world, activity.id, device_id, world.schema("timeframe_tennis"))
