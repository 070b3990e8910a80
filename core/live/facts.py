"""What the database says of all readers of a process, in a handful of statements: who may still
read, and how far what they read has come.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, Select, bindparam, literal_column, or_, select, union_all
from sqlalchemy.orm import Session

from core import policy
from core.auth import tokens
from core.clock import now
from core.models import Activity, ComputeState, Device, TimeFrame
from core.policy import Actor, Samples

from .reader import Group, Kind, Reader

STREAM, LATEST = "computed.stream", "samples.latest"
_ACTORS = 100  # in one statement: SQLite joins 500 at most

Permitted = set[tuple[Actor, int]]


@dataclass
class Facts:
    """``frames`` by activity; ``revisions`` by time frame, ``numbers`` by device."""

    bearers: set[str]
    frames: dict[int, set[int]] = field(default_factory=dict)
    activities: set[int] = field(default_factory=set)
    may_frames: Permitted = field(default_factory=set)
    may_devices: Permitted = field(default_factory=set)
    revisions: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def number(self, kind: Kind, key: int) -> int:
        """How far a key has come, as far as is known."""
        return (self.numbers if kind is Kind.DEVICE else self.revisions).get(key, 0)


def gather(session: Session, groups: Iterable[Group]) -> Facts:
    """The facts about these groups of readers."""
    subjects: dict[Kind, set[int]] = {kind: set() for kind in Kind}
    actors: dict[Kind, dict[Actor, set[int]]] = {kind: {} for kind in Kind}
    bearers = set()
    for group in groups:
        subjects[group.kind].add(group.subject)
        actors[group.kind].setdefault(group.actor, set()).add(group.subject)
        bearers.add(group.token)
    facts = Facts(tokens.still_good(session, bearers))
    connection = session.connection()  # rows, not objects: this runs every second
    single, whole = subjects[Kind.FRAME], subjects[Kind.ACTIVITY]
    if single or whole:
        found = connection.execute(_FRAMES, {"frames": list(single), "activities": list(whole)})
        for frame, activity, revision in found:
            facts.frames.setdefault(activity, set()).add(frame)
            facts.revisions[frame] = revision or 0
        asked = actors[Kind.FRAME]
        for actor, activities in actors[Kind.ACTIVITY].items():
            frames = (facts.frames.get(activity, set()) for activity in activities)
            asked.setdefault(actor, set()).update(*frames)
        facts.may_frames = permitted(session, STREAM, TimeFrame, asked)
    if whole:
        facts.activities = set(connection.scalars(_ACTIVITIES, {"activities": list(whole)}))
    if devices := subjects[Kind.DEVICE]:
        facts.may_devices = permitted(session, LATEST, Device, actors[Kind.DEVICE])
        counters = connection.execute(_DEVICES, {"devices": list(devices)})
        facts.numbers = {row.id: row.ingest_seq for row in counters}
    return facts


def permitted(session: Session, action: str, kind: Any, asked: dict[Actor, set[int]]) -> Permitted:
    """Which of the things that each actor asks for they may have now."""
    found: Permitted = set()
    everybody = [(actor, list(things)) for actor, things in asked.items() if things]
    for start in range(0, len(everybody), _ACTORS):
        group = everybody[start : start + _ACTORS]
        statement = _permitted(action, kind, tuple(actor for actor, _ in group))
        values: dict[str, Any] = {f"things{n}": things for n, (_, things) in enumerate(group)}
        rows = session.connection().execute(statement, {**values, "now": now()})
        found.update((group[number][0], thing) for number, thing in rows)
    return found


@lru_cache(256)
def _permitted(action: str, kind: Any, actors: tuple[Actor, ...]) -> Any:
    """Kept, because to put the rule's clauses together takes longer than to answer them."""
    moment: Any = bindparam("now", type_=BigInteger)
    parts: list[Select[Any]] = [
        select(literal_column(str(number)), kind.id).where(
            kind.id.in_(bindparam(f"things{number}", expanding=True)),
            policy.clause(actor, action, kind, now=moment),
        )
        for number, actor in enumerate(actors)
    ]
    return parts[0] if len(parts) == 1 else union_all(*parts)


_FRAMES = (
    select(TimeFrame.id, TimeFrame.activity_id, ComputeState.revision)
    .outerjoin(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
    .where(
        or_(
            TimeFrame.id.in_(bindparam("frames", expanding=True)),
            TimeFrame.activity_id.in_(bindparam("activities", expanding=True)),
        )
    )
)
_ACTIVITIES = select(Activity.id).where(Activity.id.in_(bindparam("activities", expanding=True)))
_DEVICES = select(Device.id, Device.ingest_seq).where(
    Device.id.in_(bindparam("devices", expanding=True))
)


def log(session: Session, readers: Iterable[Reader], span: int) -> None:
    """Note for the access log who was given what within the last ``span`` ms; a row an hour is what
    becomes of it.
    """
    frames: dict[Actor, set[int]] = {}
    moment = now()
    for reader in readers:
        if not reader.took:
            continue
        reader.took = False
        if reader.kind is Kind.DEVICE:
            samples = Samples(reader.subject, moment - span, moment + 1)
            policy.given(session, reader.actor, [samples])
        else:
            frames.setdefault(reader.actor, set()).update(reader.seqs)
    wanted = select(TimeFrame).where(TimeFrame.id.in_(set().union(*frames.values())))
    found = {frame.id: frame for frame in session.scalars(wanted)} if frames else {}
    for actor, ids in frames.items():
        policy.given(session, actor, [found[id] for id in ids if id in found], "computed")
