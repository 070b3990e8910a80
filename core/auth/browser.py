"""Tokens for a logged-in browser: what the script of a page reads the public API and sockets with.

They are ordinary access tokens of the scope ``read`` and of a client of our own, which has no grant
and so cannot be used from outside. Logging out ends them.
"""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from core import clock
from core.auth.secrets import hash_token, new_token
from core.auth.tokens import revoke_family
from core.models import OAuthClient, OAuthToken

CLIENT = "touchline-pages"
SECONDS = 600
_FAMILY = 36  # characters that the column holds


def issue(session: Session, user_id: int, cookie: str) -> str:
    """A token that lasts ``SECONDS``, for the browser with this session cookie."""
    moment, token = clock.now(), new_token()
    client_id = _client(session)
    session.execute(
        delete(OAuthToken).where(
            OAuthToken.client_id == client_id,
            OAuthToken.user_id == user_id,
            OAuthToken.expires <= moment,
        )
    )
    session.add(
        OAuthToken(
            client_id=client_id,
            user_id=user_id,
            family=_family(cookie),
            scope="read",
            access_hash=hash_token(token),
            issued=moment,
            expires=moment + SECONDS * 1000,
        )
    )
    return token


def end(session: Session, cookie: str) -> None:
    """The tokens of the browser that logs out end with its session."""
    revoke_family(session, _family(cookie))


def _family(cookie: str) -> str:
    return hash_token(f"browser {cookie}")[:_FAMILY]


def _client(session: Session) -> int:
    """Made when it is first needed; of two at once one waits, fails and is sent again."""
    found = session.scalar(select(OAuthClient.id).where(OAuthClient.client_id == CLIENT))
    if found is not None:
        return found
    row = OAuthClient(
        client_id=CLIENT,
        name="Touchline's own pages",
        owner="this platform",
        grants=[],
        scope="read",
        created=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id
