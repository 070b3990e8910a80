"""The import job: an uploaded file becomes samples, and for an athlete device, activity, frame.

Everything that the file causes is one commit; results of new frames are folded before the job says
SUCCESS, so that a client which saw it can read them. A file that cannot be decoded ends the job in
FAILURE with the reason; its bytes stay (contract/touchline.md section 4).
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from sqlalchemy.orm import Session

from core.clock import now, to_iso
from core.errors import BadInput, TouchlineError
from core.models import Activity, Job, UploadedFile, User
from core.models.db import Database
from core.models.outbox import settle
from core.models.users import MANAGER
from core.models.work import FAILURE, STARTED, SUCCESS
from core.pipeline import compute, store, writer
from core.pipeline.decode import Decoded, DecodeError, decode
from core.pipeline.decode import Session as RecordedSession
from core.pipeline.objects import ObjectStore
from core.policy import Actor
from core.sport.registry import Registry

from . import activities, devices, jobs, json_schemas, legs, timeframes

Details = dict[str, Any]


def run(
    db: Database,
    registry: Registry,
    objects: ObjectStore,
    job_id: int,
    owed: compute.Owed = None,
    send: compute.Send | None = None,
) -> None:
    """Import the file of one job. Safe to run twice: what is stored already is not stored again."""
    started = db.write(lambda session: _begin(session, job_id, owed))
    if started is None:
        return
    key, arguments, details = started
    try:
        if details["start"] is None:  # else an earlier attempt stored it and did not end
            decoded = _decoded(objects.get(key), arguments)
            streams = {"samples": decoded.columns} if len(decoded.columns["t"]) else {}
            streams |= decoded.streams
            whole = writer.WholeFile.of(f"file-{arguments['file']}", streams)
            details = db.write(lambda session: _store(session, registry, job_id, decoded, whole))
    except (DecodeError, TouchlineError) as error:
        reason = _why(error)
        db.write(lambda session: _end(session, job_id, FAILURE, details | reason, owed))
        return
    for frame in details["timeframes"]:
        compute.refold(db, registry, frame, send=send)
    db.write(lambda session: _end(session, job_id, SUCCESS, details, owed))


def _decoded(file: bytes, arguments: Mapping[str, Any]) -> Decoded:
    day = arguments.get("date")
    return decode(
        file,
        date=date.fromisoformat(day) if day else None,
        timezone=arguments.get("timezone") or "UTC",
    )


def _why(error: DecodeError | TouchlineError) -> dict[str, Any]:
    """What the job's details say of a failure."""
    if isinstance(error, DecodeError):
        where = {"offset": error.offset, "decoded": error.decoded}
        return {"reason": error.reason, "detail": error.detail, **where}
    return {"reason": error.code, "detail": error.detail, "errors": error.errors}


def record_failure(db: Database, job_id: int, reason: str) -> None:
    """A job that was given up says why."""
    db.write(lambda session: _end(session, job_id, FAILURE, {"reason": reason}, None))


def _begin(
    session: Session, job_id: int, owed: compute.Owed
) -> tuple[str, dict[str, Any], Details] | None:
    job = session.get(Job, job_id, with_for_update=True)
    if job is None or job.state in (SUCCESS, FAILURE):
        if owed:
            settle(session, *owed)
        return None
    jobs.turn(session, job, STARTED, job.details)
    file = session.get_one(UploadedFile, job.arguments["file"])
    return file.sha256, job.arguments, job.details


def _end(session: Session, job_id: int, state: str, details: Details, owed: compute.Owed) -> None:
    job = session.get(Job, job_id, with_for_update=True)
    if job is not None:
        jobs.turn(session, job, state, {**job.details, **details})
        file = session.get(UploadedFile, job.arguments["file"])
        if file is not None:
            file.format = details.get("format", file.format)
            file.reason = details.get("reason")
    if owed:
        settle(session, *owed)


def _store(
    session: Session, registry: Registry, job_id: int, decoded: Decoded, whole: writer.WholeFile
) -> Details:
    """Everything that a decoded file causes, in one commit, the job's account of it included."""
    job = session.get_one(Job, job_id, with_for_update=True)
    arguments = job.arguments
    start, end = decoded.start, decoded.stop + 1  # half-open: the last sample is inside
    activity: int | None = None
    frames: list[int] = []
    if arguments.get("athlete") is None:
        device_id: int = arguments["device"]
    else:
        device_id = devices.for_file(
            session, arguments["owner"], arguments["athlete"], decoded.serial
        ).id
        activity, frames = _activity(session, registry, arguments, decoded, device_id)
    writer.accept_file(session, device_id, whole, now())
    found = store.ranges(session, device_id, start, end)
    job.details = job.details | {
        "format": decoded.format,
        "device": device_id,
        "start": to_iso(start),
        "end": to_iso(end),
        "ranges": [{"start": r.start, "stop": r.stop, "size": r.size} for r in found],
        "activity": activity,
        "timeframes": frames,
        "sessions": [_told(session) for session in decoded.sessions],
        "repairs": decoded.repairs,
    }
    return job.details


def _told(session: RecordedSession) -> Details:
    """What the recorder says of a session; its own sums, beside which ours can be laid."""
    told = asdict(session)
    start, stop = told.pop("start"), told.pop("stop")
    return {"sport": told.pop("sport"), "start": to_iso(start), "end": to_iso(stop), **told}


def _activity(
    session: Session,
    registry: Registry,
    arguments: Mapping[str, Any],
    decoded: Decoded,
    device_id: int,
) -> tuple[int, list[int]]:
    """The activity (the one that was named, else a new one) and its new time frames: one, or one
    for each leg of a triathlon.
    """
    owner = session.get_one(User, arguments["owner"])
    actor = Actor(
        user_id=owner.id, role=MANAGER, extra_permissions=frozenset(owner.extra_permissions)
    )
    activity = (
        _new_activity(session, registry, actor, arguments, decoded)
        if arguments.get("activity") is None
        else activities.get(session, actor, arguments["activity"])
    )
    sport = activity.json_schema.sport
    schema = json_schemas.latest(session, sport, json_schemas.TIMEFRAME)
    if schema is None:
        raise BadInput.at("/sport", f"no time frame schema of sport {sport!r}")
    frames = [
        timeframes.create(
            session,
            actor,
            timeframes.Draft(
                start_time=part.start,
                end_time=part.end,
                params=part.params,
                device=device_id,
                activity=activity.id,
                athlete=arguments["athlete"],
                owner=owner.id,
                json_schema=schema.id,
            ),
        )
        for part in legs.parts(registry, registry.sport(sport), decoded)
    ]
    return activity.id, [frame.id for frame in frames]


def _new_activity(
    session: Session,
    registry: Registry,
    actor: Actor,
    arguments: Mapping[str, Any],
    decoded: Decoded,
) -> Activity:
    sport = arguments.get("sport") or decoded.sport
    if sport is None or sport not in registry.sports:
        said = f"the file says {sport!r}" if sport else "the file does not say"
        raise BadInput.at("/sport", f"name the sport: {said}, and no such sport is enabled here")
    schema = json_schemas.latest(session, sport, json_schemas.ACTIVITY)
    if schema is None:
        raise BadInput.at("/sport", f"no activity schema of sport {sport!r}")
    file = session.get_one(UploadedFile, arguments["file"])
    return activities.create(
        session,
        actor,
        name=file.name,
        json={"sport": sport, **legs.recorded(registry.sport(sport), decoded.sessions)},
        json_schema=schema.id,
        owner=arguments["owner"],
    )
