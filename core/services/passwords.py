"""Passwords: changed by their holder, or set by who has the one-time link that was mailed.

Setting a password by link ends every token, code and login of the account, and a change of address
that waits: whoever had got in is out.
"""

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from core import policy
from core.clock import now
from core.errors import NotFound
from core.models import AuthorizationCode, OAuthToken, User, WebSession
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor

from . import links

HOUR = 3_600_000
WELCOME_LIFE = 72 * HOUR  # of the link in the mail that says that an account was made
RESET_LIFE = HOUR


def change(session: Session, actor: Actor, role: str, user_id: int, password_hash: str) -> None:
    """The holder's own change. ``role``: MANAGER or ATHLETE, as the path says. Tokens live on: a
    client that changes the password it uses is not thrown out by that.
    """
    user = session.get(User, user_id)
    if user is None or user.role != role or user.deleted is not None:
        raise NotFound(f"no {role.lower()} {user_id}")
    rule = {MANAGER: "manager.change", ATHLETE: "athlete.change"}[role]
    policy.require(session, actor, rule, user)
    user.password_hash = password_hash


def set_by_link(session: Session, secret: str, password_hash: str) -> User:
    """Use a link up. Raises BadInput at ``/token`` for one that is unknown, used or expired."""
    link = links.find(session, secret, lock=True)
    moment = now()
    user = session.get_one(User, link.user_id)
    user.password_hash = password_hash
    links.end(session, user.id)
    end_logins(session, user.id, moment)
    return user


def end_logins(session: Session, user_id: int, moment: int) -> None:
    """End every token, code and login of the account."""
    session.execute(
        update(OAuthToken)
        .where(OAuthToken.user_id == user_id, OAuthToken.revoked.is_(None))
        .values(revoked=moment)
    )
    for model in (WebSession, AuthorizationCode):
        session.execute(delete(model).where(model.user_id == user_id))


def of_link(session: Session, secret: str) -> User:
    """Whose link it is, without using it up. Raises as ``set_by_link``."""
    return session.get_one(User, links.find(session, secret).user_id)
