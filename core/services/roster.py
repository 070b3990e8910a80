"""Who takes part in an activity, as its live page lists them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.models import Activity, AthleteProfile, TimeFrame, User
from core.policy import Actor

from . import activities


@dataclass(frozen=True)
class Place:
    """One time frame. ``number`` counts an activity's athletes from 1, in the order in which their
    first frames were made. Times in Unix ms.
    """

    timeframe: int
    device: int
    number: int
    name: str
    start: int
    stop: int


def of_activity(session: Session, actor: Actor, activity_id: int) -> tuple[Activity, list[Place]]:
    """The activity and its places by number, for who may read the activity. An athlete whose
    profile the actor may not read now has a number and no name.
    """
    activity = activities.get(session, actor, activity_id)
    frames = session.scalars(
        select(TimeFrame).where(TimeFrame.activity_id == activity.id).order_by(TimeFrame.id)
    ).all()
    policy.given(session, actor, frames)
    numbered = numbers(session, activity.id)
    known = names(session, actor, numbered)
    places = [
        Place(
            frame.id,
            frame.device_id,
            number := numbered[frame.athlete_id],
            known.get(frame.athlete_id, f"Athlete {number}"),
            frame.start_time,
            frame.end_time,
        )
        for frame in frames
    ]
    return activity, sorted(places, key=lambda place: (place.number, place.start))


def numbers(session: Session, activity_id: int) -> dict[int, int]:
    """Athlete → number."""
    athletes = session.scalars(
        select(TimeFrame.athlete_id)
        .where(TimeFrame.activity_id == activity_id)
        .order_by(TimeFrame.id)
    )
    return {athlete: number for number, athlete in enumerate(dict.fromkeys(athletes), 1)}


def names(session: Session, actor: Actor, athletes: Iterable[int]) -> dict[int, str]:
    """The names of those whose profile the actor may read now."""
    rows = session.execute(
        select(User, AthleteProfile.first_name, AthleteProfile.last_name)
        .outerjoin(AthleteProfile, AthleteProfile.user_id == User.id)
        .where(User.id.in_(athletes), policy.clause(actor, "athlete.read", User))
    ).all()
    policy.given(session, actor, [user for user, _, _ in rows])
    return {
        user.id: " ".join(filter(None, (first, last))) or user.username
        for user, first, last in rows
    }
