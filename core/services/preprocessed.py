"""Preprocessed data: the samples of a device as clients read them. What is found here is fetched
and not opened: decoding needs no session and is done away from the event loop.
"""

from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import BadInput, NotFound
from core.intervals import Window
from core.models import Activity, Device, TimeFrame
from core.pipeline import field, store
from core.pipeline.store import Fetched, Range
from core.policy import Actor, Samples
from core.sport import geometry

DAY = 86_400_000
MAX_RANGES_SPAN = 14 * DAY
MAX_SPAN = 2 * DAY
MAX_LATEST = 300


class Rows(NamedTuple):
    """Samples, and on which fields they are for the caller."""

    samples: Fetched
    stays: list[field.Stay]

    def open(self) -> store.Columns:
        return field.add_positions(self.samples.open(), self.stays)


def latest_timestamp(session: Session, actor: Actor, device_id: int) -> int:
    """The time of the newest sample of an ownership that holds now. Raises NotFound before the
    first.
    """
    newest = _latest(session, actor, device_id, 1)
    # One sample, packed or in one row group: nothing to keep away from the event loop.
    times = newest.times()
    if not len(times):
        raise NotFound(f"device {device_id} has no samples")
    return int(times[0])


def latest(session: Session, actor: Actor, device_id: int, n: int) -> Rows:
    """The newest samples of an ownership that holds now, ``MAX_LATEST`` at most."""
    newest = _latest(session, actor, device_id, min(n, MAX_LATEST))
    return Rows(newest, _stays(session, actor, device_id, newest.start, newest.stop))


def survey(
    session: Session,
    actor: Actor,
    device_id: int,
    start: int | None,
    stop: int | None,
    longest: int,
) -> list[Range | Fetched]:
    """What there is in [start, stop), for ``store.counted``. Raises BadInput for an interval that
    is empty, has no start or stop, or is of more than ``longest`` ms, Forbidden where the right
    does not cover it.
    """
    _existing(session, device_id)
    if start is None or stop is None:
        raise BadInput.at("/start" if start is None else "/stop", "required")
    if start >= stop:
        raise BadInput.at("/start", "must be before stop")
    if stop - start > longest:
        raise BadInput.at("/stop", f"must be {longest // DAY} days after start at most")
    policy.require(session, actor, "samples.read", Samples(device_id, start, stop))
    return store.survey(session, device_id, start, stop)


def page(
    session: Session, actor: Actor, device_id: int, counts: list[Range], offset: int, limit: int
) -> Rows:
    """``limit`` of the samples that a survey of the actor's has counted, from ``offset`` on."""
    found = store.page(session, device_id, counts, offset, limit)
    return Rows(found, _stays(session, actor, device_id, found.start, found.stop))


def _latest(session: Session, actor: Actor, device_id: int, n: int) -> Fetched:
    _existing(session, device_id)
    window = _held_now(session, actor, device_id)
    found = store.latest(session, device_id, n, start=window.start, stop=window.stop)
    policy.given(session, actor, [Samples(device_id, found.start, found.stop)])
    return found


def _held_now(session: Session, actor: Actor, device_id: int) -> Window:
    """The actor's window that holds now: who takes over a device does not take over what it
    measured on others before.
    """
    moment, none_yet = now(), Samples(device_id, 0, 0)
    policy.require(session, actor, "samples.latest", none_yet, now=moment)
    held = policy.windows(session, actor, "samples.latest", none_yet)
    return next(window for window in held if window.contains(moment))


def _existing(session: Session, device_id: int) -> None:
    if session.get(Device, device_id) is None:
        raise NotFound(f"no device {device_id}")


def _stays(
    session: Session, actor: Actor, device_id: int, start: int, stop: int
) -> list[field.Stay]:
    """Where the device was on a field in [start, stop), by the actor's own frames."""
    frames = session.execute(
        select(TimeFrame.start_time, TimeFrame.end_time, Activity.json)
        .join(TimeFrame.activity)
        .where(
            TimeFrame.device_id == device_id,
            TimeFrame.start_time < stop,
            start < TimeFrame.end_time,
            policy.clause(actor, "samples.place", TimeFrame),
        )
        .order_by(TimeFrame.start_time, TimeFrame.id)
    )
    stays = []
    for first, end, document in frames:
        given = geometry.corners_of(document)
        if given is not None:
            stays.append(field.Stay(first, end, geometry.fit(given[1])))
    return stays
