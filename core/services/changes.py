"""The change feed: the events that an actor may see, in the order of their numbers.

A cursor is a position between two numbers of the one sequence, opaque to clients. It moves past
what its reader may not see, so that a reader who sees little does not look at the same foreign
events again. Who sees little is found by ``event_audience``, never by going through all events.
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, bindparam, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import BadInput, Gone
from core.models import Event, EventAudience, EventLog
from core.policy import Actor

NOW = "now"  # in place of a cursor: the position after the newest event
_FORM = struct.Struct(">BQ")  # the form's version, the last number that was passed
_VERSION = 1


class Changes(NamedTuple):
    """``last``: the number from which to go on."""

    events: Sequence[Event]
    last: int


def cursor(last: int) -> str:
    packed = _FORM.pack(_VERSION, last)
    sealed = packed + struct.pack(">I", zlib.crc32(packed))
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def position(text: str) -> int:
    """What ``cursor`` wrote. Raises BadInput at ``/cursor``."""
    try:
        sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        version, last = _FORM.unpack(sealed[:-4])
        fits = version == _VERSION and cursor(last) == text
    except (binascii.Error, ValueError, struct.error):
        fits = False
    if not fits:
        raise BadInput.at("/cursor", "this is no cursor of this feed")
    return last


def since(session: Session, actor: Actor, after: int | None, limit: int) -> Changes:
    """At most ``limit`` events after the position; None: from the oldest that is kept.

    Raises Gone, with ``resync``, for a position from which events are missing: they are no longer
    kept, or it is of a log that was newer than this one (a backup was restored).
    """
    log = session.get_one(EventLog, 1)
    if after is None:
        after = log.kept_from - 1
    if not log.kept_from - 1 <= after <= log.last:
        raise Gone(
            "events after this cursor are no longer kept: take the cursor in resync, "
            "read the lists you keep a copy of anew, and go on from it",
            resync=cursor(log.last),
        )
    found: Sequence[Event] = ()
    if actor.administers or _concerned(session, actor, after):
        given = {"me": actor.user_id, "moment": now(), "after": after, "most": limit}
        found = session.scalars(_visible(actor.role, actor.scopes), given).all()
        policy.given(session, actor, found)
    return Changes(found, _last(found) if len(found) == limit else log.last)


def _concerned(session: Session, actor: Actor, after: int) -> bool:
    """May there be anything new? Who waits asks this again and again."""
    mine = (EventAudience.user_id == actor.user_id, EventAudience.sequence > after)
    return session.scalar(select(EventAudience.sequence).where(*mine).limit(1)) is not None


@cache
def _visible(role: str, scopes: frozenset[str]) -> Select[Event]:
    """The events that ``:me`` may see at ``:moment``, after ``:after``, ``:most`` at most. Made
    once for each kind of actor: putting the rules together takes longer than asking.
    """
    me: Any = bindparam("me", type_=BigInteger)
    actor = Actor(me, role, scopes=scopes)
    after: Any = bindparam("after", type_=BigInteger)
    seen = policy.event_clause(actor, now=bindparam("moment", type_=BigInteger))
    if actor.administers:
        found = select(Event).where(Event.sequence > after).order_by(Event.sequence)
    else:
        found = (
            select(Event)
            .join(EventAudience, EventAudience.sequence == Event.sequence)
            .where(EventAudience.user_id == me, EventAudience.sequence > after)
            .order_by(EventAudience.sequence)
        )
    return found.where(seen).limit(bindparam("most", type_=BigInteger))


def newest(session: Session) -> int:
    """The position after the newest event."""
    return session.get_one(EventLog, 1).last


def _last(events: Sequence[Event]) -> int:
    last = events[-1].sequence
    assert last is not None, "only numbered events have an audience"
    return last
