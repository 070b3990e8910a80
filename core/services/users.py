"""Accounts: managers, athletes, administrators, and their profiles.

Passwords come in as hashes (core.auth.passwords), since making one takes too long for a write
transaction; only the command line's ``create_administrator`` takes a plain one.
"""

from collections.abc import Mapping
from typing import Any
from unicodedata import category
from uuid import uuid4

from sqlalchemy import Connection, Select, bindparam, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from core import events, policy
from core.auth.passwords import MAX_LENGTH, MIN_LENGTH, hash_password
from core.clock import BEGINNING, from_iso, now
from core.errors import BadInput, Forbidden, NotFound
from core.models import AthleteProfile, ManagerProfile, Permission, User
from core.models.announcements import changes as changed
from core.models.announcements import of_permissions, of_user
from core.models.users import (
    ADMINISTRATOR,
    ATHLETE,
    CAN_CREATE_MANAGED_ATHLETES,
    MANAGER,
    spelled,
)
from core.policy import Actor
from core.sport.registry import registry

from . import addresses, audit, mails, refolds

EXTRA_PERMISSIONS = (CAN_CREATE_MANAGED_ATHLETES,)
MANAGED_PREFIX, DELETED_PREFIX = "MANAGED-", "DELETED-"
# The three permissions that a manager gets on an athlete of theirs (insiders.md section 1.2).
MANAGED_UNTIL = from_iso("2199-12-31T00:00:00Z")


def register_manager(
    session: Session,
    *,
    username: str,
    email: str,
    external_id: str | None = None,
    profile: Mapping[str, Any] | None = None,
    password_hash: str | None = None,
    default_athlete: Mapping[str, Any] | None = None,
) -> User:
    """Open registration. Without a password the account is made, but nobody can log in to it until
    one is set. ``default_athlete``: the profile of the Default Athlete to create along; needs no
    extra permission. Raises BadInput at ``/username`` where it is taken.
    """
    _check_name(username)
    manager = _account(username, MANAGER, email, external_id, password_hash)
    manager.manager_profile = ManagerProfile(**(profile or {}))
    _insert(session, manager)
    mails.welcome(session, manager)
    if default_athlete is not None:
        _managed(session, manager.id, None, default_athlete, is_default_athlete=True)
    return manager


def register_athlete(
    session: Session,
    *,
    username: str,
    email: str,
    external_id: str | None = None,
    profile: Mapping[str, Any] | None = None,
    password_hash: str | None = None,
) -> User:
    """Open registration, as for managers."""
    _check_name(username)
    athlete = _account(username, ATHLETE, email, external_id, password_hash)
    athlete.athlete_profile = AthleteProfile(**(profile or {}))
    _insert(session, athlete)
    mails.welcome(session, athlete)
    return athlete


def create_managed_athlete(
    session: Session,
    actor: Actor,
    *,
    managed_by: int,
    external_id: str | None = None,
    profile: Mapping[str, Any] | None = None,
) -> User:
    """An athlete whom the calling manager keeps, with READ, WRITE and SHARE for that manager."""
    policy.require_manager(actor)
    if managed_by != actor.user_id:
        raise Forbidden("managed_by must be the calling manager")
    manager = session.get_one(User, managed_by)
    policy.require(session, actor, "athlete.create_managed", manager)
    return _managed(session, managed_by, external_id, profile or {})


def create_administrator(session: Session, username: str, email: str, password: str) -> User:
    """For the command line. Raises BadInput for a taken name or a password of the wrong length."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise BadInput.at("/password", f"must have {MIN_LENGTH} to {MAX_LENGTH} characters")
    _check_name(username)
    user = _account(username, ADMINISTRATOR, email, None, hash_password(password))
    _insert(session, user)
    return user


def permit(session: Session, actor: Actor, username: str, name: str) -> User:
    """Give an account an extra permission; giving it twice changes nothing."""
    policy.require_administrator(actor)
    if name not in EXTRA_PERMISSIONS:
        raise BadInput.at("/name", f"must be one of {', '.join(EXTRA_PERMISSIONS)}")
    user = session.scalar(select(User).where(User.username == username))
    if user is None:
        raise NotFound(f"no user {username!r}")
    if user.role != MANAGER:
        raise BadInput.at("/username", f"{username!r} is no manager")
    before = audit.snapshot(user)
    user.extra_permissions = sorted({*user.extra_permissions, name})
    of_user(session, "updated", user, changed(user))
    audit.record(session, actor, "user.change", user, before)
    return user


def _with_profile(profile: type[ManagerProfile | AthleteProfile] | None) -> Select[Any]:
    """One account's columns, and those of its profile as ``profile_…``."""
    wanted = select(User.__table__).where(User.id == bindparam("who"))
    if profile is None:
        return wanted
    columns = [c.label(f"profile_{c.key}") for c in profile.__table__.c if c.key != "user_id"]
    return wanted.add_columns(*columns).outerjoin(profile, profile.user_id == User.id)


_ACCOUNTS = {
    MANAGER: _with_profile(ManagerProfile),
    ATHLETE: _with_profile(AthleteProfile),
    ADMINISTRATOR: _with_profile(None),
}


def account(connection: Connection, actor: Actor) -> dict[str, Any]:
    """The caller's own account. Clients ask for it first and often, so it takes a third of what an
    object would: one statement made once, and its row.
    """
    row = connection.execute(_ACCOUNTS[actor.role], {"who": actor.user_id}).one()
    found = dict(row._mapping)
    profile = {
        name.removeprefix("profile_"): found.pop(name)
        for name in [*found]
        if name.startswith("profile_")
    }
    if profile:
        noun = "manager_profile" if actor.role == MANAGER else "athlete_profile"
        found[noun] = None if profile["id"] is None else profile
    return found


def manager(session: Session, actor: Actor, manager_id: int) -> User:
    found = _of_role(session, manager_id, MANAGER)
    policy.require(session, actor, "manager.read", found)
    return found


def athlete(session: Session, actor: Actor, athlete_id: int) -> User:
    """An athlete, for managers with READ now and for themselves."""
    found = _of_role(session, athlete_id, ATHLETE)
    policy.require(session, actor, "athlete.read", found)
    return found


def manager_by_external_id(session: Session, actor: Actor, external_id: str) -> User:
    return _by_external_id(session, actor, external_id, MANAGER)


def athlete_by_external_id(session: Session, actor: Actor, external_id: str) -> User:
    return _by_external_id(session, actor, external_id, ATHLETE)


def athletes(actor: Actor) -> Select[User]:
    """The athletes whom the actor may read now, joined to their profiles."""
    return (
        select(User)
        .join(AthleteProfile, AthleteProfile.user_id == User.id)
        .where(
            User.role == ATHLETE, User.deleted.is_(None), policy.clause(actor, "athlete.read", User)
        )
    )


def update_manager(
    session: Session, actor: Actor, manager_id: int, changes: Mapping[str, Any]
) -> User:
    """``changes``: username, email, external_id, manager_profile; what is absent stays. A new
    address has to be confirmed first (core.services.addresses).
    """
    found = _of_role(session, manager_id, MANAGER)
    policy.require(session, actor, "manager.change", found)
    return _update(session, found, changes, "manager_profile")


def update_athlete(
    session: Session, actor: Actor, athlete_id: int, changes: Mapping[str, Any]
) -> User:
    """``changes``: username, email, external_id, athlete_profile; what is absent stays. A new
    address has to be confirmed first (core.services.addresses).
    """
    found = _of_role(session, athlete_id, ATHLETE)
    policy.require(session, actor, "athlete.change", found)
    return _update(session, found, changes, "athlete_profile")


def update_managed_athlete(
    session: Session, actor: Actor, athlete_id: int, changes: Mapping[str, Any]
) -> User:
    """``changes``: managed_by (the calling manager), external_id, athlete_profile; what is absent
    stays.
    """
    found = _of_role(session, athlete_id, ATHLETE)
    policy.require(session, actor, "athlete.change_managed", found)
    if changes["managed_by"] != actor.user_id:
        raise Forbidden("managed_by must be the calling manager")
    return _update(session, found, changes, "athlete_profile")


def _account(
    username: str, role: str, email: str | None, external_id: str | None, password_hash: str | None
) -> User:
    return User(
        username=username,
        role=role,
        email=email,
        external_id=external_id,
        password_hash=password_hash,
        extra_permissions=[],
        created=now(),
    )


def _check_name(username: str) -> None:
    """Raises BadInput for a username that somebody else's could be taken for, or a record of ours:
    with characters that nobody sees, with blanks at its ends, or named as what has no login.
    """
    if username != username.strip() or any(_is_unseen(character) for character in username):
        raise BadInput.at("/username", "holds a blank at an end, or a character that is not seen")
    if username.upper().startswith((MANAGED_PREFIX, DELETED_PREFIX)):
        raise BadInput.at("/username", f"must not begin with {MANAGED_PREFIX} or {DELETED_PREFIX}")


def _is_unseen(character: str) -> bool:
    """Controls, formats (joiners, changes of direction), surrogates, every blank but the space."""
    return category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs") and character != " "


def _managed(
    session: Session,
    manager_id: int,
    external_id: str | None,
    profile: Mapping[str, Any],
    *,
    is_default_athlete: bool = False,
) -> User:
    made = _account(f"{MANAGED_PREFIX}{uuid4()}", ATHLETE, None, external_id, None)
    made.managed_by_id, made.is_default_athlete = manager_id, is_default_athlete
    made.athlete_profile = AthleteProfile(**profile)
    _insert(session, made)
    rights = [
        Permission(
            athlete_id=made.id,
            manager_id=manager_id,
            permission=right,
            start_time=BEGINNING,
            expiration_time=MANAGED_UNTIL,
        )
        for right in ("READ", "WRITE", "SHARE")
    ]
    session.add_all(rights)
    session.flush()
    of_permissions(session, events.PERMISSION_GRANTED, rights)
    return made


def _insert(session: Session, user: User) -> None:
    session.add(user)
    _flush_name(session)
    of_user(session, "created", user)


def _flush_name(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:  # the one unique column of an account
        raise BadInput.at("/username", "this username is taken") from error


def _of_role(session: Session, user_id: int, role: str) -> User:
    found = session.get(User, user_id)
    if found is None or found.role != role or found.deleted is not None:
        raise NotFound(f"no {role.lower()} {user_id}")
    return found


def _by_external_id(session: Session, actor: Actor, external_id: str, role: str) -> User:
    """External ids are the callers' own and need not be unique: the oldest account within the
    actor's reach.
    """
    wanted = (User.external_id == external_id, User.role == role)
    within = policy.clause(actor, f"{role.lower()}.read", User)
    found = session.scalars(select(User).where(*wanted, within).order_by(User.id)).first()
    if found is not None:
        policy.given(session, actor, [found])
        return found
    if session.scalar(select(exists().where(*wanted))):
        raise Forbidden(f"the {role.lower()} with this external id is out of your reach")
    raise NotFound(f"no {role.lower()} with this external id")


def _update(session: Session, user: User, changes: Mapping[str, Any], profile: str) -> User:
    own, given = getattr(user, profile), changes.get(profile) or {}
    if user.role == ATHLETE and given:
        # Against a frame of theirs that is just being added (core.services.refolds).
        session.execute(select(User.id).where(User.id == user.id).with_for_update())
    before = refolds.profile_of(own)
    if spelled(changes.get("username", user.username)) != user.username:
        _check_name(changes["username"])
    for name in ("username", "external_id"):
        if name in changes:
            setattr(user, name, changes[name])
    for name, value in given.items():
        setattr(own, name, value)
    told = changed(user) - {profile} | {f"{profile}.{name}" for name in changed(own)}
    _flush_name(session)
    if user.role == ATHLETE:
        refolds.owe_of_profile(session, registry(), user.id, before, refolds.profile_of(own))
    of_user(session, "updated", user, told)
    if changes.get("email"):
        addresses.ask(session, user, changes["email"])
    return user
