"""Replays of finished time frames: who may have one, and how many at once."""

import secrets
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import Conflict, Forbidden, NotFound, TooManyRequests
from core.models import Replay, TimeFrame, User
from core.models.outbox import REPLAY, owe
from core.pipeline.pace import BEGIN_WITHIN
from core.policy import Actor

AT_ONCE = 4  # of one user


def create(session: Session, actor: Actor, timeframe_id: int, speed: float) -> Replay:
    """A replay that begins with its first listener; for whoever may read the frame's values.

    Raises Conflict for a frame that has not ended, TooManyRequests beyond ``AT_ONCE``.
    """
    frame = session.get(TimeFrame, timeframe_id)
    if frame is None:
        raise NotFound(f"no time frame {timeframe_id}")
    policy.require(session, actor, "computed.read", frame)
    if frame.end_time > now():
        raise Conflict(f"time frame {timeframe_id} has not ended; its live stream is open")
    # Two requests at once must not both be the fourth.
    session.scalar(select(User.id).where(User.id == actor.user_id).with_for_update())
    running = select(func.count()).where(Replay.user_id == actor.user_id, Replay.done.is_(False))
    if (session.scalar(running) or 0) >= AT_ONCE:
        raise TooManyRequests(f"{AT_ONCE} replays are open; end one by closing its socket")
    # Those that are over serve nobody any more.
    session.execute(delete(Replay).where(Replay.user_id == actor.user_id, Replay.done))
    replay = Replay(
        name=secrets.token_urlsafe(16),
        user_id=actor.user_id,
        timeframe_id=frame.id,
        speed=speed,
        created=now(),
        heard=now(),
    )
    session.add(replay)
    session.flush()
    owe(session, REPLAY, replay.id)
    return replay


def told(replay: Replay) -> dict[str, Any]:
    return {
        "replay": replay.name,
        "timeframe": replay.timeframe_id,
        "speed": replay.speed,
        "path": f"/api/v1/ws/replay/{replay.name}/",
        "begin_before": replay.created + BEGIN_WITHIN,
    }


def follow(session: Session, actor: Actor, name: str) -> Replay:
    """The replay, for the socket of the user who asked for it, while they may read the frame."""
    replay = session.scalar(select(Replay).where(Replay.name == name))
    if replay is None or replay.done:
        raise NotFound("no such replay, or it has ended")
    if replay.user_id != actor.user_id:
        raise Forbidden("the replay of somebody else")
    frame = session.get_one(TimeFrame, replay.timeframe_id)
    policy.require(session, actor, "computed.read", frame)
    return replay
