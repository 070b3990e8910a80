"""The outbox: owe work in the commit that causes it, settle it in the commit that does it."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import case, delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.clock import now

from .work import Outbox

# Topics. The relay knows each one's queue and job (workers/queues.py).
TICK = "tick"  # key: activity id. Advance the frames of one activity that are behind.
REFOLD = "refold"  # key: time frame id. Fold one frame anew.
CLOSE = "close"  # key: time frame id. Fold a frame that has ended for the last time.
SUMMARY = "summary"  # key: activity id. Fold what an activity's time frames come to together.
IMPORT = "import"  # key: job id. Decode and store an uploaded file.
DELETE = "delete"  # key: user id. Remove what is left of a deleted athlete.
MAIL = "mail"  # key: kind-user. Write and send one message (core.services.mails).
DELIVER = "deliver"  # key: webhook id. Send what is due to one webhook.
REPLAY = "replay"  # key: replay id. Tell what a replay has come to (core.pipeline.replay).
MERGE = "merge"  # key: device id. Seal the device's hot tail into blocks.


def owe(
    session: Session,
    topic: str,
    key: object,
    payload: Mapping[str, Any] | None = None,
    *,
    due: int | None = None,
) -> None:
    """Owe ``topic`` for ``key``. Owing what is owed already raises its generation, so that a worker
    in the middle of it comes back once more; the earlier due time stands.
    """
    owe_each(session, topic, [key], payload, due=due)


def owe_each(
    session: Session,
    topic: str,
    keys: Iterable[object],
    payload: Mapping[str, Any] | None = None,
    *,
    due: int | None = None,
) -> None:
    """``owe`` for every key, in one round."""
    moment = now()
    due = moment if due is None else due
    values = [
        {
            "topic": topic,
            "key": str(key),
            "payload": dict(payload or {}),
            "generation": 1,
            "attempts": 0,
            "created": moment,
            "due": due,
            "lease": 0,
        }
        for key in keys
    ]
    if not values:
        return
    session.execute(_UPSERTS[session.get_bind().dialect.name], values)
    session.info["owed"] = True


def _upsert(dialect: Any) -> Any:
    insert = dialect.insert(Outbox.__table__)
    earlier = insert.excluded.due < Outbox.due
    return insert.on_conflict_do_update(
        index_elements=[Outbox.topic, Outbox.key],
        set_={
            "generation": Outbox.generation + 1,
            "payload": insert.excluded.payload,
            "due": case((earlier, insert.excluded.due), else_=Outbox.due),
        },
    )


# Made once: every batch of samples owes.
_UPSERTS = {"sqlite": _upsert(sqlite), "postgresql": _upsert(postgresql)}


def settle(session: Session, row_id: int, generation: int, *, due: int | None = None) -> bool:
    """The work of this generation is done. False: it was owed again meanwhile, and stays owed
    (its lease is given up, so the relay asks again at once, or when it is ``due``).
    """
    done = session.execute(
        delete(Outbox).where(Outbox.id == row_id, Outbox.generation == generation)
    )
    if done.rowcount:  # type: ignore[attr-defined]  # a DELETE always has one
        return True
    again = {"lease": 0, "attempts": 0} | ({} if due is None else {"due": due})
    session.execute(update(Outbox).where(Outbox.id == row_id).values(again))
    session.info["owed"] = True
    return False


def postpone(session: Session, row_id: int, due: int, generation: int | None = None) -> None:
    """The work is still owed, but not before ``due``; at once where it was owed again since this
    ``generation``.
    """
    when = due if generation is None else case((Outbox.generation == generation, due), else_=now())
    session.execute(update(Outbox).where(Outbox.id == row_id).values(due=when, lease=0))
    if generation is not None:
        session.info["owed"] = True
