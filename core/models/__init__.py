"""Tables, one file per noun; ``db`` holds the engine and the unit of work."""

from .activities import Activity, JsonSchema, TimeFrame
from .base import Base
from .computed import ComputedData, ComputeState
from .devices import Device, DeviceOwnership
from .oauth import OAuthClient, OAuthToken
from .samples import SampleBlock, SampleTail, UplinkBatch, UploadedFile
from .users import AthleteProfile, ManagerProfile, Permission, User
from .work import Job, Outbox

__all__ = [
    "Activity",
    "AthleteProfile",
    "Base",
    "ComputeState",
    "ComputedData",
    "Device",
    "DeviceOwnership",
    "Job",
    "JsonSchema",
    "ManagerProfile",
    "OAuthClient",
    "OAuthToken",
    "Outbox",
    "Permission",
    "SampleBlock",
    "SampleTail",
    "TimeFrame",
    "UplinkBatch",
    "UploadedFile",
    "User",
]
