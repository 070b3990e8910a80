"""Permissions that end by the clock: no commit says so, the relay does.

``event_log.expired_until`` is how far it has come, in the database, so that a relay which was away
tells of what ended meanwhile.
"""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from core import events
from core.clock import now
from core.models import EventLog, Permission
from core.models.announcements import of_permissions

BATCH = 100  # permissions told of in one commit


def due(session: Session) -> bool:
    """Has a permission ended that was not told of?"""
    log = session.get_one(EventLog, 1)
    ended = (Permission.expiration_time > log.expired_until, Permission.expiration_time <= now())
    return bool(session.scalar(select(exists().where(*ended))))


def tell(session: Session) -> int:
    """Tell of the next ones; returns how many. Whoever comes second waits for the first, and finds
    nothing to do.
    """
    log = session.get_one(EventLog, 1, with_for_update=True, populate_existing=True)
    upto = now()
    ended = (Permission.expiration_time > log.expired_until, Permission.expiration_time <= upto)
    moments = select(Permission.expiration_time).where(*ended).order_by(Permission.expiration_time)
    # Whole moments only: the mark stands between two of them.
    last = session.scalar(moments.offset(BATCH - 1).limit(1))
    log.expired_until = upto if last is None else last
    chosen = select(Permission).where(ended[0], Permission.expiration_time <= log.expired_until)
    rows = session.scalars(chosen.order_by(Permission.expiration_time, Permission.id)).all()
    of_permissions(session, events.PERMISSION_EXPIRED, rows)
    return len(rows)
