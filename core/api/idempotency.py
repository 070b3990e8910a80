"""``Idempotency-Key`` on POST: the same request again has no second effect and gets the first
answer (contract/touchline.md section 5).

Before the route runs, the key is claimed in a commit of its own; the answer is stored in the commit
of the effect. A process that dies in between leaves a claim that lapses. Answers with credentials
are not stored: the request is not carried out again, and is told so.
"""

import re
from typing import Any

import orjson
from flask import Flask, Response, g, request
from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.api import guard, throttle
from core.api.platform import platform
from core.auth.secrets import hash_token
from core.clock import now
from core.errors import BadInput, Conflict, Unprocessable
from core.models import KeptAnswer
from core.models.db import around

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEEP_MS = 24 * 3_600_000
# After this a claim without an answer belongs to a process that died.
LEASE_MS = 60_000
MEBIBYTE = 2**20

# A batch of samples has an id of its own, which is kept for ever.
BATCHES = "/samples/"
CREDENTIALS = {"uplink_token", "client_secret", "password", "secret", "access_token", "otp_secret"}

_SANE = re.compile(r"[\x21-\x7e]{1,255}")


class Claim:
    """One request under a key, as core.models.db.Around."""

    def __init__(self, app: Flask, row_id: int, lease: int, endpoint: str) -> None:
        self._app, self._endpoint = app, endpoint
        self.row_id, self.lease = row_id, lease
        self.kept: tuple[int, bytes | None] | None = None

    def begin(self, session: Session) -> None:
        """Nothing has to be looked at: the claim itself keeps others out."""

    def end(self, session: Session, result: Any) -> None:
        """Raises Conflict where the claim lapsed and somebody else has taken it over."""
        self.keep(session, *self._expected(result))

    def keep(self, session: Session, status: int, answer: bytes | None) -> None:
        stored = None if answer is None or _has_credentials(answer) else answer
        done = session.execute(
            update(KeptAnswer)
            .where(KeptAnswer.id == self.row_id, KeptAnswer.lease == self.lease)
            .values(status=status, answer=stored)
        )
        if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE always has one
            raise Conflict(f"another request with this {HEADER} has overtaken this one")
        self.kept = (status, answer)

    def give_up(self, session: Session) -> None:
        session.execute(
            delete(KeptAnswer).where(KeptAnswer.id == self.row_id, KeptAnswer.lease == self.lease)
        )

    def _expected(self, result: Any) -> tuple[int, bytes | None]:
        """The answer that the route will make of the commit's result, as its document says. A route
        that makes another of it has the answer corrected right after (``_end``).
        """
        view: Any = self._app.view_functions[self._endpoint]
        documented = view._apidoc
        status = documented["success_status_codes"][0]
        schema = documented["response"]["responses"][status][0].get("schema")
        try:
            dumped = result if schema is None else schema.dump(result)
            answer: Any = self._app.json.response(dumped)
            return status, answer.get_data()
        except (AttributeError, TypeError, ValueError):
            return status, None


def _has_credentials(answer: bytes) -> bool:
    rows = orjson.loads(answer) if answer else []
    rows = rows if isinstance(rows, list) else [rows]
    return any(isinstance(row, dict) and CREDENTIALS & row.keys() for row in rows)


def _claim(session: Session, scope: str, body_hash: str) -> KeptAnswer:
    """The row of this key: made or taken over now, or one that has its answer."""
    moment = now()
    session.execute(delete(KeptAnswer).where(KeptAnswer.created < moment - KEEP_MS))
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    values = {
        "scope": scope,
        "body_hash": body_hash,
        "created": moment,
        "lease": moment + LEASE_MS,
    }
    made = session.scalar(
        dialect.insert(KeptAnswer)
        .values(values)
        .on_conflict_do_nothing(index_elements=["scope"])
        .returning(KeptAnswer.id)
    )
    wanted = select(KeptAnswer).where(KeptAnswer.scope == scope).with_for_update()
    row = session.scalars(wanted).one_or_none()
    if row is not None and row.id == made:
        return row
    if row is not None and row.body_hash != body_hash:
        raise Unprocessable(f"this {HEADER} was used for another body or query")
    if row is None or (row.status is None and row.lease > moment):
        raise Conflict(f"a request with this {HEADER} is being carried out")
    if row.status is None:
        row.lease = moment + LEASE_MS
    return row


def _begin(app: Flask) -> Response | None:
    key = request.headers.get(HEADER)
    if key is None or request.method != "POST" or request.url_rule is None:
        return None
    if not request.path.startswith("/api/v1/") or request.url_rule.rule.endswith(BATCHES):
        return None
    if not _SANE.fullmatch(key):
        raise BadInput.at(f"/{HEADER}", "1 to 255 visible ASCII characters")
    actor = None if throttle.bearer_token() is None else guard.bearer()
    who = (actor.client_id, actor.user_id) if actor else (None, request.remote_addr)
    parts = (*who, request.method, request.path.rstrip("/"), key)
    if actor is not None and request.mimetype == "multipart/form-data":
        request.max_content_length = platform().config.max_file_mb * MEBIBYTE
    body = request.get_data(cache=True)
    scope = hash_token(orjson.dumps(parts).decode())
    said = (request.query_string, request.mimetype.encode(), body)
    body_hash = hash_token(b"\n".join(said).decode("latin-1"))
    row = platform().db.aside(lambda session: _claim(session, scope, body_hash))
    if row.status is None:
        g.claim = Claim(app, row.id, row.lease, request.endpoint or "")
        around.set(g.claim)
        return None
    if row.answer is None:
        raise Conflict("this was carried out; its answer held credentials and was not kept")
    kind = "application/json" if row.answer else None
    return Response(row.answer, row.status, headers={REPLAYED: "true"}, mimetype=kind)


def _end(response: Response) -> Response:
    claim: Claim | None = g.pop("claim", None)
    if claim is None:
        return response
    status = response.status_code
    if status >= 300:
        if claim.kept is None or status < 500:
            platform().db.aside(claim.give_up)
        return response
    answer = response.get_data()
    if claim.kept != (status, answer):
        platform().db.aside(lambda session: claim.keep(session, status, answer))
    return response


def _leave(_error: BaseException | None) -> None:
    """Whatever became of the request, what runs next in this thread is none of its effects."""
    around.set(None)


def register(app: Flask) -> None:
    app.before_request(lambda: _begin(app))
    app.after_request(_end)
    app.teardown_request(_leave)
