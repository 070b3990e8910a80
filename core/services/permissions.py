"""Permissions: an athlete lets managers read, write or share what lies within a range of time.

For a managed athlete the managing manager acts as the athlete. A manager who holds SHARE now may
give READ to others, wholly inside their own SHARE range (contract/touchline.md section 10).
"""

import re
from typing import Any

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now
from core.errors import BadInput, Forbidden, NotFound
from core.models import Permission, User
from core.models.announcements import of_permissions
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor

READ = "READ"
RIGHTS = (READ, "WRITE", "SHARE")
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def grant(
    session: Session,
    actor: Actor,
    athlete_id: int,
    manager_id: int,
    *,
    permission: str,
    start_time: int,
    expiration_time: int,
) -> Permission:
    """One more row; several per pair and right are normal."""
    athlete = _athlete(session, athlete_id)
    row = Permission(
        athlete_id=athlete_id,
        manager_id=manager_id,
        permission=permission,
        start_time=start_time,
        expiration_time=expiration_time,
    )
    if not policy.allowed(session, actor, "permission.change", athlete):
        if permission != READ:
            raise Forbidden("only the athlete may give this; a holder of SHARE may give READ")
        policy.require(session, actor, "permission.share", row)
    _manager(session, manager_id)
    if start_time >= expiration_time:
        raise BadInput.at("/expiration_time", "must be after start_time")
    session.add(row)
    session.flush()
    of_permissions(session, events.PERMISSION_GRANTED, [row])
    return row


def listing(
    session: Session, actor: Actor, athlete_id: int, manager_id: int | None = None
) -> Select[Permission]:
    """An athlete's permissions, all or those of one manager."""
    policy.require(session, actor, "permission.read", _athlete(session, athlete_id))
    statement = select(Permission).where(Permission.athlete_id == athlete_id)
    if manager_id is not None:
        _manager(session, manager_id)
        statement = statement.where(Permission.manager_id == manager_id)
    return statement.order_by(Permission.id)


def athlete(session: Session, actor: Actor, athlete_id: int) -> User:
    """The athlete, for who may see what they have permitted."""
    found = _athlete(session, athlete_id)
    policy.require(session, actor, "permission.read", found)
    return found


def held(session: Session, actor: Actor, athlete_id: int) -> Select[Any]:
    """As ``listing``, each with the manager who holds it: those that hold now or later first, by
    manager, then by time.
    """
    return (
        listing(session, actor, athlete_id)
        .order_by(None)
        .add_columns(User)
        .join(User, User.id == Permission.manager_id)
        .order_by(
            Permission.expiration_time <= now(),
            User.username,
            Permission.start_time,
            Permission.id,
        )
    )


def get(session: Session, actor: Actor, athlete_id: int, permission_id: int) -> Any:
    """One permission, with the manager who holds it."""
    row = session.execute(
        held(session, actor, athlete_id).where(Permission.id == permission_id)
    ).one_or_none()
    if row is None:
        raise NotFound(f"no permission {permission_id} of this athlete")
    return row


def manager_called(session: Session, called: str) -> int:
    """The manager of this username or number. What looks like a number is one: whoever registers
    with somebody's number as their username gets nothing that was meant for them. Raises BadInput.
    """
    wanted = User.id == int(called) if _NUMBER.fullmatch(called) else User.username == called
    one = select(User.id).where(wanted, User.role == MANAGER, User.deleted.is_(None))
    found = None if "\x00" in called else session.scalar(one)  # PostgreSQL takes none in a text
    if found is None:
        raise BadInput.at("/manager", f"there is no manager {called!r}")
    return found


def shorten(
    session: Session, actor: Actor, athlete_id: int, permission_id: int, expiration_time: int
) -> Permission:
    """Let a permission end earlier. What was recorded before that stays readable."""
    policy.require(session, actor, "permission.change", _athlete(session, athlete_id))
    row = session.get(Permission, permission_id, with_for_update=True)
    if row is None or row.athlete_id != athlete_id:
        raise NotFound(f"no permission {permission_id} of this athlete")
    if not row.start_time < expiration_time < row.expiration_time:
        raise BadInput.at("/expiration_time", "must lie between its start and its present end")
    row.expiration_time = expiration_time
    ended = expiration_time <= now()  # the relay tells of those that end later
    told = events.PERMISSION_EXPIRED if ended else events.PERMISSION_GRANTED
    of_permissions(session, told, [row])
    return row


def revoke(
    session: Session,
    actor: Actor,
    athlete_id: int,
    manager_id: int,
    permission_id: int | None = None,
) -> None:
    """Delete one permission of the pair, or all of them; past access goes with the row."""
    policy.require(session, actor, "permission.change", _athlete(session, athlete_id))
    _manager(session, manager_id)
    which = (Permission.athlete_id == athlete_id) & (Permission.manager_id == manager_id)
    if permission_id is None:
        remove_all(session, which)
    elif not remove_all(session, which & (Permission.id == permission_id)):
        raise NotFound(f"no permission {permission_id} of this athlete for this manager")


def remove_all(session: Session, which: ColumnElement[bool]) -> int:
    """Delete the permissions that ``which`` picks, and tell of each; returns how many."""
    chosen = select(Permission).where(which).order_by(Permission.id).with_for_update()
    rows = session.scalars(chosen).all()
    of_permissions(session, events.PERMISSION_REVOKED, rows)
    for row in rows:
        session.delete(row)
    session.flush()
    return len(rows)


def _athlete(session: Session, athlete_id: int) -> User:
    found = session.get(User, athlete_id)
    if found is None or found.role != ATHLETE:
        raise NotFound(f"no athlete {athlete_id}")
    return found


def _manager(session: Session, manager_id: int) -> User:
    found = session.get(User, manager_id)
    if found is None or found.role != MANAGER:
        raise NotFound(f"no manager {manager_id}")
    return found
