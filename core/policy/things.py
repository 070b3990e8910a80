"""What is asked about: rows, spans that are no rows, and what rules call the parts of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.models import (
    Activity,
    Device,
    DeviceOwnership,
    Event,
    Job,
    JsonSchema,
    Permission,
    Team,
    TimeFrame,
    User,
    Webhook,
)


@dataclass(frozen=True)
class Samples:
    """The samples of a device over ``[start, stop)``: a thing that is no row."""

    device_id: int
    start: int
    stop: int


@dataclass(frozen=True)
class Stretch:
    """What is known of an athlete over ``[start, stop)``: a thing that is no row."""

    athlete_id: int
    start: int
    stop: int


# What each kind of thing calls the parts that rules speak of.
FIELDS: Mapping[type, Mapping[str, str]] = {
    User: {"account": "id", "athlete": "id", "manager": "managed_by_id"},
    Activity: {"owner": "owner_id"},
    TimeFrame: {
        "owner": "owner_id",
        "athlete": "athlete_id",
        "device": "device_id",
        "start": "start_time",
        "stop": "end_time",
    },
    Device: {"device": "id"},
    DeviceOwnership: {
        "owner": "manager_id",
        "device": "device_id",
        "start": "start_time",
        "stop": "end_time",
    },
    Permission: {"athlete": "athlete_id", "start": "start_time", "stop": "expiration_time"},
    Job: {"owner": "submitter_id"},
    Team: {"owner": "owner_id"},
    Webhook: {"owner": "owner_id"},
    Samples: {"device": "device_id", "start": "start", "stop": "stop"},
    Stretch: {"account": "athlete_id", "athlete": "athlete_id", "start": "start", "stop": "stop"},
    JsonSchema: {},
    Event: {
        "owner": "owner_id",
        "account": "athlete_id",
        "athlete": "athlete_id",
        "manager": "manager_id",
        "device": "device_id",
        "start": "start_time",
        "stop": "end_time",
    },
}


def part_of(kind: type, thing: Any, part: str) -> Any:
    """The ``part`` of a thing, or of its class: then a column."""
    return getattr(thing, FIELDS[kind][part])
