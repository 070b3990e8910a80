"""Events of the change feed: judged by the rules of what they speak of, over what the event
remembers of it.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlalchemy.orm import Session

from core import events
from core.models import Event
from core.policy.actor import Actor
from core.policy.judgement import allowed, clause, grounds_of
from core.policy.rules import RULES

# Event type, else its kind → the actions of which one is enough to see it. What is gone is seen by
# who saw it; a permission by who holds or held it, too; a result by who may read that result.
EVENT_ACTIONS: Mapping[str, tuple[str, ...]] = {
    events.USER: ("event.own",),
    events.ATHLETE: ("athlete.read",),
    events.ATHLETE_DELETED: ("event.told",),
    events.PERMISSION: ("permission.read", "event.own"),
    events.DEVICE: ("device.list",),
    events.DEVICE_DELETED: ("event.told",),
    events.OWNERSHIP: ("ownership.read",),
    events.ACTIVITY: ("activity.read",),
    events.TIMEFRAME: ("timeframe.read",),
    events.TIMEFRAME_DELETED: ("timeframe.read", "computed.read"),
    events.TIMEFRAME_COMPUTED: ("computed.read",),
    events.TIMEFRAME_RESTATED: ("computed.read",),
    events.JOB: ("job.read",),
}


def event_allowed(session: Session, actor: Actor, event: Event, *, now: int | None = None) -> bool:
    """May the actor see this event, in the feed or by webhook? Administrators see every one.
    Asking reads nothing: who hands it out calls ``given``.
    """
    if actor.administers:
        return grounds_of(actor, RULES["event.told"]) is not None
    actions = events.by_type(EVENT_ACTIONS, event.type)
    return any(allowed(session, actor, action, event, now=now) for action in actions)


def event_clause(actor: Actor, *, now: Any = None) -> ColumnElement[bool]:
    """``event_allowed`` as SQL, over Event. ``now`` and the actor's ``user_id`` may be parameters
    of a statement that is made once (core.services.changes).
    """
    if actor.administers:
        return false() if grounds_of(actor, RULES["event.told"]) is None else true()
    alike: dict[tuple[str, ...], list[str]] = {}
    for type in events.TYPES:
        alike.setdefault(events.by_type(EVENT_ACTIONS, type), []).append(type)
    return or_(
        *(
            and_(
                Event.type.in_(types),
                or_(*(clause(actor, action, Event, now=now) for action in actions)),
            )
            for actions, types in alike.items()
        )
    )
