"""Parameters of athletes over time. Each value holds from a moment on until the next of its name;
a change owes a fold of the time frames whose own values it changes, in the same commit.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import FAR_FUTURE, now
from core.errors import BadInput, NotFound
from core.models import AthleteParameter, User
from core.models.announcements import of_user
from core.models.users import ATHLETE
from core.policy import Actor, Stretch
from core.sport import personal
from core.sport.registry import Registry

from . import refolds


def listing(session: Session, actor: Actor, athlete_id: int) -> Select[AthleteParameter]:
    """What is known of the athlete, for who may read them now."""
    athlete = _athlete(session, athlete_id)
    policy.require(session, actor, "parameter.read", athlete)
    return select(AthleteParameter).where(AthleteParameter.athlete_id == athlete.id)


def valid(at: int) -> ColumnElement[bool]:
    """The rows that are valid at the moment."""
    until: Any = AthleteParameter.valid_until
    return (AthleteParameter.valid_from <= at) & ((until > at) | until.is_(None))


def get(session: Session, actor: Actor, athlete_id: int, row_id: int) -> AthleteParameter:
    policy.require(session, actor, "parameter.read", _athlete(session, athlete_id))
    return _row(session, athlete_id, row_id)


def create(
    session: Session,
    actor: Actor,
    registry: Registry,
    athlete_id: int,
    *,
    name: str,
    value: float | None,
    valid_from: int,
) -> AthleteParameter:
    """Raises BadInput for an unknown name, a value outside the sports' ranges, and where there is
    one from that moment on already; Forbidden without WRITE now and over the past that it changes.
    """
    athlete = _athlete(session, athlete_id, lock=True)
    before = refolds.rows(session, athlete.id)
    row = AthleteParameter(athlete_id=athlete.id, name=name, created=now())
    _write(session, actor, registry, before, row, value, valid_from)
    session.add(row)
    session.flush()
    _changed(session, registry, athlete, before, name)
    session.refresh(row)
    return row


def change(
    session: Session,
    actor: Actor,
    registry: Registry,
    athlete_id: int,
    row_id: int,
    *,
    value: float | None,
    valid_from: int,
) -> AthleteParameter:
    """Set value and beginning; the name stays. Needs what deleting it and creating it need."""
    athlete = _athlete(session, athlete_id, lock=True)
    row = _row(session, athlete.id, row_id)
    before = refolds.rows(session, athlete.id)
    _require(session, actor, before, row.athlete_id, row.name, row.valid_from)
    _write(session, actor, registry, before, row, value, valid_from)
    session.flush()
    _changed(session, registry, athlete, before, row.name)
    session.refresh(row)
    return row


def remove(
    session: Session, actor: Actor, registry: Registry, athlete_id: int, row_id: int
) -> None:
    """As if it had never been: the one before it holds on."""
    athlete = _athlete(session, athlete_id, lock=True)
    row = _row(session, athlete.id, row_id)
    before = refolds.rows(session, athlete.id)
    _require(session, actor, before, row.athlete_id, row.name, row.valid_from)
    session.delete(row)
    session.flush()
    _changed(session, registry, athlete, before, row.name)


def _athlete(session: Session, athlete_id: int, *, lock: bool = False) -> User:
    """With ``lock`` nobody else changes the athlete's parameters or adds a frame of them meanwhile,
    so that no frame is missed and none is judged by half of a change.
    """
    held: Any = {"of": User} if lock else None
    found = session.get(User, athlete_id, with_for_update=held, populate_existing=lock)
    if found is None or found.role != ATHLETE or found.deleted is not None:
        raise NotFound(f"no athlete {athlete_id}")
    return found


def _row(session: Session, athlete_id: int, row_id: int) -> AthleteParameter:
    row = session.get(AthleteParameter, row_id)
    if row is None or row.athlete_id != athlete_id:
        raise NotFound(f"athlete {athlete_id} has no parameter {row_id}")
    return row


def _write(
    session: Session,
    actor: Actor,
    registry: Registry,
    before: refolds.Rows,
    row: AthleteParameter,
    value: float | None,
    valid_from: int,
) -> None:
    """Check what is asked for, and that the actor may, then set it."""
    known = personal.names(registry)
    if row.name not in known:
        raise BadInput.at("/name", f"must be one of {', '.join(known)}")
    if wrong := personal.faults(registry, row.name, value):
        raise BadInput.at("/value", "; ".join(wrong))
    _require(session, actor, before, row.athlete_id, row.name, valid_from)
    others = {moment for name, moment, _ in before if name == row.name} - {row.valid_from}
    if valid_from in others:
        raise BadInput.at("/valid_from", f"there is a value of {row.name} from this moment already")
    row.value, row.valid_from = value, valid_from


def _require(
    session: Session,
    actor: Actor,
    before: refolds.Rows,
    athlete_id: int,
    name: str,
    valid_from: int,
) -> None:
    """The right over what a value from that moment on tells of the past, and now in any case."""
    at = now()
    later = [moment for other, moment, _ in before if other == name and moment > valid_from]
    start = min(valid_from, at)
    stop = max(start + 1, min([at, *later]))
    policy.require(session, actor, "parameter.change", Stretch(athlete_id, start, stop))


def _changed(
    session: Session, registry: Registry, athlete: User, before: refolds.Rows, name: str
) -> None:
    """Tell of the change, and owe the folds that it concerns: of frames that start from the first
    moment that is different on.
    """
    after = refolds.rows(session, athlete.id)
    moved = {row[1] for row in {*before} ^ {*after}}
    if not moved:
        return
    later = [moment for other, moment, _ in (*before, *after) if other == name]
    until = min((moment for moment in later if moment > max(moved)), default=FAR_FUTURE)
    refolds.owe_concerned(
        session,
        registry,
        athlete.id,
        min(moved),
        until,
        refolds.Facts(athlete.athlete_profile, personal.History(before)),
        refolds.Facts(athlete.athlete_profile, personal.History(after)),
    )
    of_user(session, "updated", athlete, [f"parameters.{name}"])
