"""Accounts as administrators keep them: every role, extra permissions, disabling."""

from collections.abc import Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import BadInput, NotFound
from core.models import User
from core.models.announcements import changes, of_user
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER, ROLES
from core.policy import Actor

from . import addresses, audit, mails, passwords, users


def listing(actor: Actor) -> Select[User]:
    policy.require_administration_reader(actor)
    return select(User)


def get(session: Session, actor: Actor, user_id: int) -> User:
    policy.require_administration_reader(actor)
    user = _existing(session, user_id)
    policy.given(session, actor, [user])
    return user


def create(
    session: Session,
    actor: Actor,
    *,
    role: str,
    username: str,
    email: str,
    external_id: str | None = None,
    password: str | None = None,
    password_hash: str | None = None,
) -> User:
    """An account of any role. An administrator's needs a password; others may go without, as in
    open registration. Raises BadInput at ``/username`` where it is taken.
    """
    policy.require_administrator(actor)
    if role == ADMINISTRATOR:
        if password is None:
            raise BadInput.at("/password", "an administrator needs one")
        user = users.create_administrator(session, username, email, password)
        user.external_id = external_id
    else:
        register = {MANAGER: users.register_manager, ATHLETE: users.register_athlete}[role]
        user = register(
            session,
            username=username,
            email=email,
            external_id=external_id,
            password_hash=password_hash,
        )
    audit.record(session, actor, "user.create", user)
    return user


def change(
    session: Session,
    actor: Actor,
    user_id: int,
    *,
    extra_permissions: Sequence[str] | None = None,
    disabled: bool | None = None,
    email: str | None = None,
) -> User:
    """Give or take extra permissions; disable or enable; set the address, which counts at once.
    Disabling ends every login and token at once.

    Raises BadInput for permissions of another role than manager, for disabling oneself, and for the
    address of an account that has none: a managed or a deleted one.
    """
    policy.require_administrator(actor)
    user = _existing(session, user_id)
    before = audit.snapshot(user)
    if email is not None:
        if user.managed_by_id is not None or user.deleted is not None:
            raise BadInput.at("/email", "this account has no address")
        addresses.put(session, user, email)
    if extra_permissions is not None:
        if extra_permissions and user.role != MANAGER:
            raise BadInput.at("/extra_permissions", "only managers have them")
        user.extra_permissions = sorted(set(extra_permissions))
    if disabled is not None:
        if disabled and user.id == actor.user_id:
            raise BadInput.at("/disabled", "nobody disables themselves")
        user.disabled = disabled
    of_user(session, "updated", user, changes(user))
    if disabled:
        passwords.end_logins(session, user.id, now())
    audit.record(session, actor, "user.change", user, before)
    return user


def mail_link(session: Session, actor: Actor, user_id: int) -> None:
    """Mail a one-time link to set a new password. Nobody but who reads that mail learns it.

    Raises BadInput for an account that has no address, or to which nobody may log in.
    """
    policy.require_administrator(actor)
    user = _existing(session, user_id)
    if user.email is None or user.deleted is not None:
        raise BadInput("this account has no address to write to")
    if user.disabled:
        raise BadInput("this account is disabled: enable it first")
    mails.reset(session, user)
    audit.record(session, actor, "user.mail_link", user, audit.snapshot(user), secret=True)


def counts(session: Session, actor: Actor) -> dict[str, int]:
    """How many accounts there are, by role; deleted ones are none."""
    policy.require_administration_reader(actor)
    rows = session.execute(
        select(User.role, func.count()).where(User.deleted.is_(None)).group_by(User.role)
    )
    return {**dict.fromkeys(ROLES, 0), **dict(rows.all())}


def named(session: Session, username: str) -> int:
    """The id behind a username, for the command line."""
    found = session.scalar(select(User.id).where(User.username == username))
    if found is None:
        raise NotFound(f"no user {username!r}")
    return found


def _existing(session: Session, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound(f"no user {user_id}")
    return user
