"""What a reader needs from the database: the right to begin, and what it does not have yet."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.channels import LIVE_ACTIVITY, TEAM, Live
from core.clock import now
from core.errors import Forbidden, NotFound
from core.models import Device, SampleTail, TimeFrame, UplinkBatch
from core.models.users import MANAGER
from core.pipeline import blocks, columns, increments, store
from core.pipeline.publish import SERIES
from core.policy import Actor, Samples
from core.services import activities, computed, summaries
from core.sport.registry import Registry

from . import facts
from .messages import Update, snapshot
from .reader import Kind, Known, Reader

MOST_BATCHES = 600  # that are sent again: ten minutes of one a second
MOST_ROWS = 100_000  # and no more samples than these


def begin(
    session: Session, registry: Registry, reader: Reader, after: Mapping[int, int]
) -> dict[int, Known]:
    """What a new reader is given first, by key. Raises NotFound, Forbidden."""
    actor, subject = reader.actor, reader.subject
    if reader.kind is Kind.DEVICE:
        newest = _device(session, actor, subject)
        reader.owned_from = _owned_from(session, actor, subject) or 0
        start = min(after.get(subject, newest), newest)
        missed = batches(session, actor, subject, start) if start < newest else []
        return {subject: Known(start, missed, newest)}
    if reader.kind is Kind.FRAME:
        frames = [_frame(session, actor, reader.channel, subject)]
    else:
        frames = _activity(session, actor, subject)
    found = snapshots(session, registry, frames)
    known = {frame: _since(found.get(frame), after.get(frame, 0)) for frame in frames}
    if reader.kind is Kind.FRAME:
        return known
    # Last: it is given to who is given every frame that it speaks of.
    return {**known, TEAM: _team(session, reader, frames, after.get(TEAM, 0))}


def _team(session: Session, reader: Reader, frames: Iterable[int], last: int) -> Known:
    """The activity's summary, for a reader who wants it and may follow these time frames."""
    if reader.team_shape is None:
        return Known(-1, [], -1)
    found = summaries.live(session, reader.subject, set(frames))
    if found is None:
        return Known(-1, [], -1)
    revision, document = found
    told = {key: value for key, value in document.items() if key not in SERIES}
    return _since(snapshot(TEAM, revision, told), last)


def missing(
    session: Session, registry: Registry, readers: Iterable[Reader]
) -> dict[tuple[Reader, int], Known]:
    """What readers who missed something are given, by reader and key."""
    held = [(reader, key) for reader in readers for key in list(reader.held)]
    frames = {key for reader, key in held if reader.kind is not Kind.DEVICE}
    found = snapshots(session, registry, frames) if frames else {}
    rows = session.scalars(select(TimeFrame).where(TimeFrame.id.in_(frames))).all()
    for actor in {reader.actor for reader, key in held if reader.kind is Kind.ACTIVITY}:
        theirs = {key for reader, key in held if reader.actor == actor}
        policy.given(session, actor, [row for row in rows if row.id in theirs], "computed")
    known: dict[tuple[Reader, int], Known] = {}
    devices: dict[tuple[Actor, int, int], Known] = {}
    for reader, key in held:
        last = reader.seqs.get(key, 0)
        if reader.kind is not Kind.DEVICE:
            known[reader, key] = _since(found.get(key), last)
            continue
        same = (reader.actor, key, last)
        if same not in devices:
            newest = session.scalars(select(Device.ingest_seq).where(Device.id == key)).one()
            devices[same] = Known(last, batches(session, reader.actor, key, last), newest)
        known[reader, key] = devices[same]
    return known


def _since(found: Update | None, last: int) -> Known:
    if found is None:
        return Known(0, [], 0)
    return Known(min(last, found.seq), [found], found.seq)


def _frame(session: Session, actor: Actor, channel: str, frame_id: int) -> int:
    """Pass who may follow this time frame of the channel's activity."""
    found = session.get(TimeFrame, frame_id)
    if found is None or f"{LIVE_ACTIVITY}{found.activity_id}" != channel:
        raise NotFound(f"this activity has no time frame {frame_id}")
    policy.require(session, actor, facts.STREAM, found)
    return frame_id


def _activity(session: Session, actor: Actor, activity_id: int) -> list[int]:
    """The activity's time frames, for who may follow every one; without any, for its owner."""
    found = activities.existing(session, activity_id)
    if actor.role != MANAGER and not actor.administers:
        raise Forbidden("only managers and administrators follow an activity")
    wanted = select(TimeFrame).where(TimeFrame.activity_id == activity_id).order_by(TimeFrame.id)
    frames = {each.id: each for each in session.scalars(wanted)}
    if not frames:
        policy.require(session, actor, "activity.read", found)
        return []
    may = facts.permitted(session, facts.STREAM, TimeFrame, {actor: set(frames)})
    for each in frames.values():
        if (actor, each.id) not in may:
            policy.require(session, actor, facts.STREAM, each)
    policy.given(session, actor, frames.values(), "computed")
    return list(frames)


def _device(session: Session, actor: Actor, device_id: int) -> int:
    """The device's newest ingest number, for who owns it now. Raises NotFound, Forbidden."""
    found = session.get(Device, device_id)
    if found is None:
        raise NotFound(f"no device {device_id}")
    moment = now()
    policy.require(session, actor, facts.LATEST, Samples(device_id, moment, moment + 1))
    return found.ingest_seq


def _owned_from(session: Session, actor: Actor, device_id: int) -> int | None:
    """When the present right to the device's samples began; None where there is none."""
    moment = now()
    held = policy.windows(session, actor, facts.LATEST, Samples(device_id, moment, moment + 1))
    return next((window.start for window in held if window.contains(moment)), None)


def snapshots(session: Session, registry: Registry, frame_ids: Iterable[int]) -> dict[int, Update]:
    """The stored document of each time frame that has one, without the series that grow with it."""
    return {
        frame_id: snapshot(
            frame_id, revision, {key: v for key, v in document.items() if key not in SERIES}
        )
        for frame_id, (revision, document) in computed.live(session, registry, frame_ids).items()
    }


def batches(session: Session, actor: Actor, device_id: int, after: int) -> list[Update]:
    """What the device brought after a number, in order; of what is more than ``MOST_BATCHES`` or
    ``MOST_ROWS`` only the newest. Files do not count. What was measured before the actor's
    ownership began is another's.
    """
    since = _owned_from(session, actor, device_id)
    if since is None:
        return []
    rows = session.execute(
        select(UplinkBatch.seq, UplinkBatch.t0, UplinkBatch.t1, UplinkBatch.n)
        .where(
            UplinkBatch.device_id == device_id,
            UplinkBatch.seq > after,
            UplinkBatch.t0 >= since,
            ~UplinkBatch.batch.startswith("file-"),
        )
        .order_by(UplinkBatch.seq.desc())
        .limit(MOST_BATCHES)
    ).all()
    wanted: list[Any] = []
    total = 0
    for row in rows:
        total += row.n
        if wanted and total > MOST_ROWS:
            break
        wanted.append(row)
    if not wanted:
        return []
    policy.given(
        session,
        actor,
        [Samples(device_id, min(row.t0 for row in wanted), max(row.t1 for row in wanted) + 1)],
    )
    hot = _hot(session, device_id, wanted[-1].seq)
    found = []
    for row in reversed(wanted):
        samples = hot.get(row.seq)
        if samples is None:  # merged away: what there is at its time
            samples = store.read(session, device_id, "samples", row.t0, row.t1 + 1)
        live = Live(device_id, row.seq, increments.document(samples))
        found.append(Update(live, state=False))
    return found


def _hot(session: Session, device_id: int, first: int) -> Mapping[int, columns.Columns]:
    """The batches that are still as they came, by number: one query for what is newest."""
    parts = session.execute(
        select(SampleTail.seq, SampleTail.data)
        .where(
            SampleTail.device_id == device_id,
            SampleTail.stream == "samples",
            SampleTail.seq >= first,
        )
        .order_by(SampleTail.seq, SampleTail.t0)
    )
    found: dict[int, list[columns.Columns]] = {}
    for seq, data in parts:
        found.setdefault(seq, []).append(blocks.unpack(data))
    return {seq: columns.merge(pieces) for seq, pieces in found.items()}
