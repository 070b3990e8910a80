"""One event of each sort, about everything that stands in a world."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import events
from core.models import (
    Activity,
    Device,
    DeviceOwnership,
    Job,
    Permission,
    TimeFrame,
    User,
    announcements,
)

MODELS = {
    events.USER: User,
    events.ATHLETE: User,
    events.PERMISSION: Permission,
    events.DEVICE: Device,
    events.OWNERSHIP: DeviceOwnership,
    events.ACTIVITY: Activity,
    events.TIMEFRAME: TimeFrame,
    events.JOB: Job,
}


def of_everything(session: Session) -> None:
    for user in session.scalars(select(User)).unique().all():
        announcements.of_user(session, "created", user)
        if user.role == "ATHLETE":
            announcements.of_user(session, "deleted", user)
    permissions = session.scalars(select(Permission)).all()
    announcements.of_permissions(session, events.PERMISSION_REVOKED, permissions)
    for device in session.scalars(select(Device)).all():
        announcements.of_device(session, events.DEVICE_UPDATED, device, ["custom_name"])
        announcements.of_device(session, events.DEVICE_DELETED, device)
    for ownership in session.scalars(select(DeviceOwnership)).all():
        announcements.of_ownership(session, events.OWNERSHIP_CREATED, ownership)
    for activity in session.scalars(select(Activity)).unique().all():
        announcements.of_activity(session, events.ACTIVITY_DELETED, activity)
    for frame in session.scalars(select(TimeFrame)).all():
        for type in (
            events.TIMEFRAME_CREATED,
            events.TIMEFRAME_DELETED,
            events.TIMEFRAME_COMPUTED,
            events.TIMEFRAME_RESTATED,
        ):
            announcements.of_timeframe(session, type, frame, 1, {})
    for job in session.scalars(select(Job)).all():
        announcements.of_job(session, events.JOB_CREATED, job)
