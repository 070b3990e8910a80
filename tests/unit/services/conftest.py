"""A small world of people, on both databases."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.orm import Session

from core.auth import secrets
from core.clock import now
from core.models import Device, DeviceOwnership, Permission, User
from core.models.db import Database
from core.policy import Actor

DAY = 86_400_000


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
