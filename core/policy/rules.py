"""The rule book: the table of contract/insiders.md section 7 with the additions of
contract/touchline.md section 10.
"""

from collections.abc import Mapping

from core.models.users import ADMINISTRATOR, ATHLETE, CAN_CREATE_MANAGED_ATHLETES, MANAGER
from core.policy.actor import DEVICE
from core.policy.grounds import (
    MANAGED,
    MANAGES,
    OWN_ATHLETE,
    OWN_FRAMES,
    OWNER,
    OWNS_DEVICE,
    READ,
    SELF,
    SHARE,
    WRITE,
    Holds,
    Is,
    Told,
)
from core.policy.reads import PARAMETERS, PROFILE, SAMPLES, TIMEFRAMES
from core.policy.rule import Grounds, Rule


def _read(
    grounds: Grounds, *, now: bool = False, interval: bool = False, logs: str | None = None
) -> Rule:
    """Administrators may read what anyone may read."""
    return Rule({ADMINISTRATOR: (), **grounds}, now=now, interval=interval, reads=True, logs=logs)


RULES: Mapping[str, Rule] = {
    "manager.read": _read({MANAGER: (SELF,)}, now=True),
    "manager.change": Rule({MANAGER: (SELF,)}, now=True),
    "athlete.read": _read({MANAGER: (READ,), ATHLETE: (SELF,)}, now=True, logs=PROFILE),
    "athlete.change": Rule({ATHLETE: (SELF,)}, now=True),
    "athlete.upload": Rule({MANAGER: (WRITE,), ATHLETE: (SELF,)}, now=True),
    # The thing is the manager who will manage.
    "athlete.create_managed": Rule({MANAGER: (SELF, Holds(CAN_CREATE_MANAGED_ATHLETES))}, now=True),
    # The thing is the athlete.
    "athlete.change_managed": Rule(
        {MANAGER: (MANAGED, Holds(CAN_CREATE_MANAGED_ATHLETES))}, now=True
    ),
    "athlete.delete": Rule({ATHLETE: (SELF,)}, now=True),
    "athlete.delete_managed": Rule({MANAGER: (MANAGED,)}, now=True),
    "athlete.export": _read({ATHLETE: (SELF,), MANAGER: (MANAGED,)}, now=True, logs="export"),
    "parameter.read": _read({MANAGER: (READ,), ATHLETE: (SELF,)}, now=True, logs=PARAMETERS),
    # The thing is the stretch of the past that the parameter is valid for, the present at least.
    "parameter.change": Rule({MANAGER: (WRITE,), ATHLETE: (SELF,)}, now=True, interval=True),
    "permission.read": _read({ATHLETE: (SELF,), MANAGER: (MANAGES,)}, now=True, logs="permissions"),
    "access_log.read": _read({ATHLETE: (SELF,), MANAGER: (MANAGES,)}, now=True),
    "permission.change": Rule({ATHLETE: (SELF,), MANAGER: (MANAGES,)}, now=True),
    # The thing is the READ permission that a holder of SHARE is about to give.
    "permission.share": Rule({MANAGER: (SHARE,)}, now=True, interval=True),
    "activity.read": _read({MANAGER: (OWNER,)}, now=True),
    "activity.change": Rule({MANAGER: (OWNER,)}, now=True),
    # Of a webhook by itself: its activity may be gone.
    "webhook.read": _read({MANAGER: (OWNER,)}, now=True),
    "webhook.change": Rule({MANAGER: (OWNER,)}, now=True),
    "timeframe.read": _read(
        {MANAGER: (OWNER,), ATHLETE: (OWN_ATHLETE,)}, now=True, logs=TIMEFRAMES
    ),
    "timeframe.delete": Rule({MANAGER: (OWNER,)}, now=True),
    # Creating and changing: judged on the frame as it will be.
    "timeframe.change": Rule({MANAGER: (OWNER, WRITE, OWNS_DEVICE)}, interval=True),
    "computed.read": _read(
        {MANAGER: (READ,), ATHLETE: (OWN_ATHLETE,)}, interval=True, logs="computed"
    ),
    "computed.stream": _read({MANAGER: (READ,)}, now=True, logs="computed"),
    "samples.read": _read(
        {MANAGER: (OWNS_DEVICE,), ATHLETE: (OWN_FRAMES,)}, interval=True, logs=SAMPLES
    ),
    "samples.latest": _read({MANAGER: (OWNS_DEVICE,)}, now=True, logs=SAMPLES),
    # The thing is a frame: where its samples are on the field of its activity.
    "samples.place": Rule({MANAGER: (OWNER,)}, now=True, reads=True),
    # The thing is the device, here and below.
    "device.uplink": Rule(
        {
            MANAGER: (OWNS_DEVICE,),
            DEVICE: (Is("device", "an uplink token serves its own device only", "device_id"),),
        },
        now=True,
    ),
    "device.list": _read({MANAGER: (OWNS_DEVICE,)}),
    "device.read": _read({MANAGER: (OWNS_DEVICE,)}, now=True),
    "device.change": Rule({MANAGER: (OWNS_DEVICE,)}, now=True),
    "ownership.read": _read({MANAGER: (OWNER,)}),
    "schema.read": _read({MANAGER: ()}, now=True),
    "administration.read": Rule({ADMINISTRATOR: ()}, now=True, reads=True),
    "team.read": _read({MANAGER: (OWNER,)}, now=True),
    "team.change": Rule({MANAGER: (OWNER,)}, now=True),
    # The thing is an event, here and below: of one's own account, permission held or account.
    "event.own": _read({MANAGER: (OWNER,), ATHLETE: (OWNER,)}, now=True),
    "event.told": _read({MANAGER: (Told(),), ATHLETE: (Told(),)}, now=True),
    "job.read": Rule(
        {MANAGER: (OWNER,), ATHLETE: (OWNER,), ADMINISTRATOR: (OWNER,)},
        now=True,
        reads=True,
        hidden=True,
    ),
}
