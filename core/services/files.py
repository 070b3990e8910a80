"""Uploaded files: kept as they came, and an import owed for each.

Who uploads for a device owns it now; who uploads for an athlete has WRITE on them now, or is the
athlete. The bytes come back to the uploader, to the device's owner now, and to the athlete
(contract/touchline.md section 4). The rights over the recorded interval itself are checked by the
import, which alone knows it.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import BadInput, Forbidden, NotFound
from core.models import Activity, Job, UploadedFile, User
from core.models.outbox import IMPORT, owe
from core.models.users import ATHLETE
from core.policy import Actor
from core.sport.errors import UnknownSport
from core.sport.registry import Registry

from . import devices, jobs

IMPORT_KIND = "import"
MAX_NAME = 255


def check_date(text: str | None) -> str | None:
    """The day of a recording, YYYY-MM-DD. Raises BadInput at ``/date``."""
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadInput.at("/date", "must be a day as YYYY-MM-DD") from None
    if day.isoformat() != text:
        raise BadInput.at("/date", "must be a day as YYYY-MM-DD")
    return text


def check_timezone(name: str | None) -> str:
    """An IANA time zone name, default UTC. Raises BadInput at ``/timezone``."""
    if name is None:
        return "UTC"
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, LookupError):  # unknown, malformed, a folder of the database
        raise BadInput.at(
            "/timezone", "must be an IANA time zone, for example Europe/Zurich"
        ) from None


def add_for_device(
    session: Session,
    actor: Actor,
    device_id: int,
    stored: Mapping[str, Any],
    *,
    date: str | None = None,
    timezone: str | None = None,
) -> Job:
    """Record an upload whose samples belong to one device.

    ``stored`` has ``name``, ``sha256`` and ``size`` of bytes that the object store holds already.
    """
    may_add_for_device(session, actor, device_id)
    file = _record(session, actor, stored, device_id=device_id)
    return _import(
        session,
        actor,
        file,
        device=device_id,
        owner=actor.user_id,
        date=check_date(date),
        timezone=check_timezone(timezone),
    )


def may_add_for_device(session: Session, actor: Actor, device_id: int) -> None:
    """Raise unless the actor may upload for the device: asked before its bytes are read."""
    policy.require_manager(actor)
    devices.get(session, actor, device_id)


def add_for_athlete(
    session: Session,
    actor: Actor,
    registry: Registry,
    athlete_id: int,
    stored: Mapping[str, Any],
    *,
    activity: int | None = None,
    sport: str | None = None,
    date: str | None = None,
    timezone: str | None = None,
) -> Job:
    """Record an upload that makes device, activity, time frames and results of an athlete.

    They belong to the manager who uploads, or to the athlete's managing manager when the athlete
    does. Raises BadInput for an unknown sport, activity, day or time zone, Forbidden for another's
    activity.
    """
    owner = may_add_for_athlete(session, actor, athlete_id)
    _check_activity(session, actor, registry, activity, sport)
    file = _record(session, actor, stored, athlete_id=athlete_id)
    return _import(
        session,
        actor,
        file,
        athlete=athlete_id,
        owner=owner,
        activity=activity,
        sport=sport,
        date=check_date(date),
        timezone=check_timezone(timezone),
    )


def may_add_for_athlete(session: Session, actor: Actor, athlete_id: int) -> int:
    """The manager who will own work that the actor imports for an athlete; raises where the actor
    may not, or where there is nobody to own it.
    """
    athlete = session.get(User, athlete_id)
    if athlete is None or athlete.role != ATHLETE:
        raise NotFound(f"no athlete {athlete_id}")
    policy.require(session, actor, "athlete.upload", athlete)
    owner = athlete.managed_by_id if actor.role == ATHLETE else actor.user_id
    if owner is None:
        raise BadInput("nobody manages this athlete, so nobody could own the imported work")
    return owner


def of_device(session: Session, actor: Actor, device_id: int, file_id: int) -> UploadedFile:
    """An upload of a device, for its uploader and the device's owner now."""
    file = session.get(UploadedFile, file_id)
    if file is None or file.device_id != device_id:
        raise NotFound(f"no file {file_id} of device {device_id}")
    if file.uploader_id != actor.user_id:
        devices.get(session, actor, device_id)
    policy.given(session, actor, [file])
    return file


def of_athlete(session: Session, actor: Actor, athlete_id: int, file_id: int) -> UploadedFile:
    """An upload for an athlete, for its uploader and the athlete."""
    file = session.get(UploadedFile, file_id)
    if file is None or file.athlete_id != athlete_id:
        raise NotFound(f"no file {file_id} of athlete {athlete_id}")
    if actor.user_id not in (file.uploader_id, athlete_id) and not actor.administers:
        raise Forbidden("a file is for its uploader and its athlete")
    policy.given(session, actor, [file])
    return file


def _check_activity(
    session: Session, actor: Actor, registry: Registry, activity_id: int | None, sport: str | None
) -> None:
    if sport is not None:
        try:
            registry.sport(sport)
        except UnknownSport:
            raise BadInput.at("/sport", f"no sport {sport!r} here") from None
    if activity_id is None:
        return
    activity = session.get(Activity, activity_id)
    if activity is None:
        raise BadInput.at("/activity", f"no activity {activity_id}")
    if activity.owner_id != actor.user_id:
        raise Forbidden(f"activity {activity_id} is not yours")
    if sport is not None and activity.json_schema.sport != sport:
        raise BadInput.at("/sport", f"the activity is of sport {activity.json_schema.sport}")


def _record(
    session: Session,
    actor: Actor,
    stored: Mapping[str, Any],
    *,
    device_id: int | None = None,
    athlete_id: int | None = None,
) -> UploadedFile:
    file = UploadedFile(
        name=stored["name"][-MAX_NAME:],
        sha256=stored["sha256"],
        size=stored["size"],
        uploader_id=actor.user_id,
        device_id=device_id,
        athlete_id=athlete_id,
        created=now(),
    )
    session.add(file)
    session.flush()
    return file


def _import(session: Session, actor: Actor, file: UploadedFile, **arguments: Any) -> Job:
    details: dict[str, Any] = {
        "file": file.id,
        "device": arguments.get("device"),
        "start": None,
        "end": None,
        "ranges": [],
        "activity": arguments.get("activity"),
        "timeframes": [],
        "repairs": {},
    }
    job = jobs.submit(session, actor, IMPORT_KIND, {"file": file.id, **arguments}, details)
    owe(session, IMPORT, job.id)
    return job
