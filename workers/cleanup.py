"""The event log keeps ``KEEP_DAYS``: what is older goes, a little in each commit.

The relay does it, once an hour and when it starts. Nothing has to be owed for that: what is too old
stays too old, so that a relay which was away finds it. ``event_log.kept_from`` moves in the commit
of the deletion, and a cursor from before it is told so (core.services.changes).
"""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core.clock import now
from core.models import Event, EventAudience, EventLog

KEEP_DAYS = 400
DAY = 86_400_000
BATCH = 500  # events deleted in one commit


def forget(session: Session) -> int:
    """Delete the oldest events that are too old; returns how many, 0 when there are none left."""
    log = session.get_one(EventLog, 1, with_for_update=True, populate_existing=True)
    oldest = session.execute(
        select(Event.sequence, Event.created)
        .where(Event.sequence >= log.kept_from)
        .order_by(Event.sequence)
        .limit(BATCH)
    ).all()
    until = now() - KEEP_DAYS * DAY
    gone = 0
    for _, created in oldest:
        if created >= until:
            break  # and whatever follows stays: the feed has no holes
        gone += 1
    if gone:
        log.kept_from += gone
        session.execute(delete(EventAudience).where(EventAudience.sequence < log.kept_from))
        session.execute(delete(Event).where(Event.sequence < log.kept_from))
    return gone
