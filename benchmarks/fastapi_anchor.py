"""The anchor of benchmarks.requests: FastAPI doing by its own idioms what GET account/ does.

Token look-up with a memory of five seconds in the process over the same table, hashed as ours;
the row by one SQLAlchemy Core statement that is put together once, as ours is; the answer through a
pydantic model. It has no throttle, no request ids, no problem documents.

FastAPI's guide looks a row up in a plain function, which runs in a thread pool (``/pooled``). For a
look-up this short the change of threads costs more than the look-up, so the anchor does it in the
event loop, as somebody who has measured would on SQLite.
"""

import os
import time
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy import bindparam, select
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
_USER = (
    select(
        User.id,
        User.username,
        User.external_id,
        User.email,
        User.role,
        User.extra_permissions,
        ManagerProfile.id.label("profile_id"),
        ManagerProfile.first_name,
        ManagerProfile.last_name,
    )
    .outerjoin(ManagerProfile, ManagerProfile.user_id == User.id)
    .where(User.id == bindparam("caller"))
)


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


def _account(caller: int) -> dict[str, Any]:
    with engine.connect() as connection:
        row = connection.execute(_USER, {"caller": caller}).one()
    profile = {
        "id": row.profile_id,
        "first_name": row.first_name,
        "last_name": row.last_name,
    }
    return {**row._mapping, "manager_profile": profile if row.profile_id else None}


@app.get("/api/v1/account/", response_model=Account)
async def account(caller: Annotated[int, Depends(user_id)]) -> dict[str, Any]:
    return _account(caller)


@app.get("/pooled", response_model=Account)
def pooled(caller: Annotated[int, Depends(user_id)]) -> dict[str, Any]:
    return _account(caller)


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}
