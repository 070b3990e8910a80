"""Access and refresh tokens: issued in families, rotated, revoked, looked up.

A look-up is kept in the process for at most ``CACHE_SECONDS``: that is how long a revocation made
by another process may take to be seen; this process's own are seen at once.
"""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from sqlalchemy import BigInteger, Connection, bindparam, select, union_all, update
from sqlalchemy.orm import Session

from core import clock
from core.auth.secrets import hash_token, new_token
from core.models import Device, OAuthToken, User
from core.models.db import Database
from core.policy import DEVICE, Actor

CACHE_SECONDS = 5.0
CACHE_SIZE = 10_000


@dataclass(frozen=True)
class Pair:
    """Both secrets, shown to the client once."""

    access: str
    refresh: str


def issue(
    session: Session,
    pair: Pair,
    *,
    client_id: int,
    user_id: int,
    scope: str,
    seconds: int,
    family: str | None = None,
) -> OAuthToken:
    """Store a pair; without ``family`` it begins a new one."""
    moment = clock.now()
    row = OAuthToken(
        client_id=client_id,
        user_id=user_id,
        family=family or str(uuid4()),
        scope=scope,
        access_hash=hash_token(pair.access),
        refresh_hash=hash_token(pair.refresh),
        issued=moment,
        expires=moment + seconds * 1000,
    )
    session.add(row)
    return row


def new_pair() -> Pair:
    return Pair(new_token(), new_token())


def spend(session: Session, row_id: int) -> bool:
    """Use up a refresh token and end the access token given with it. False: it was used already,
    or revoked; of two requests at once only one gets True.
    """
    moment = clock.now()
    done = session.execute(
        update(OAuthToken)
        .where(
            OAuthToken.id == row_id,
            OAuthToken.refresh_spent.is_(None),
            OAuthToken.revoked.is_(None),
        )
        .values(refresh_spent=moment, revoked=moment)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]  # an UPDATE always has one


def revoke_family(session: Session, family: str) -> None:
    """End every access and refresh token that descends from one grant."""
    session.execute(
        update(OAuthToken)
        .where(OAuthToken.family == family, OAuthToken.revoked.is_(None))
        .values(revoked=clock.now())
    )


class TokenCache:
    """Bearer token → Actor, with a short memory."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[Actor, int | None, float]] = {}

    def actor(self, token: str) -> Actor | None:
        """Who bears this token; None where it is unknown, expired or revoked."""
        key = hash_token(token)
        kept = self._kept.get(key)
        if kept is None or kept[2] < time.monotonic():
            found = self._db.look(lambda connection: _find(connection, key))
            if found is None:
                self.forget(key)
                return None
            kept = (*found, time.monotonic() + CACHE_SECONDS)
            with self._lock:
                if len(self._kept) >= CACHE_SIZE:
                    self._kept.clear()
                self._kept[key] = kept
        return _unexpired(*kept[:2])

    def known(self, token: str) -> Actor | None:
        """Who bears this token, as far as this process remembers; never asks the database."""
        kept = self._kept.get(hash_token(token))
        return None if kept is None or kept[2] < time.monotonic() else _unexpired(*kept[:2])

    def forget(self, *access_hashes: str) -> None:
        """Drop look-ups; without hashes, all of them."""
        with self._lock:
            if not access_hashes:
                self._kept.clear()
            for key in access_hashes:
                self._kept.pop(key, None)


def _unexpired(actor: Actor, expires: int | None) -> Actor | None:
    return actor if expires is None or clock.now() < expires else None


def still_good(session: Session, given: Iterable[str]) -> set[str]:
    """Those of the tokens that are neither expired nor revoked, asked of the database at once."""
    by_hash = {hash_token(token): token for token in given}
    values = {"hashes": list(by_hash), "now": clock.now()}
    return {by_hash[key] for key in session.connection().scalars(_STILL_GOOD, values)}


_HASHES: Any = bindparam("hashes", expanding=True)
_STILL_GOOD: Any = union_all(
    select(OAuthToken.access_hash)
    .join(User, User.id == OAuthToken.user_id)
    .where(
        OAuthToken.access_hash.in_(_HASHES),
        OAuthToken.revoked.is_(None),
        OAuthToken.expires > bindparam("now", type_=BigInteger),
        User.disabled.is_(False),
    ),
    select(Device.uplink_token_hash).where(Device.uplink_token_hash.in_(_HASHES)),
)


# Made once, and of columns: each client and device is looked up every few seconds.
_ACCOUNT = (
    select(
        OAuthToken.expires,
        OAuthToken.scope,
        OAuthToken.client_id,
        User.id,
        User.role,
        User.extra_permissions,
    )
    .join(User, User.id == OAuthToken.user_id)
    .where(
        OAuthToken.access_hash == bindparam("key"),
        OAuthToken.revoked.is_(None),
        User.disabled.is_(False),
    )
)
_DEVICE = select(Device.id).where(Device.uplink_token_hash == bindparam("key"))


def _find(connection: Connection, key: str) -> tuple[Actor, int | None] | None:
    ask, values = connection.execute, {"key": key}
    row = ask(_ACCOUNT, values).first()
    if row is not None:
        expires, scope, client_id, user_id, role, extra_permissions = row
        actor = Actor(
            user_id=user_id,
            role=role,
            extra_permissions=frozenset(extra_permissions),
            scopes=frozenset(scope.split()),
            client_id=client_id,
        )
        return actor, expires
    device_id = ask(_DEVICE, values).scalar()
    if device_id is not None:
        return Actor(user_id=None, role=DEVICE, device_id=device_id), None
    return None
