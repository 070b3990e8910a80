"""What a computation needs to know of its time frames, read in a fixed number of statements."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    exists,
    func,
    select,
)
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


class State(NamedTuple):
    """Where a frame's fold stands: core.models.ComputeState, without what only readers of the
    document need.
    """

    edition: int
    revision: int
    seq: int
    last_t: int | None
    last: dict[str, Any] | None
    checkpoint_at: int | None
    dirty: bool
    computed_at: int | None
    refolded_at: int | None
    closed: bool
    arrival: dict[str, Any]
    failures: int
    error: str | None


@dataclass(frozen=True)
class Frame:
    """A time frame with everything its fold depends on. ``valid`` are the athlete's parameters that
    were valid at its start. ``stored`` is the current edition's digest and parameter fingerprint,
    None before the first. ``news`` counts the batches that are not
    accounted for yet, or all that touch the frame where ``news_is_all``. What is JSON may be shared
    by frames and is not to be changed.
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
    state: State
    stored: tuple[str, str] | None
    news: News | None
    news_is_all: bool


def of_activity(session: Session, activity_id: int) -> list[Frame]:
    """The frames of an activity in the order of their ids; ``news`` of each counts batches after
    its cursor.
    """
    return _load(session, _OF_ACTIVITY, activity_id, anew=False)


def of_frame(session: Session, timeframe_id: int) -> list[Frame]:
    """One frame, [] where there is none; ``news`` counts all batches that touch it."""
    return _load(session, _OF_FRAME, timeframe_id, anew=True)


def _load(session: Session, asked: "_Statements", of: int, *, anew: bool) -> list[Frame]:
    session.flush()  # what follows goes past the session's objects
    connection, which = session.connection(), {"which": of}
    rows = connection.execute(asked.frames, which).all()
    activities = {row.activity_id for row in rows}
    given = {row.id: row.json for row in connection.execute(_GIVEN, {"ids": list(activities)})}
    news = _news(session, asked, which, anew=anew)
    stored = {
        frame: (digest, mark) for frame, digest, mark in connection.execute(asked.stored, which)
    }
    valid: dict[int, dict[str, float | None]] = {}
    for frame, name, value in connection.execute(asked.valid, which):
        valid.setdefault(frame, {})[name] = value
    return [
        Frame(
            id=row.id,
            start=row.start_time,
            end=row.end_time,
            params=_json(row.params),
            device_id=row.device_id,
            activity_id=row.activity_id,
            athlete_id=row.athlete_id,
            activity_json=_json(given[row.activity_id]),
            sport=row.sport,
            profile=person(row if row.profile else None),
            valid=valid.get(row.id, {}),
            age=age(row if row.profile else None, row.start_time),
            ingest_seq=row.ingest_seq,
            offset_ms=offset(orjson.loads(row.clock_offsets)),
            state=_state(row),
            stored=stored.get(row.id),
            news=news.get(row.id),
            news_is_all=anew,
        )
        for row in rows
    ]


@lru_cache(2048)
def _json(text: str) -> Any:
    """What a client gave, which is mostly what it was a second ago."""
    return json.loads(text)


def _state(row: Row) -> State:
    state: Any = State(*row[-len(_STATE) :])
    last = None if state.last is None else orjson.loads(state.last)
    return state._replace(last=last, arrival=orjson.loads(state.arrival))


def _news(
    session: Session, asked: "_Statements", which: Mapping[str, int], *, anew: bool
) -> dict[int, News]:
    rows = session.connection().execute(asked.all_news if anew else asked.news, which).all()
    # A frame that is folded anew reads all of its streams whole.
    spanning = [] if anew else [frame for frame, _, spans, *_ in rows if spans]
    first = _first_times(session, spanning) if spanning else {}
    found = {}
    for frame, t0, _, batches, late, repeats in rows:
        times = first.get(frame, {}) | ({} if t0 is None else {SAMPLES: t0})
        found[frame] = News(times, batches, int(late), int(repeats))
    return found


def _of_batches(after: Any, *what: Any) -> Select:
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
    )


def _first_times(session: Session, ids: Collection[int]) -> dict[int, dict[str, int]]:
    """By frame and stream (all but the samples), the first time inside the frame's news."""
    rows = session.execute(
        _of_batches(
            ComputeState.seq, TimeFrame.start_time, TimeFrame.end_time, UplinkBatch.spans
        ).where(TimeFrame.id.in_(ids), UplinkBatch.spans.is_not(None))
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


def person(profile: Any) -> dict[str, Any]:
    """What metrics may use of a profile (or of a row with its columns)."""
    if profile is None:
        return {}
    return {"weight": profile.weight, "height": profile.height, "sex": profile.gender}


def age(profile: Any, at: int) -> float | None:
    """Whole years at the start of the frame."""
    if profile is None or not profile.birth_date:
        return None
    born = date.fromisoformat(profile.birth_date)
    day = datetime.fromtimestamp(at / 1000, UTC).date()
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


class _Statements(NamedTuple):
    """What is asked of the frames of one ``which``: made once, because to put statements together
    and objects from their rows takes longer than a database to answer. JSON is asked for as text:
    what reads the same needs no second reading.
    """

    frames: Select
    news: Select
    all_news: Select
    stored: Select
    valid: Select


_STATE = [
    cast(column, Text).label(name) if name in ("last", "arrival") else column.label(f"state_{name}")
    for name in State._fields
    for column in [getattr(ComputeState, name)]
]
_GIVEN = select(Activity.id, cast(Activity.json, Text).label("json")).where(
    Activity.id.in_(bindparam("ids", expanding=True))
)


def _statements(of: Any) -> _Statements:
    which = of == bindparam("which", type_=BigInteger)
    frames = (
        select(
            TimeFrame.id,
            TimeFrame.start_time,
            TimeFrame.end_time,
            cast(TimeFrame.params, Text).label("params"),
            TimeFrame.device_id,
            TimeFrame.activity_id,
            TimeFrame.athlete_id,
            JsonSchema.sport,
            AthleteProfile.id.label("profile"),
            AthleteProfile.weight,
            AthleteProfile.height,
            AthleteProfile.gender,
            AthleteProfile.birth_date,
            Device.ingest_seq,
            cast(Device.clock_offsets, Text).label("clock_offsets"),
            *_STATE,
        )
        .join(Activity, Activity.id == TimeFrame.activity_id)
        .join(JsonSchema, JsonSchema.id == Activity.json_schema_id)
        .join(Device, Device.id == TimeFrame.device_id)
        .join(ComputeState, ComputeState.timeframe_id == TimeFrame.id)
        .outerjoin(AthleteProfile, AthleteProfile.user_id == TimeFrame.athlete_id)
        .where(which)
        .order_by(TimeFrame.id)
    )
    counted = (
        func.min(UplinkBatch.samples_t0),
        func.count(UplinkBatch.spans),
        func.count(),
        func.sum(UplinkBatch.late),
        func.sum(UplinkBatch.repeats),
    )
    news, all_news = (
        _of_batches(after, *counted).where(which).group_by(TimeFrame.id)
        for after in (ComputeState.seq, 0)
    )
    stored = (
        select(ComputedData.timeframe_id, ComputedData.digest, ComputedData.fingerprint)
        .join(ComputeState, ComputeState.timeframe_id == ComputedData.timeframe_id)
        .join(TimeFrame, TimeFrame.id == ComputedData.timeframe_id)
        .where(which, ComputedData.edition == ComputeState.edition)
    )
    return _Statements(frames, news, all_news, stored, _valid(which))


def _valid(which: ColumnElement[bool]) -> Select:
    """What was valid at each frame's start, by name."""
    later = aliased(AthleteParameter)
    begun = AthleteParameter.valid_from <= TimeFrame.start_time
    superseded = exists().where(
        later.athlete_id == AthleteParameter.athlete_id,
        later.name == AthleteParameter.name,
        later.valid_from > AthleteParameter.valid_from,
        later.valid_from <= TimeFrame.start_time,
    )
    return (
        select(TimeFrame.id, AthleteParameter.name, AthleteParameter.value)
        .join(AthleteParameter, AthleteParameter.athlete_id == TimeFrame.athlete_id)
        .where(which, begun, ~superseded.correlate_except(later))
    )


_OF_ACTIVITY, _OF_FRAME = _statements(TimeFrame.activity_id), _statements(TimeFrame.id)
