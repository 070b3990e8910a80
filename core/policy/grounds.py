"""The conditions that rules are made of; each as windows, as SQL and as words."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, String, and_, cast, exists, false, select
from sqlalchemy.orm import Session, aliased

from core.intervals import Window, union
from core.models import DeviceOwnership, EventAudience, Permission, TimeFrame, User
from core.policy.actor import Actor
from core.policy.rule import Rule
from core.policy.things import part_of

ALWAYS = Window(-(2**63), 2**63 - 1)


def _any(row: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Some row fulfils them. Everything but the row itself belongs to the query around: left to
    guess, SQLAlchemy would select the outermost table anew in an EXISTS within an EXISTS.
    """
    return exists().where(*conditions).correlate_except(row)


@dataclass(frozen=True)
class Is:
    """The actor is this part of the thing: always or never. ``who`` reads the actor."""

    part: str
    says: str
    who: str = "user_id"

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        mine = getattr(actor, self.who)
        if mine is None or part_of(type(thing), thing, self.part) != mine:
            return []
        return [ALWAYS]

    def clause(self, actor: Actor, kind: Any, rule: Rule, now: int) -> ColumnElement[bool]:
        mine = getattr(actor, self.who)
        return false() if mine is None else part_of(kind, kind, self.part) == mine

    def refusal(self, thing: Any, rule: Rule) -> str:
        return self.says


@dataclass(frozen=True)
class Holds:
    """The actor's account carries an extra permission."""

    name: str

    def _exists(self, actor: Actor) -> ColumnElement[bool]:
        user = aliased(User)
        listed = cast(user.extra_permissions, String).contains(f'"{self.name}"', autoescape=True)
        return exists().where(user.id == actor.user_id, listed)

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        return [ALWAYS] if session.scalar(select(self._exists(actor))) else []

    def clause(self, actor: Actor, kind: Any, rule: Rule, now: int) -> ColumnElement[bool]:
        return self._exists(actor)

    def refusal(self, thing: Any, rule: Rule) -> str:
        return f"this needs the extra permission {self.name}"


@dataclass(frozen=True)
class Rows:
    """Windows that stand in a table: the rows of ``model`` that ``mine`` picks for the actor and
    whose ``column`` is the thing's ``part``.
    """

    model: Any
    start: str
    stop: str
    column: str
    part: str
    mine: Callable[[Any, Actor], Sequence[ColumnElement[bool]]]
    what: str

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        subject = part_of(type(thing), thing, self.part)
        row = self.model
        found = session.execute(
            select(getattr(row, self.start), getattr(row, self.stop)).where(
                getattr(row, self.column) == subject, *self.mine(row, actor)
            )
        )
        return union(Window(start, stop) for start, stop in found)

    def clause(self, actor: Actor, kind: Any, rule: Rule, now: int) -> ColumnElement[bool]:
        conditions = []
        if rule.now:
            conditions.append(self._at(actor, kind, now))
        if rule.interval:
            conditions.append(self._over(actor, kind))
        if not conditions:
            row = aliased(self.model)
            conditions.append(_any(row, *self._of(row, actor, kind)))
        return and_(*conditions)

    def _of(self, row: Any, actor: Actor, kind: Any) -> list[ColumnElement[bool]]:
        same = getattr(row, self.column) == part_of(kind, kind, self.part)
        return [same, *self.mine(row, actor)]

    def _at(self, actor: Actor, kind: Any, moment: Any) -> ColumnElement[bool]:
        row = aliased(self.model)
        start, stop = getattr(row, self.start), getattr(row, self.stop)
        return _any(row, *self._of(row, actor, kind), start <= moment, moment < stop)

    def _over(self, actor: Actor, kind: Any) -> ColumnElement[bool]:
        """Cover by a union of rows: the interval's start lies in a row, and so does every row's
        stop that falls inside the interval. Otherwise the first gap begins at one of those.
        """
        begin, end = part_of(kind, kind, "start"), part_of(kind, kind, "stop")
        row = aliased(self.model)
        stop = getattr(row, self.stop)
        elsewhere = ~self._at(actor, kind, stop)
        gap = _any(row, *self._of(row, actor, kind), begin < stop, stop < end, elsewhere)
        return and_(begin < end, self._at(actor, kind, begin), ~gap)

    def refusal(self, thing: Any, rule: Rule) -> str:
        if rule.interval:
            when = " over the whole interval" + (" and now" if rule.now else "")
        else:
            when = " now" if rule.now else ""
        return f"{self.what} {part_of(type(thing), thing, self.part)}{when}"


@dataclass(frozen=True)
class Told:
    """The event is of what took the right to see it along, and the actor held that right then."""

    def _exists(self, actor: Actor, sequence: Any) -> ColumnElement[bool]:
        row = aliased(EventAudience)
        return _any(row, row.user_id == actor.user_id, row.sequence == sequence)

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        return [ALWAYS] if session.scalar(select(self._exists(actor, thing.sequence))) else []

    def clause(self, actor: Actor, kind: Any, rule: Rule, now: int) -> ColumnElement[bool]:
        return self._exists(actor, kind.sequence)

    def refusal(self, thing: Any, rule: Rule) -> str:
        return "this is for who held the right that it ended"


def _permission(right: str) -> Rows:
    return Rows(
        Permission,
        "start_time",
        "expiration_time",
        column="athlete_id",
        part="athlete",
        mine=lambda row, actor: (row.manager_id == actor.user_id, row.permission == right),
        what=f"this needs {right} on athlete",
    )


READ, WRITE, SHARE = _permission("READ"), _permission("WRITE"), _permission("SHARE")
OWNS_DEVICE = Rows(
    DeviceOwnership,
    "start_time",
    "end_time",
    column="device_id",
    part="device",
    mine=lambda row, actor: (row.manager_id == actor.user_id,),
    what="this needs ownership of device",
)
OWN_FRAMES = Rows(
    TimeFrame,
    "start_time",
    "end_time",
    column="device_id",
    part="device",
    mine=lambda row, actor: (row.athlete_id == actor.user_id,),
    what="this needs a time frame of yours on device",
)
SELF = Is("account", "only the account's own holder may do this")
OWNER = Is("owner", "only the owner may do this")
MANAGES = Is("manager", "only the athlete, or the manager who manages them, may do this")
OWN_ATHLETE = Is("athlete", "only the athlete may do this")
MANAGED = Is("manager", "only the manager who manages the athlete may do this")
