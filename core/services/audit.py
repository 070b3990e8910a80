"""The audit log: what administrators change, stored in the commit of the change itself."""

from typing import Any

from sqlalchemy import Select, inspect, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.models import AuditEvent, Base, User
from core.policy import Actor

COMMAND_LINE = "command line"
_SECRETS = ("_hash", "secret", "_sealed")


def snapshot(row: Base) -> dict[str, Any]:
    """A row's columns, without secrets and their hashes."""
    columns = inspect(type(row)).column_attrs
    return {
        column.key: getattr(row, column.key)
        for column in columns
        if not column.key.endswith(_SECRETS)
    }


def record(
    session: Session,
    actor: Actor,
    action: str,
    row: Any,
    before: dict[str, Any] | None = None,
    *,
    secret: bool = False,
) -> None:
    """Write down what has become of a row. ``before``: its snapshot of earlier, None where it is
    new; where nothing changed, nothing is written, unless what changed is ``secret``.
    """
    session.flush()
    after = snapshot(row)
    if before is not None:
        changed = {name for name, value in after.items() if before.get(name) != value}
        if not changed and not secret:
            return
        before, after = ({name: side[name] for name in sorted(changed)} for side in (before, after))
    user = None if actor.user_id is None else session.get(User, actor.user_id)
    session.add(
        AuditEvent(
            time=now(),
            actor_id=actor.user_id,
            actor=COMMAND_LINE if user is None else user.username,
            action=action,
            kind=action.partition(".")[0],
            target_id=row.id,
            before=before,
            after=after,
        )
    )


def kinds(session: Session, actor: Actor) -> list[str]:
    """The kinds of things that were ever changed, by name."""
    policy.require_administration_reader(actor)
    return list(session.scalars(select(AuditEvent.kind).distinct().order_by(AuditEvent.kind)))


def listing(actor: Actor) -> Select[AuditEvent]:
    """Every change, for administrators."""
    policy.require_administration_reader(actor)
    return select(AuditEvent)
