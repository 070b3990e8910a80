"""Which time frames a change of facts about an athlete concerns, and owing their folds.

Those whose own values it changes, no others: a frame with a parameter of its own, or of a sport
that does not use it, stays as it is.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.clock import FAR_FUTURE
from core.models import (
    Activity,
    AthleteParameter,
    AthleteProfile,
    ComputeState,
    JsonSchema,
    TimeFrame,
)
from core.models.outbox import REFOLD, owe_each
from core.pipeline.frames import age, person
from core.sport.parameters import resolve_parameters
from core.sport.personal import History
from core.sport.registry import Registry

from . import timeframes

Rows = Sequence[tuple[str, int, float | None]]

CHUNK = 10_000  # ids in one statement: SQLite takes 32,766 parameters at most


class Profile(NamedTuple):
    """What metrics use of an athlete's profile, as it stood at some time."""

    weight: float | None
    height: float | None
    gender: str | None
    birth_date: str | None


@dataclass(frozen=True)
class Facts:
    """What is known of an athlete: ``profile`` is a row of AthleteProfile or stands for one."""

    profile: Any
    history: History


def profile_of(row: AthleteProfile | None) -> Profile:
    return Profile(*(getattr(row, name, None) for name in Profile._fields))


def rows(session: Session, athlete_id: int) -> Rows:
    """What is known of the athlete over time: name, valid from, value."""
    columns = (AthleteParameter.name, AthleteParameter.valid_from, AthleteParameter.value)
    found = session.execute(select(*columns).where(AthleteParameter.athlete_id == athlete_id))
    return [(name, moment, value) for name, moment, value in found]


def owe_of_profile(
    session: Session, registry: Registry, athlete_id: int, before: Profile, after: Profile
) -> None:
    """Owe the folds that a change of the profile concerns: it holds for all times."""
    if before == after:
        return
    history = History(rows(session, athlete_id))
    facts = (Facts(profile, history) for profile in (before, after))
    owe_concerned(session, registry, athlete_id, -FAR_FUTURE, FAR_FUTURE, *facts)


def owe_concerned(
    session: Session,
    registry: Registry,
    athlete_id: int,
    since: int,
    until: int,
    before: Facts,
    after: Facts,
) -> list[int]:
    """Owe a fold of every frame of the athlete that starts in [since, until) and has other values
    ``after`` than ``before``; their ids. What is being computed of them meanwhile is not stored.

    Call it in the commit of the change, with the athlete's account locked.
    """
    concerned = [
        row.id
        for row in _frames(session, athlete_id, since, until)
        if row.sport in registry.sports
        and _fingerprint(registry, row, before) != _fingerprint(registry, row, after)
    ]
    for some in _chunks(concerned):
        timeframes.lock_folds(session, TimeFrame.id.in_(some))
        states = update(ComputeState).where(ComputeState.timeframe_id.in_(some))
        session.execute(states.values(revision=ComputeState.revision + 1))
        owe_each(session, REFOLD, some)
    return concerned


def _frames(session: Session, athlete_id: int, since: int, until: int) -> Collection[Any]:
    return session.execute(
        select(
            TimeFrame.id, TimeFrame.start_time, TimeFrame.params, Activity.json, JsonSchema.sport
        )
        .join(Activity, Activity.id == TimeFrame.activity_id)
        .join(JsonSchema, JsonSchema.id == Activity.json_schema_id)
        .where(
            TimeFrame.athlete_id == athlete_id,
            TimeFrame.start_time >= since,
            TimeFrame.start_time < until,
        )
        .order_by(TimeFrame.id)
    ).all()


def _fingerprint(registry: Registry, frame: Any, facts: Facts) -> str:
    return resolve_parameters(
        registry.of_frame(frame.sport, frame.params),
        frame.json,
        frame.params,
        person(facts.profile),
        facts.history.at(frame.start_time),
        age(facts.profile, frame.start_time),
    ).fingerprint


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    return (ids[i : i + CHUNK] for i in range(0, len(ids), CHUNK))
