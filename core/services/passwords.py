"""Passwords: changed by their holder, or set by who has the one-time link that was mailed.

A link's secret stands in the database only as a keyed hash, opens once, and ends by time. Setting a
password by link ends every token, code and login of the account: whoever had got in is out.
"""

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from core import policy
from core.auth import secrets
from core.clock import now
from core.errors import BadInput, NotFound
from core.models import AuthorizationCode, OAuthToken, OneTimeLink, User, WebSession
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor

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


def new_link(session: Session, user: User, life: int) -> str:
    """Make a link of ``life`` ms for the account; returns its secret. Links made before end."""
    moment = now()
    _end_links(session, user.id, moment)
    secret = secrets.new_token()
    session.add(
        OneTimeLink(
            user_id=user.id,
            token_hash=secrets.hash_token(secret),
            created=moment,
            expires=moment + life,
        )
    )
    return secret


def set_by_link(session: Session, secret: str, password_hash: str) -> User:
    """Use a link up. Raises BadInput at ``/token`` for one that is unknown, used or expired."""
    link = _open(session, secret, lock=True)
    moment = now()
    user = session.get_one(User, link.user_id)
    user.password_hash = password_hash
    _end_links(session, user.id, moment)
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
    return session.get_one(User, _open(session, secret).user_id)


def _open(session: Session, secret: str, *, lock: bool = False) -> OneTimeLink:
    statement = select(OneTimeLink).where(OneTimeLink.token_hash == secrets.hash_token(secret))
    link = session.scalar(statement.with_for_update() if lock else statement)
    if link is None or link.used is not None or link.expires <= now():
        raise BadInput.at("/token", "this link is unknown, was used already, or has expired")
    return link


def _end_links(session: Session, user_id: int, moment: int) -> None:
    session.execute(
        update(OneTimeLink)
        .where(OneTimeLink.user_id == user_id, OneTimeLink.used.is_(None))
        .values(used=moment)
    )
