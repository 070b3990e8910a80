"""What the start page shows at one glance: a person's activities with their state, and devices."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.models import (
    Activity,
    AthleteProfile,
    ComputedData,
    ComputeState,
    Device,
    Permission,
    TimeFrame,
    User,
)
from core.models.devices import FILE_DEVICE
from core.policy import Actor

from . import devices, permissions, users

NOW, NEXT, PAST = "now", "next", "past"
PAGE = 25
STALE_MS = 30_000


@dataclass(frozen=True)
class Line:
    """One activity. ``start`` and ``stop`` span its time frames (None: it has none); ``state`` is
    one of planned, live, stale, computing, ready, failed; ``why`` says more where there is more to
    say; ``quality`` is the worst level of its results.
    """

    id: int
    name: str
    sport: str
    start: int | None
    stop: int | None
    athletes: int
    state: str
    why: str
    quality: str


def activities(
    session: Session, actor: Actor, when: str, search: str = "", page: int = 1
) -> tuple[list[Line], bool]:
    """A page of a manager's activities, or of those in which an athlete has time frames: running
    now, still to come (or without a time frame), or past. And whether there are more.
    """
    moment = now()
    found = session.execute(
        _activities(actor, when, search, moment).offset((page - 1) * PAGE).limit(PAGE + 1)
    ).all()
    shown = found[:PAGE]
    frames = _frames(session, actor, [row.id for row in shown])
    lines = [
        Line(
            row.id,
            row.name,
            row.sport,
            row.start,
            row.stop,
            row.athletes or 0,
            *_state(when, frames.get(row.id, ()), moment),
        )
        for row in shown
    ]
    return lines, len(found) > PAGE


def _activities(actor: Actor, when: str, search: str, moment: int) -> Select[Any]:
    span = (
        select(
            TimeFrame.activity_id,
            func.min(TimeFrame.start_time).label("start"),
            func.max(TimeFrame.end_time).label("stop"),
            func.count(TimeFrame.athlete_id.distinct()).label("athletes"),
        )
        .where(policy.clause(actor, "timeframe.read", TimeFrame))
        .group_by(TimeFrame.activity_id)
        .subquery()
    )
    statement = (
        select(
            Activity.id,
            Activity.name,
            Activity.json["sport"].as_string().label("sport"),
            span.c.start,
            span.c.stop,
            span.c.athletes,
        )
        .outerjoin(span, span.c.activity_id == Activity.id)
        .where(
            or_(span.c.activity_id.is_not(None), policy.clause(actor, "activity.read", Activity))
        )
    )
    if search:
        statement = statement.where(
            func.lower(Activity.name).contains(search.lower(), autoescape=True)
        )
    if when == NOW:
        return statement.where(span.c.start <= moment, moment < span.c.stop).order_by(
            span.c.stop, Activity.id
        )
    if when == NEXT:
        return statement.where(or_(span.c.start > moment, span.c.start.is_(None))).order_by(
            span.c.start.is_(None), span.c.start, Activity.id.desc()
        )
    return statement.where(span.c.stop <= moment).order_by(span.c.stop.desc(), Activity.id.desc())


def _frames(session: Session, actor: Actor, ids: Sequence[int]) -> dict[int, list[Any]]:
    """How the computation of each activity's time frames stands."""
    level = ComputedData.document["quality"]["level"].as_string().label("level")
    rows = session.execute(
        select(
            TimeFrame.activity_id,
            ComputeState.closed,
            ComputeState.error,
            ComputeState.computed_at,
            level,
        )
        .outerjoin(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
        .outerjoin(
            ComputedData,
            and_(
                ComputedData.timeframe_id == TimeFrame.id,
                ComputedData.edition == ComputeState.edition,
            ),
        )
        .where(TimeFrame.activity_id.in_(ids), policy.clause(actor, "timeframe.read", TimeFrame))
    )
    frames: dict[int, list[Any]] = {}
    for row in rows:
        frames.setdefault(row.activity_id, []).append(row)
    return frames


def _state(when: str, frames: Sequence[Any], moment: int) -> tuple[str, str, str]:
    """State, why, quality."""
    levels = {row.level for row in frames}
    quality = next((level for level in ("poor", "usable", "good") if level in levels), "")
    failed = [row for row in frames if row.error]
    if when == NEXT:
        return "planned", "" if frames else "no time frame yet", quality
    if failed:
        return "failed", f"{len(failed)} of {len(frames)} time frames", quality
    if when == NOW:
        newest = max((row.computed_at or 0 for row in frames), default=0)
        if not newest:
            return "stale", "no samples yet", quality
        age = moment - newest
        return ("live", "", quality) if age < STALE_MS else ("stale", f"{age // 1000} s", quality)
    ready = sum(bool(row.closed) for row in frames)
    if ready == len(frames):
        return "ready", "", quality
    return "computing", f"{ready} of {len(frames)} time frames", quality


def trackers(session: Session, actor: Actor, limit: int = 50) -> tuple[list[Device], int]:
    """The devices that a manager owns now, the latest to report first, and how many there are;
    those that stand for imported files are no trackers.
    """
    owned = devices.listing(actor, current=True).where(
        or_(Device.device_type.is_(None), Device.device_type != FILE_DEVICE)
    )
    total = session.scalar(select(func.count()).select_from(owned.subquery())) or 0
    latest = owned.order_by(
        Device.last_contact.is_(None), Device.last_contact.desc(), Device.id
    ).limit(limit)
    return list(session.scalars(latest)), total


def readers(
    session: Session, actor: Actor, limit: int = 25
) -> tuple[list[tuple[Permission, User]], int, int]:
    """Who holds a right over an athlete's data now or later; how many such rights there are, and
    how many that have ended.
    """
    assert actor.user_id is not None
    held = permissions.held(session, actor, actor.user_id)
    known = select(func.count()).where(Permission.athlete_id == actor.user_id)
    total = session.scalar(known) or 0
    current = session.scalar(known.where(Permission.expiration_time > now())) or 0
    rows = session.execute(held.where(Permission.expiration_time > now()).limit(limit))
    return [(right, manager) for right, manager in rows], current, total - current


def managed(session: Session, actor: Actor, limit: int = 25) -> tuple[list[User], int]:
    """The athletes whom a manager manages, the Default Athlete first, and how many there are."""
    mine = users.athletes(actor).where(User.managed_by_id == actor.user_id)
    total = session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    named = mine.order_by(
        User.is_default_athlete.desc(),
        AthleteProfile.last_name,
        AthleteProfile.first_name,
        User.id,
    ).limit(limit)
    found = list(session.scalars(named).unique())
    policy.given(session, actor, found)
    return found, total
