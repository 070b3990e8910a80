"""Deleting an athlete: at once nobody can log in as them or read them; a job removes the rest.

What goes at once, in the commit of the request: the profile, permissions, tokens, links, sessions
and every other row of a table whose reference to the account says ON DELETE CASCADE (so a new table
of personal data is covered by how it is declared), and the account's name, address and password.
What the job removes: time frames with their results, the file devices that were made for them with
all samples, uploaded files with their bytes, import jobs and the activities made by those imports.
What stays, and why: docs/api/accounts.md.
"""

from collections.abc import Iterator
from uuid import uuid4

from sqlalchemy import Column, Select, delete, exists, select, update
from sqlalchemy.orm import Session

from core import events, policy
from core.clock import now
from core.errors import NotFound
from core.models import (
    Activity,
    Base,
    Device,
    DeviceOwnership,
    Event,
    Job,
    Outbox,
    Permission,
    TimeFrame,
    UploadedFile,
    User,
)
from core.models.announcements import of_activity, of_device, of_job, of_ownership, of_user
from core.models.db import Database
from core.models.devices import FILE_DEVICE
from core.models.outbox import DELETE, owe, postpone, settle
from core.models.users import ATHLETE
from core.models.work import FAILURE, STARTED, SUCCESS
from core.pipeline.objects import ObjectStore
from core.policy import Actor

from . import devices, jobs, permissions, timeframes

DELETE_KIND = "delete"
BATCH = 100  # time frames deleted in one commit
HOUR = 3_600_000
QUIET = 600_000  # ms for which nobody may have put the same bytes before they are removed

Owed = tuple[int, int] | None


def remove_own(session: Session, actor: Actor, athlete_id: int) -> None:
    """An athlete deletes themselves."""
    _begin(session, actor, athlete_id, "athlete.delete")


def remove_managed(session: Session, actor: Actor, athlete_id: int) -> None:
    """A manager deletes an athlete whom they manage."""
    _begin(session, actor, athlete_id, "athlete.delete_managed")


def run(db: Database, objects: ObjectStore, athlete_id: int, owed: Owed = None) -> None:
    """The job. Safe to run twice, and to be cut off anywhere."""
    counts = {"timeframes": 0, "devices": 0, "files": 0}
    while removed := db.write(lambda session: _remove_frames(session, athlete_id)):
        counts["timeframes"] += removed
    counts["devices"] = db.write(lambda session: _remove_devices(session, athlete_id))
    waits = False
    for file_id in db.read(lambda session: list(session.scalars(_files(athlete_id)))):
        if _remove_file(db, objects, file_id):
            counts["files"] += 1
        else:
            waits = True

    def end(session: Session) -> None:
        # Once more: something may have been added while the account was on its way out.
        _forget(session, athlete_id)
        job = session.scalar(_job(athlete_id))
        if job is not None:
            done = {name: job.details.get(name, 0) + n for name, n in counts.items()}
            state = STARTED if waits else SUCCESS
            jobs.turn(session, job, state, {"athlete": athlete_id, **done})
        if owed and waits:
            postpone(session, owed[0], now() + QUIET)
        elif owed:
            settle(session, *owed)

    db.write(end)


def record_failure(db: Database, athlete_id: int, reason: str) -> None:
    """The job says why it did not come to its end; an hour later it is tried again, for ever."""

    def end(session: Session) -> None:
        job = session.scalar(_job(athlete_id))
        if job is not None:
            jobs.turn(session, job, FAILURE, {**job.details, "reason": reason})
        # Owed anew, so that the worker which gives up finds that its debt is not the newest.
        owe(session, DELETE, athlete_id)
        mine = (Outbox.topic == DELETE, Outbox.key == str(athlete_id))
        session.execute(update(Outbox).where(*mine).values(due=now() + HOUR))

    db.write(end)


def erase_rows(session: Session, user_id: int) -> None:
    """Do by hand what the tables say should happen were the account's row deleted: it stays."""
    for column, rule in references():
        if rule == "CASCADE":
            session.execute(delete(column.table).where(column == user_id))
        elif rule == "SET NULL":
            session.execute(update(column.table).where(column == user_id).values({column: None}))


def references() -> Iterator[tuple[Column, str | None]]:
    """Every column that refers to an account, and its ON DELETE; children before parents."""
    for table in reversed(Base.metadata.sorted_tables):
        for column in table.columns:
            for key in column.foreign_keys:
                if key.column.table is User.__table__:
                    yield column, key.ondelete


def _begin(session: Session, actor: Actor, athlete_id: int, rule: str) -> None:
    athlete = session.get(User, athlete_id, with_for_update={"of": User})
    if athlete is None or athlete.role != ATHLETE or athlete.deleted is not None:
        raise NotFound(f"no athlete {athlete_id}")
    policy.require(session, actor, rule, athlete)
    of_user(session, "deleted", athlete)
    athlete.athlete_profile = None
    session.flush()
    _forget(session, athlete_id)
    athlete.username = f"DELETED-{uuid4()}"
    athlete.email = athlete.external_id = athlete.password_hash = athlete.managed_by_id = None
    athlete.is_default_athlete, athlete.extra_permissions = False, []
    athlete.deleted = now()
    jobs.submit(session, actor, DELETE_KIND, {"athlete": athlete_id}, {"athlete": athlete_id})
    owe(session, DELETE, athlete_id)


def _forget(session: Session, athlete_id: int) -> None:
    """The rows that go at once. What events say of the athlete goes too; that they happened stays,
    or the sequence would have gaps.
    """
    permissions.remove_all(session, Permission.athlete_id == athlete_id)
    told_of = update(Event).where(Event.athlete_id == athlete_id)
    session.execute(told_of.where(Event.kind != events.PERMISSION).values(data={}))
    erase_rows(session, athlete_id)


def _job(athlete_id: int) -> Select[Job]:
    about = Job.arguments["athlete"].as_integer() == athlete_id
    return select(Job).where(Job.kind == DELETE_KIND, about).order_by(Job.id.desc()).limit(1)


def _remove_frames(session: Session, athlete_id: int) -> int:
    """Up to ``BATCH`` frames with their results; the folds are locked first, as everywhere."""
    ids = select(TimeFrame.id).where(TimeFrame.athlete_id == athlete_id).order_by(TimeFrame.id)
    some = list(session.scalars(ids.limit(BATCH)))
    return timeframes.remove_all(session, TimeFrame.id.in_(some))


def _remove_devices(session: Session, athlete_id: int) -> int:
    """The file devices made for this athlete, with ownerships and samples. One on which a manager
    has set up frames of somebody else stays until those are gone."""
    used = exists().where(TimeFrame.device_id == Device.id)
    found = session.scalars(
        select(Device).where(
            Device.device_type == FILE_DEVICE,
            Device.device_name.like(devices.file_device_name("%", athlete_id)),
            ~used,
        )
    ).all()
    for device in found:
        owned = select(DeviceOwnership).where(DeviceOwnership.device_id == device.id)
        of_device(session, events.DEVICE_DELETED, device)
        for ownership in session.scalars(owned.order_by(DeviceOwnership.id)).all():
            of_ownership(session, events.OWNERSHIP_DELETED, ownership)
        session.execute(
            update(UploadedFile).where(UploadedFile.device_id == device.id).values(device_id=None)
        )
        session.delete(device)
    return len(found)


def _files(athlete_id: int) -> Select[int]:
    return select(UploadedFile.id).where(UploadedFile.athlete_id == athlete_id)


def _remove_file(db: Database, objects: ObjectStore, file_id: int) -> bool:
    """False: its bytes were put again a moment ago, perhaps by somebody whose row is not there yet.

    The bytes go first and the row last, so that a deletion which is cut off finds them again.
    """

    def others(session: Session) -> tuple[str, bool]:
        sha256 = session.get_one(UploadedFile, file_id).sha256
        same = exists().where(UploadedFile.sha256 == sha256, UploadedFile.id != file_id)
        return sha256, bool(session.scalar(select(same)))

    sha256, shared = db.read(others)
    if not shared and not objects.remove(sha256, quiet=QUIET):
        return False
    db.write(lambda session: _remove_import(session, file_id))
    return True


def _remove_import(session: Session, file_id: int) -> None:
    """An upload's row, its job, and the activity that its import made if nothing is left of it."""
    imports = session.scalars(
        select(Job).where(Job.kind == "import", Job.arguments["file"].as_integer() == file_id)
    ).all()
    for job in imports:
        made = job.details.get("activity") if job.arguments.get("activity") is None else None
        if made is not None:
            _remove_empty(session, made)
        of_job(session, events.JOB_DELETED, job)
        session.delete(job)
    session.execute(delete(UploadedFile).where(UploadedFile.id == file_id))


def _remove_empty(session: Session, activity_id: int) -> None:
    """An activity without time frames goes; nobody adds one while it is locked."""
    activity = session.get(Activity, activity_id, with_for_update={"of": Activity})
    filled = select(exists().where(TimeFrame.activity_id == activity_id))
    if activity is not None and not session.scalar(filled):
        of_activity(session, events.ACTIVITY_DELETED, activity)
        session.execute(delete(Activity).where(Activity.id == activity_id))
