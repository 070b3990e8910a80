"""Tables, one file per noun; ``db`` holds the engine and the unit of work."""

from .access import AccessEvent, ClientUsage
from .activities import Activity, JsonSchema, TimeFrame
from .audit import AuditEvent
from .base import Base
from .bluetooth import BluetoothConfig
from .computed import ComputeCheckpoint, ComputedData, ComputeState, Recomputation
from .consents import AuthorizationCode, Consent
from .devices import Device, DeviceOwnership
from .events import Event, EventAudience, EventLog, ResourceRevision
from .idempotency import KeptAnswer
from .links import OneTimeLink
from .oauth import OAuthClient, OAuthToken
from .parameters import AthleteParameter
from .replays import Replay
from .samples import SampleBlock, SampleTail, UplinkBatch, UploadedFile
from .second_factor import RecoveryCode, SecondFactor
from .sessions import WebSession
from .summaries import ActivitySummary
from .teams import Team, TeamMember
from .users import AthleteProfile, ManagerProfile, Permission, User
from .webhooks import Delivery, DeliveryAttempt, Webhook
from .work import Job, Outbox

__all__ = [
    "AccessEvent",
    "Activity",
    "ActivitySummary",
    "AthleteParameter",
    "AthleteProfile",
    "AuditEvent",
    "AuthorizationCode",
    "Base",
    "BluetoothConfig",
    "ClientUsage",
    "ComputeCheckpoint",
    "ComputeState",
    "ComputedData",
    "Consent",
    "Delivery",
    "DeliveryAttempt",
    "Device",
    "DeviceOwnership",
    "Event",
    "EventAudience",
    "EventLog",
    "Job",
    "JsonSchema",
    "KeptAnswer",
    "ManagerProfile",
    "OAuthClient",
    "OAuthToken",
    "OneTimeLink",
    "Outbox",
    "Permission",
    "Recomputation",
    "RecoveryCode",
    "Replay",
    "ResourceRevision",
    "SampleBlock",
    "SampleTail",
    "SecondFactor",
    "Team",
    "TeamMember",
    "TimeFrame",
    "UplinkBatch",
    "UploadedFile",
    "User",
    "WebSession",
    "Webhook",
]
