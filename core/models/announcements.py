"""Saying what happened to a row: one function a noun, which knows what the event must hold.

Each is called in the commit of the change, after it (before it where the row goes), with the row
locked or new. ``data`` names ids, times, states and changed fields, never a person or a measured
value: who wants those reads the resource, under its own rule. The exception is
``timeframe.restated``.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from core import events
from core.clock import now, to_iso

from .activities import Activity, TimeFrame
from .base import Base
from .devices import Device, DeviceOwnership
from .events import announce
from .users import ATHLETE, Permission, User
from .work import Job


def changes(row: Base) -> set[str]:
    """What was set to another value since the row was last written, as the API names it."""
    return {
        attribute.key.removesuffix("_id")
        for attribute in inspect(row).attrs
        if attribute.history.has_changes()
    }


def of_user(session: Session, verb: str, user: User, changed: Collection[str] = ()) -> None:
    """``verb``: created, updated, or deleted, which is told before their permissions go. An update
    of nothing is none.
    """
    if verb == "updated" and not changed:
        return
    data: dict[str, Any] = {"changed": sorted(changed)} if verb == "updated" else {}
    if user.role != ATHLETE:
        announce(session, f"{events.USER}.{verb}", user.id, data, owner_id=user.id)
        return
    told = []
    if verb == "deleted":
        holders = select(Permission.manager_id).where(
            Permission.athlete_id == user.id, Permission.permission == "READ"
        )
        told = sorted(set(session.scalars(holders)))
    announce(
        session,
        f"{events.ATHLETE}.{verb}",
        user.id,
        data,
        athlete_id=user.id,
        manager_id=user.managed_by_id,
        told=told,
    )


def of_permissions(session: Session, type: str, rows: Iterable[Permission]) -> None:
    for row in rows:
        managed_by = session.scalar(select(User.managed_by_id).where(User.id == row.athlete_id))
        announce(
            session,
            type,
            row.id,
            {
                "athlete": row.athlete_id,
                "manager": row.manager_id,
                "permission": row.permission,
                "start_time": to_iso(row.start_time),
                "expiration_time": to_iso(row.expiration_time),
            },
            owner_id=row.manager_id,
            athlete_id=row.athlete_id,
            manager_id=managed_by,
            start_time=row.start_time,
            end_time=row.expiration_time,
        )


def of_device(session: Session, type: str, device: Device, changed: Collection[str] = ()) -> None:
    """An update of nothing is none. A deletion is told before the ownerships go."""
    if type == events.DEVICE_UPDATED and not changed:
        return
    told = []
    if type == events.DEVICE_DELETED:
        owners = select(DeviceOwnership.manager_id).where(
            DeviceOwnership.device_id == device.id,
            DeviceOwnership.start_time <= now(),
            DeviceOwnership.end_time > now(),
        )
        told = list(session.scalars(owners))
    data = {"changed": sorted(changed)} if type == events.DEVICE_UPDATED else {}
    announce(session, type, device.id, data, device_id=device.id, told=told)


def of_ownership(session: Session, type: str, row: DeviceOwnership) -> None:
    announce(
        session,
        type,
        row.id,
        {
            "device": row.device_id,
            "manager": row.manager_id,
            "start_time": to_iso(row.start_time),
            "end_time": to_iso(row.end_time),
        },
        owner_id=row.manager_id,
        device_id=row.device_id,
        start_time=row.start_time,
        end_time=row.end_time,
    )


def of_activity(
    session: Session, type: str, activity: Activity, changed: Collection[str] = ()
) -> None:
    """An update of nothing is none."""
    if type == events.ACTIVITY_UPDATED and not changed:
        return
    data = {"changed": sorted(changed)} if type == events.ACTIVITY_UPDATED else {}
    announce(session, type, activity.id, data, activity_id=activity.id, owner_id=activity.owner_id)


def of_timeframe(
    session: Session,
    type: str,
    frame: TimeFrame,
    revision: int,
    data: Mapping[str, Any],
) -> None:
    """``revision``: of the frame's fold, as it will stand."""
    announce(
        session,
        type,
        frame.id,
        data,
        revision=revision,
        activity_id=frame.activity_id,
        timeframe_id=frame.id,
        owner_id=frame.owner_id,
        athlete_id=frame.athlete_id,
        device_id=frame.device_id,
        start_time=frame.start_time,
        end_time=frame.end_time,
    )


def about(frame: TimeFrame) -> dict[str, Any]:
    """What a frame is, in an event's ``data``."""
    return {
        "athlete": frame.athlete_id,
        "device": frame.device_id,
        "start_time": to_iso(frame.start_time),
        "end_time": to_iso(frame.end_time),
    }


def of_job(session: Session, type: str, job: Job) -> None:
    announce(
        session,
        type,
        job.id,
        {"job_id": job.job_id, "kind": job.kind, "state": job.state},
        owner_id=job.submitter_id,
    )
