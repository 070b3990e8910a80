"""What happens: the names of all events, and the form in which one is told.

An event's type is ``<kind>.<verb>``, its kind the kind of the resource that it is about. The seven
of ``WEBHOOK_TYPES`` are what webhooks can tell; the change feed has every type
(contract/touchline.md sections 8 and 11).
"""

from collections.abc import Mapping
from typing import Any, Protocol

from .clock import to_iso

USER = "user"  # managers and administrators; the id is the account's
ATHLETE = "athlete"  # the id is the account's
PERMISSION = "permission"
DEVICE = "device"
OWNERSHIP = "ownership"
ACTIVITY = "activity"
TIMEFRAME = "timeframe"
JOB = "job"
KINDS = (USER, ATHLETE, PERMISSION, DEVICE, OWNERSHIP, ACTIVITY, TIMEFRAME, JOB)

USER_CREATED, USER_UPDATED = "user.created", "user.updated"
ATHLETE_CREATED, ATHLETE_UPDATED = "athlete.created", "athlete.updated"
ATHLETE_DELETED = "athlete.deleted"
PERMISSION_GRANTED, PERMISSION_REVOKED = "permission.granted", "permission.revoked"
PERMISSION_EXPIRED = "permission.expired"  # by the clock; the row stays
DEVICE_CREATED, DEVICE_UPDATED = "device.created", "device.updated"
DEVICE_DELETED = "device.deleted"
OWNERSHIP_CREATED, OWNERSHIP_UPDATED = "ownership.created", "ownership.updated"
OWNERSHIP_DELETED = "ownership.deleted"
ACTIVITY_CREATED, ACTIVITY_UPDATED = "activity.created", "activity.updated"
ACTIVITY_DELETED = "activity.deleted"
TIMEFRAME_CREATED, TIMEFRAME_UPDATED = "timeframe.created", "timeframe.updated"
TIMEFRAME_DELETED = "timeframe.deleted"
TIMEFRAME_COMPUTED = "timeframe.computed"  # a final or refolded result was stored
TIMEFRAME_RESTATED = "timeframe.restated"  # a closed result moved; ``data`` says what
JOB_CREATED, JOB_UPDATED, JOB_DELETED = "job.created", "job.updated", "job.deleted"

TYPES = (
    USER_CREATED,
    USER_UPDATED,
    ATHLETE_CREATED,
    ATHLETE_UPDATED,
    ATHLETE_DELETED,
    PERMISSION_GRANTED,
    PERMISSION_REVOKED,
    PERMISSION_EXPIRED,
    DEVICE_CREATED,
    DEVICE_UPDATED,
    DEVICE_DELETED,
    OWNERSHIP_CREATED,
    OWNERSHIP_UPDATED,
    OWNERSHIP_DELETED,
    ACTIVITY_CREATED,
    ACTIVITY_UPDATED,
    ACTIVITY_DELETED,
    TIMEFRAME_CREATED,
    TIMEFRAME_UPDATED,
    TIMEFRAME_DELETED,
    TIMEFRAME_COMPUTED,
    TIMEFRAME_RESTATED,
    JOB_CREATED,
    JOB_UPDATED,
    JOB_DELETED,
)
WEBHOOK_TYPES = (
    ACTIVITY_UPDATED,
    ACTIVITY_DELETED,
    TIMEFRAME_CREATED,
    TIMEFRAME_UPDATED,
    TIMEFRAME_DELETED,
    TIMEFRAME_COMPUTED,
    TIMEFRAME_RESTATED,
)


def by_type(table: Mapping[str, Any], type: str) -> Any:
    """What a table says of events of this type, else of their kind; None where it names neither."""
    return table.get(type) or table.get(type.partition(".")[0])


class Announced(Protocol):
    """An event as the database holds it (core.models.events.Event)."""

    id: Any
    sequence: Any
    type: Any
    created: Any
    kind: Any
    resource_id: Any
    activity_id: Any
    timeframe_id: Any
    revision: Any
    data: Any


def payload(event: Announced) -> Mapping[str, Any]:
    """What webhooks send and the feed lists; ``event`` and ``timestamp`` are second names of
    ``type`` and ``created`` (ISO 8601).
    """
    created = to_iso(event.created)
    return {
        "id": event.id,
        "sequence": event.sequence,
        "type": event.type,
        "created": created,
        "activity": event.activity_id,
        "timeframe": event.timeframe_id,
        "resource": {"kind": event.kind, "id": event.resource_id},
        "revision": event.revision,
        "data": event.data,
        "event": event.type,
        "timestamp": created,
    }
