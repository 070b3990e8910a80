"""A changed address counts once the link that is mailed to it was opened; until then the former one
stands. The former address is told twice: when the change is asked for, and when it counts.

A newer change, a password set by link and an administrator's change each end the one that waits.
Whether somebody else has the address is neither asked nor told.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.models import OneTimeLink, User
from core.models.announcements import of_user
from core.policy import Actor

from . import links, mails

LIFE = 24 * 3_600_000  # of the link that confirms an address


def ask(session: Session, user: User, address: str, *, again: bool = False) -> None:
    """Mail a link to the new address. Nothing happens for the address that counts already, so that
    a record can be sent back as it was read, nor for one that waits, unless it is sent ``again``.
    """
    if address == user.email or (address == waiting(session, user.id) and not again):
        return
    before = session.scalar(
        select(OneTimeLink.created)
        .where(OneTimeLink.user_id == user.id, OneTimeLink.email.is_not(None))
        .order_by(OneTimeLink.created.desc())
        .limit(1)
    )
    link = links.make(session, user.id, LIFE, address)
    due = max(now(), (before or 0) + mails.MINUTE)
    mails.address_asked(session, user, link, due)


def change(session: Session, actor: Actor, address: str) -> None:
    """The caller's own address, asked for on their page: a link that waits is mailed again."""
    ask(session, _own(session, actor), address, again=True)


def confirm(session: Session, secret: str) -> User:
    """Use a link up: its address counts from now on, and all other links of the account end.
    Raises BadInput at ``/token`` for one that is unknown, used, expired or superseded.
    """
    link = links.find(session, secret, confirming=True, lock=True)
    user = session.get_one(User, link.user_id)
    assert link.email is not None
    put(session, user, link.email)
    return user


def of_link(session: Session, secret: str) -> tuple[User, str]:
    """Whose link it is and which address it confirms; it is not used up. Raises as ``confirm``."""
    link = links.find(session, secret, confirming=True)
    return session.get_one(User, link.user_id), str(link.email)


def put(session: Session, user: User, address: str) -> None:
    """The address counts at once. Links mailed to the former one open nothing any more."""
    before, user.email = user.email, address
    links.end(session, user.id)
    if before == address:
        return
    of_user(session, "updated", user, ["email"])
    if before:
        mails.address_changed(session, user, before)


def waiting(session: Session, user_id: int) -> str | None:
    """The address that waits to be confirmed."""
    return session.scalar(
        select(OneTimeLink.email).where(
            OneTimeLink.user_id == user_id,
            OneTimeLink.email.is_not(None),
            OneTimeLink.used.is_(None),
            OneTimeLink.expires > now(),
        )
    )


def give_up(session: Session, actor: Actor) -> None:
    """The caller's own change that waits is no longer wanted."""
    links.end(session, _own(session, actor).id, confirming=True)


def _own(session: Session, actor: Actor) -> User:
    user = session.get_one(User, actor.user_id)
    policy.require(session, actor, f"{user.role.lower()}.change", user)
    return user
