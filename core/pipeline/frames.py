"""What a computation needs to know of its time frames, read in a fixed number of statements."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session, aliased

from core.models import (
    Activity,
    AthleteParameter,
    AthleteProfile,
    ComputeCheckpoint,
    ComputedData,
    ComputeState,
    Device,
    JsonSchema,
    TimeFrame,
    UplinkBatch,
)

from .progress import offset
from .uplink import SAMPLES


@dataclass(frozen=True)
class News:
    """Batches that touch the frame: per stream the first time in them, and sums of their facts of
    arrival.
    """

    t0: Mapping[str, int]
    batches: int
    late: int
    duplicates: int


@dataclass(frozen=True)
class Frame:
    """A time frame with everything its fold depends on. ``valid`` are the athlete's parameters that
    were valid at its start. ``stored`` is the current edition's digest and parameter fingerprint,
    None before the first. ``news`` counts the batches that are not
    accounted for yet, or all that touch the frame where ``news_is_all``.
    """

    id: int
    start: int
    end: int
    params: dict[str, Any]
    device_id: int
    activity_id: int
    athlete_id: int
    activity_json: dict[str, Any]
    sport: str
    profile: dict[str, Any]
    valid: dict[str, float | None]
    age: float | None
    ingest_seq: int
    offset_ms: int | None
    state: ComputeState
    stored: tuple[str, str] | None
    news: News | None
    news_is_all: bool


def load(session: Session, which: ColumnElement[bool], *, anew: bool) -> list[Frame]:
    """The frames that ``which`` (a condition on TimeFrame) picks, in the order of their ids.

    ``news`` of each counts batches after its cursor, with ``anew`` all batches that touch it.
    """
    rows = session.execute(
        select(TimeFrame, Activity.json, JsonSchema.sport, AthleteProfile, Device, ComputeState)
        .join(Activity, Activity.id == TimeFrame.activity_id)
        .join(JsonSchema, JsonSchema.id == Activity.json_schema_id)
        .join(Device, Device.id == TimeFrame.device_id)
        .join(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
        .outerjoin(AthleteProfile, AthleteProfile.user_id == TimeFrame.athlete_id)
        .where(which)
        .order_by(TimeFrame.id)
    ).all()
    ids = [row[0].id for row in rows]
    news, stored = _news(session, ids, anew=anew), _stored(session, ids)
    valid = _valid(session, ids)
    return [
        Frame(
            id=frame.id,
            start=frame.start_time,
            end=frame.end_time,
            params=frame.params,
            device_id=frame.device_id,
            activity_id=frame.activity_id,
            athlete_id=frame.athlete_id,
            activity_json=activity_json,
            sport=sport,
            profile=person(profile),
            valid=valid.get(frame.id, {}),
            age=age(profile, frame.start_time),
            ingest_seq=device.ingest_seq,
            offset_ms=offset(device.clock_offsets),
            state=state,
            stored=stored.get(frame.id),
            news=news.get(frame.id),
            news_is_all=anew,
        )
        for frame, activity_json, sport, profile, device, state in rows
    ]


def _news(session: Session, ids: Collection[int], *, anew: bool) -> dict[int, News]:
    after = 0 if anew else ComputeState.seq
    rows = session.execute(
        _of_batches(
            ids,
            after,
            func.min(UplinkBatch.samples_t0),
            func.count(UplinkBatch.spans),
            func.count(),
            func.sum(UplinkBatch.late),
            func.sum(UplinkBatch.repeats),
        ).group_by(TimeFrame.id)
    ).all()
    # A frame that is folded anew reads all of its streams whole.
    spanning = [] if anew else [frame for frame, _, spans, *_ in rows if spans]
    first = _first_times(session, spanning) if spanning else {}
    found = {}
    for frame, t0, _, batches, late, repeats in rows:
        times = first.get(frame, {}) | ({} if t0 is None else {SAMPLES: t0})
        found[frame] = News(times, batches, int(late), int(repeats))
    return found


def _of_batches(ids: Collection[int], after: Any, *what: Any) -> Select:
    """``what`` of the batches after ``after`` that touch the frames."""
    return (
        select(TimeFrame.id, *what)
        .join(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
        .join(
            UplinkBatch,
            (UplinkBatch.device_id == TimeFrame.device_id)
            & (UplinkBatch.seq > after)
            & (UplinkBatch.t1 >= TimeFrame.start_time)
            & (UplinkBatch.t0 < TimeFrame.end_time),
        )
        .where(TimeFrame.id.in_(ids))
    )


def _first_times(session: Session, ids: Collection[int]) -> dict[int, dict[str, int]]:
    """By frame and stream (all but the samples), the first time inside the frame's news."""
    rows = session.execute(
        _of_batches(
            ids, ComputeState.seq, TimeFrame.start_time, TimeFrame.end_time, UplinkBatch.spans
        ).where(UplinkBatch.spans.is_not(None))
    )
    first: dict[int, dict[str, int]] = {}
    for frame, start, end, spans in rows:
        times = first.setdefault(frame, {})
        for stream, (t0, t1) in spans.items():
            if t1 >= start and t0 < end:
                times[stream] = min(t0, times.get(stream, t0))
    return first


def checkpoint(session: Session, frame: Frame) -> bytes | None:
    """The saved state of a frame's fold."""
    return session.scalar(
        select(ComputeCheckpoint.saved).where(ComputeCheckpoint.timeframe_id == frame.id)
    )


def _stored(session: Session, ids: Collection[int]) -> dict[int, tuple[str, str]]:
    rows = session.execute(
        select(ComputedData.timeframe_id, ComputedData.digest, ComputedData.fingerprint)
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
        .where(ComputedData.timeframe_id.in_(ids), ComputedData.edition == ComputeState.edition)
    )
    return {frame: (digest, fingerprint) for frame, digest, fingerprint in rows}


def _valid(session: Session, ids: Collection[int]) -> dict[int, dict[str, float | None]]:
    """What was valid at each frame's start, by name."""
    later = aliased(AthleteParameter)
    begun = AthleteParameter.valid_from <= TimeFrame.start_time
    superseded = exists().where(
        later.athlete_id == AthleteParameter.athlete_id,
        later.name == AthleteParameter.name,
        later.valid_from > AthleteParameter.valid_from,
        later.valid_from <= TimeFrame.start_time,
    )
    rows = session.execute(
        select(TimeFrame.id, AthleteParameter.name, AthleteParameter.value)
        .join(AthleteParameter, AthleteParameter.athlete_id == TimeFrame.athlete_id)
        .where(TimeFrame.id.in_(ids), begun, ~superseded.correlate_except(later))
    )
    found: dict[int, dict[str, float | None]] = {}
    for frame, name, value in rows:
        found.setdefault(frame, {})[name] = value
    return found


def person(profile: AthleteProfile | None) -> dict[str, Any]:
    """What metrics may use of a profile."""
    if profile is None:
        return {}
    return {"weight": profile.weight, "height": profile.height, "sex": profile.gender}


def age(profile: AthleteProfile | None, at: int) -> float | None:
    """Whole years at the start of the frame."""
    if profile is None or not profile.birth_date:
        return None
    born = date.fromisoformat(profile.birth_date)
    day = datetime.fromtimestamp(at / 1000, UTC).date()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
