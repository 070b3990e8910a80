"""Logged-in browsers. A session is a row; the browser holds its random name in a cookie."""

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from core import clock
from core.auth import browser
from core.auth.secrets import hash_token, new_token
from core.models import User, WebSession

HOURS = 12
CODE_MINUTES = 10  # between the password and the code of the second factor


def begin(
    session: Session, user_id: int, before: str | None = None, *, awaits_code: bool = False
) -> str:
    """Log in, or as far as the password leads where the account ``awaits_code``. Returns the new
    name: whatever name the browser had ``before`` means nothing after this, so that nobody can
    plant one and wait (session fixation).
    """
    life = CODE_MINUTES * 60_000 if awaits_code else HOURS * 3_600_000
    moment, name = clock.now(), new_token()
    gone = [WebSession.expires <= moment]
    if before is not None:
        gone.append(WebSession.token_hash == hash_token(before))
    session.execute(delete(WebSession).where(or_(*gone)))
    session.add(
        WebSession(
            token_hash=hash_token(name),
            user_id=user_id,
            created=moment,
            expires=moment + life,
            awaits_code=awaits_code,
        )
    )
    return name


def user(session: Session, name: str, *, awaits_code: bool = False) -> User | None:
    """Who is logged in under this name, now; or, ``awaits_code``, who still has to give one."""
    return session.scalar(
        select(User)
        .join(WebSession, WebSession.user_id == User.id)
        .where(
            WebSession.token_hash == hash_token(name),
            WebSession.expires > clock.now(),
            WebSession.awaits_code.is_(awaits_code),
            User.deleted.is_(None),
            User.disabled.is_(False),
        )
    )


def end(session: Session, name: str) -> None:
    """Log out; the tokens that pages were given end too."""
    browser.end(session, name)
    session.execute(delete(WebSession).where(WebSession.token_hash == hash_token(name)))
