"""The anchor of benchmarks.requests: FastAPI doing by its own idioms what GET account/ does.

Token look-up with a memory of five seconds in the process over the same table, hashed as ours;
the row by SQLAlchemy Core in a plain function, which FastAPI runs in its thread pool, as its guide
to databases does; the answer through a pydantic model. It has no throttle, no request ids, no
problem documents.
"""

import os
import time
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import select
from starlette.concurrency import run_in_threadpool

from core import clock
from core.auth.secrets import hash_token, use_key
from core.models import ManagerProfile, OAuthToken, User
from core.models.db import make_engine

CACHE_SECONDS = 5.0

use_key(os.environ["TOUCHLINE_SECRET_KEY"])
engine = make_engine(os.environ["TOUCHLINE_DATABASE_URL"])
app = FastAPI()
kept: dict[str, tuple[int, int, float]] = {}

_TOKEN = select(OAuthToken.user_id, OAuthToken.expires).join(User, User.id == OAuthToken.user_id)
_USER = select(
    User.id,
    User.username,
    User.external_id,
    User.email,
    User.role,
    User.extra_permissions,
    ManagerProfile.id.label("profile_id"),
    ManagerProfile.first_name,
    ManagerProfile.last_name,
).outerjoin(ManagerProfile, ManagerProfile.user_id == User.id)


class ManagerProfileOut(BaseModel):
    id: int
    first_name: str | None
    last_name: str | None


class Account(BaseModel):
    id: int
    username: str
    external_id: str | None
    email: str | None
    role: str
    extra_permissions: list[str]
    manager_profile: ManagerProfileOut | None


def _find(key: str) -> tuple[int, int] | None:
    wanted = _TOKEN.where(
        OAuthToken.access_hash == key, OAuthToken.revoked.is_(None), User.disabled.is_(False)
    )
    with engine.connect() as connection:
        row = connection.execute(wanted).first()
    return None if row is None else (row.user_id, row.expires)


async def user_id(
    given: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
) -> int:
    key = hash_token(given.credentials)
    known = kept.get(key)
    if known is None or known[2] < time.monotonic():
        found = await run_in_threadpool(_find, key)
        if found is None:
            raise HTTPException(401)
        known = kept[key] = (*found, time.monotonic() + CACHE_SECONDS)
    if known[1] <= clock.now():
        raise HTTPException(401)
    return known[0]


@app.get("/api/v1/account/", response_model=Account)
def account(caller: Annotated[int, Depends(user_id)]) -> dict[str, Any]:
    with engine.connect() as connection:
        row = connection.execute(_USER.where(User.id == caller)).one()
    profile = {
        "id": row.profile_id,
        "first_name": row.first_name,
        "last_name": row.last_name,
    }
    return {**row._mapping, "manager_profile": profile if row.profile_id else None}


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}
