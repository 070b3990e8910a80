"""What hangs on the role alone."""

from core.errors import Forbidden
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy.actor import DEVICE, Actor
from core.policy.judgement import grounds_of
from core.policy.rules import RULES


def is_itself(actor: Actor, device_id: int) -> bool:
    """The device behind its own uplink token, which passes ``device.uplink`` without a look at the
    database: its token was found in its row.
    """
    return actor.role == DEVICE and actor.device_id == device_id


def require_role(actor: Actor, *roles: str) -> None:
    """For what hangs on the role alone and changes something."""
    role = ADMINISTRATOR if actor.administers else actor.role
    if role not in roles or "all" not in actor.scopes:
        raise Forbidden(f"this needs the role {' or '.join(roles)} and the scope all")


def require_manager(actor: Actor) -> None:
    require_role(actor, MANAGER)


def require_administrator(actor: Actor) -> None:
    require_role(actor, ADMINISTRATOR)


def require_schema_reader(actor: Actor) -> None:
    """Managers and administrators read every JSON schema."""
    if grounds_of(actor, RULES["schema.read"]) is None:
        raise Forbidden("only managers and administrators read JSON schemas")


def require_administration_reader(actor: Actor) -> None:
    """Administrators see every account, client, device and change."""
    if grounds_of(actor, RULES["administration.read"]) is None:
        raise Forbidden("only administrators see this")
