"""Notes for the access log: who reads what of which athlete (core.models.access)."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.models import Event, Permission, TimeFrame, UploadedFile, User
from core.models.access import Read
from core.models.db import READS
from core.models.users import ATHLETE
from core.policy.actor import Actor
from core.policy.things import Samples

# What the access log calls the kinds of an athlete's data.
PROFILE, TIMEFRAMES, SAMPLES, FILES = "profile", "timeframes", "samples", "files"
PARAMETERS = "parameters"
_KINDS = {User: PROFILE, TimeFrame: TIMEFRAMES, UploadedFile: FILES, Samples: SAMPLES}
# What reading an event reads of the athlete, in the access log's words.
_EVENT_WORDS = {
    events.ATHLETE: PROFILE,
    events.PERMISSION: "permissions",
    events.TIMEFRAME: TIMEFRAMES,
    events.TIMEFRAME_COMPUTED: "computed",
    events.TIMEFRAME_RESTATED: "computed",
}


def given(session: Session, actor: Actor, things: Iterable[Any], kind: str | None = None) -> None:
    """Note that the actor reads these things, where they are an athlete's and the athlete is
    somebody else. ``kind``: what the access log calls it, else what it is by itself.
    """
    if actor.user_id is None:
        return
    noted = session.info.setdefault(READS, set())
    for thing in things:
        word = kind or _word(actor, thing)
        if word is not None:
            noted.update(
                Read(athlete, actor.user_id, word, actor.client_id, actor.via)
                for athlete in _athletes(session, thing)
                if athlete != actor.user_id
            )


def _word(actor: Actor, thing: Any) -> str | None:
    if not isinstance(thing, Event):
        return _KINDS.get(type(thing))
    own = thing.kind == events.PERMISSION and thing.owner_id == actor.user_id
    gone = thing.type in (events.ATHLETE_DELETED, events.TIMEFRAME_DELETED)
    return None if own or gone else events.by_type(_EVENT_WORDS, thing.type)


def _athletes(session: Session, thing: Any) -> Iterable[int]:
    """Whose data is it? The samples of a device are of who wore it by a time frame; what a device's
    file holds is not known here, so that it counts as of everybody who ever wore the device.
    """
    if isinstance(thing, User):
        return [thing.id] if thing.role == ATHLETE else []
    if isinstance(thing, UploadedFile) and thing.athlete_id is not None:
        return [thing.athlete_id]
    if isinstance(thing, TimeFrame | Permission):
        return [thing.athlete_id]
    if isinstance(thing, Event):
        return [] if thing.athlete_id is None else [thing.athlete_id]
    wearers = select(TimeFrame.athlete_id).where(TimeFrame.device_id == thing.device_id).distinct()
    if isinstance(thing, Samples):
        wearers = wearers.where(TimeFrame.start_time < thing.stop, thing.start < TimeFrame.end_time)
    return session.scalars(wearers).all()
