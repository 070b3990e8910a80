"""One-time links. A link's secret stands in the database only as a keyed hash and is made when its
mail is written; it opens once, and ends by time.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core.auth import secrets
from core.clock import now
from core.errors import BadInput
from core.models import OneTimeLink


def make(session: Session, user_id: int, life: int, email: str | None = None) -> OneTimeLink:
    """A link for ``life`` ms, to set the password or to confirm ``email``. Those of the same kind
    that were made before end. It opens nothing before ``renew`` gave it a secret.
    """
    moment = now()
    end(session, user_id, confirming=email is not None)
    link = OneTimeLink(
        user_id=user_id,
        token_hash=secrets.hash_token(secrets.new_token()),
        email=email,
        created=moment,
        expires=moment + life,
    )
    session.add(link)
    session.flush()
    return link


def renew(link: OneTimeLink) -> str:
    """Give the link a new secret, and return it; the one before opens nothing any more."""
    secret = secrets.new_token()
    link.token_hash = secrets.hash_token(secret)
    return secret


def find(
    session: Session, secret: str, *, confirming: bool = False, lock: bool = False
) -> OneTimeLink:
    """The link of this kind that opens by ``secret``, without using it up. Raises BadInput at
    ``/token`` for one that is unknown, used or expired.
    """
    statement = select(OneTimeLink).where(OneTimeLink.token_hash == secrets.hash_token(secret))
    link = session.scalar(statement.with_for_update() if lock else statement)
    if link is None or not is_open(link) or (link.email is not None) != confirming:
        raise BadInput.at("/token", "this link is unknown, was used already, or has expired")
    return link


def is_open(link: OneTimeLink) -> bool:
    return link.used is None and now() < link.expires


def end(session: Session, user_id: int, *, confirming: bool | None = None) -> None:
    """End the account's links: those that set the password, those that confirm an address (as
    ``confirming`` says), or all.
    """
    links = update(OneTimeLink).where(OneTimeLink.user_id == user_id, OneTimeLink.used.is_(None))
    if confirming is not None:
        links = links.where(OneTimeLink.email.is_not(None) == confirming)
    session.execute(links.values(used=now()))
