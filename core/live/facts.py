"""What the database says of all readers of a process, in a handful of statements: who may still
read, and how far what they read has come.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, literal, select, union_all
from sqlalchemy.orm import Session

from core import policy
from core.auth import tokens
from core.clock import now
from core.models import Activity, ComputeState, Device, TimeFrame
from core.policy import Actor, Samples

from .reader import Kind, Reader

STREAM, LATEST = "computed.stream", "samples.latest"
_ACTORS = 100  # in one statement: SQLite joins 500 at most
_LOG_SECONDS = 60.0

Permitted = set[tuple[Actor, int]]


@dataclass
class Facts:
    """``frames``: time frame → its activity. ``revisions`` by time frame, ``numbers`` by device."""

    bearers: set[str]
    frames: dict[int, int] = field(default_factory=dict)
    activities: set[int] = field(default_factory=set)
    may_frames: Permitted = field(default_factory=set)
    may_devices: Permitted = field(default_factory=set)
    revisions: dict[int, int] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)

    def number(self, kind: Kind, key: int) -> int:
        """How far a key has come, as far as is known."""
        return (self.numbers if kind is Kind.DEVICE else self.revisions).get(key, 0)

    def frames_of(self, activity: int) -> list[int]:
        return [frame for frame, of in self.frames.items() if of == activity]


def gather(session: Session, readers: Sequence[Reader]) -> Facts:
    """The facts about these readers; what they read is noted for the access log."""
    facts = Facts(tokens.still_good(session, {reader.token for reader in readers}))
    subjects = {kind: {r.subject for r in readers if r.kind is kind} for kind in Kind}
    single, whole = subjects[Kind.FRAME], subjects[Kind.ACTIVITY]
    if single or whole:
        wanted = TimeFrame.id.in_(single) | TimeFrame.activity_id.in_(whole)
        found = session.execute(select(TimeFrame.id, TimeFrame.activity_id).where(wanted))
        facts.frames = {row.id: row.activity_id for row in found}
        existing = select(Activity.id).where(Activity.id.in_(whole))
        facts.activities = set(session.scalars(existing)) if whole else set()
        facts.may_frames = permitted(session, STREAM, TimeFrame, _frames_by_actor(facts, readers))
        states = select(ComputeState.timeframe_id, ComputeState.revision)
        states = states.where(ComputeState.timeframe_id.in_(facts.frames))
        facts.revisions = {row.timeframe_id: row.revision for row in session.execute(states)}
    devices = subjects[Kind.DEVICE]
    if devices:
        asked: dict[Actor, set[int]] = {}
        for reader in readers:
            if reader.kind is Kind.DEVICE:
                asked.setdefault(reader.actor, set()).add(reader.subject)
        facts.may_devices = permitted(session, LATEST, Device, asked)
        counters = select(Device.id, Device.ingest_seq).where(Device.id.in_(devices))
        facts.numbers = {row.id: row.ingest_seq for row in session.execute(counters)}
    _log(session, facts, readers)
    return facts


def permitted(session: Session, action: str, kind: Any, asked: dict[Actor, set[int]]) -> Permitted:
    """Which of the things that each actor asks for they may have now."""
    found: Permitted = set()
    everybody = list(asked.items())
    for start in range(0, len(everybody), _ACTORS):
        group = everybody[start : start + _ACTORS]
        parts: list[Select[Any]] = [
            select(literal(number).label("actor"), kind.id.label("thing")).where(
                kind.id.in_(things), policy.clause(actor, action, kind)
            )
            for number, (actor, things) in enumerate(group)
        ]
        rows = session.execute(parts[0] if len(parts) == 1 else union_all(*parts))
        found.update((group[row.actor][0], row.thing) for row in rows)
    return found


def _frames_by_actor(facts: Facts, readers: Iterable[Reader]) -> dict[Actor, set[int]]:
    of_activity: dict[int, list[int]] = {}
    for frame, activity in facts.frames.items():
        of_activity.setdefault(activity, []).append(frame)
    asked: dict[Actor, set[int]] = {}
    for reader in readers:
        things = asked.setdefault(reader.actor, set())
        if reader.kind is Kind.ACTIVITY:
            things.update(of_activity.get(reader.subject, ()))
        elif reader.kind is Kind.FRAME:
            things.add(reader.subject)
    return {actor: things for actor, things in asked.items() if things}


def _log(session: Session, facts: Facts, readers: Iterable[Reader]) -> None:
    """Whoever is still given something reads; a row an hour is what becomes of it."""
    moment = time.monotonic()
    for reader in readers:
        if not reader.took or moment - reader.logged < _LOG_SECONDS:
            continue
        reader.took, reader.logged = False, moment
        if reader.kind is Kind.DEVICE:
            at = now()
            span = Samples(reader.subject, at - int(_LOG_SECONDS * 1000), at + 1)
            policy.given(session, reader.actor, [span])
        else:
            frames = select(TimeFrame).where(TimeFrame.id.in_(reader.seqs.keys()))
            policy.given(session, reader.actor, session.scalars(frames), "computed")
