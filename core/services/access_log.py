"""Who read an athlete's data: rows that core.policy noted and Database.read stored."""

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import policy
from core.errors import NotFound
from core.models import AccessEvent, User
from core.models.users import ATHLETE
from core.policy import Actor


def listing(session: Session, actor: Actor, athlete_id: int) -> Select[AccessEvent]:
    """The reads of one athlete's data by others, newest first: for the athlete, for who manages
    them, and for administrators.
    """
    athlete = session.get(User, athlete_id)
    if athlete is None or athlete.role != ATHLETE:
        raise NotFound(f"no athlete {athlete_id}")
    policy.require(session, actor, "access_log.read", athlete)
    return select(AccessEvent).where(AccessEvent.athlete_id == athlete_id)
