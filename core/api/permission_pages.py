"""An athlete's permissions as pages: a line of time, giving, shortening, taking back.

For the athlete, and for the manager who manages them. The rules are those of core.services, as for
the REST paths.
"""

from datetime import UTC, datetime
from typing import Any

from flask import redirect, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import clock
from core.api.pages import page_number
from core.api.platform import platform
from core.api.timeline import Line, line_of
from core.auth import web
from core.errors import BadInput
from core.intervals import Window
from core.models import Permission
from core.policy import Actor
from core.services import permissions

PAGE = 25
DAY = 86_400_000
LONGEST = 254  # of a username
SAID = {
    "granted": "The permission was given.",
    "shortened": "The permission ends earlier now.",
    "revoked": "The permission was taken back.",
    "all": "Every permission of this manager was taken back.",
}

blueprint = web.blueprint(
    "permission_pages", __name__, url_prefix="/athletes/<int:athlete>/permissions"
)


@blueprint.get("/")
def overview(athlete: int) -> Any:
    return _list(web.required(), athlete)


@blueprint.post("/")
def grant(athlete: int) -> Any:
    actor = web.required()
    given = {
        name: request.form.get(name, "").strip()[:LONGEST]
        for name in ("manager", "permission", "start", "stop")
    }
    try:
        body = _grant_body(given)

        def store(session: Session) -> None:
            manager = permissions.manager_called(session, given["manager"])
            permissions.grant(session, actor, athlete, manager, **body)

        platform().db.write(store)
    except BadInput as error:
        return _list(actor, athlete, 400, failed=_sentence(error), given=given)
    return _back(athlete, "granted")


@blueprint.get("/<int:permission>/")
def one(athlete: int, permission: int) -> Any:
    return _one(web.required(), athlete, permission)


@blueprint.post("/<int:permission>/shorten/")
def shorten(athlete: int, permission: int) -> Any:
    """``end=now``, or the last day in ``stop``."""
    actor = web.required()
    try:
        ends_now = request.form.get("end") == "now"
        stop = clock.now() if ends_now else _day("stop", request.form.get("stop", "")) + DAY
        platform().db.write(
            lambda session: permissions.shorten(session, actor, athlete, permission, stop)
        )
    except BadInput as error:
        return _one(actor, athlete, permission, 400, failed=_sentence(error))
    return _back(athlete, "shortened")


@blueprint.post("/<int:permission>/revoke/")
def revoke(athlete: int, permission: int) -> Any:
    actor = web.required()

    def take(session: Session) -> None:
        row, manager = permissions.get(session, actor, athlete, permission)
        permissions.revoke(session, actor, athlete, manager.id, row.id)

    platform().db.write(take)
    return _back(athlete, "revoked")


@blueprint.post("/managers/<int:manager>/revoke/")
def revoke_all(athlete: int, manager: int) -> Any:
    actor = web.required()
    platform().db.write(lambda session: permissions.revoke(session, actor, athlete, manager))
    return _back(athlete, "all")


def _back(athlete: int, said: str) -> Any:
    return redirect(url_for("permission_pages.overview", athlete=athlete, said=said), 303)


def _list(actor: Actor, athlete: int, status: int = 200, **values: Any) -> Any:
    page = page_number()

    def read(session: Session) -> dict[str, Any]:
        subject = permissions.athlete(session, actor, athlete)
        held = permissions.held(session, actor, athlete)
        found = session.execute(held.offset((page - 1) * PAGE).limit(PAGE + 1)).all()
        mine = Permission.athlete_id == athlete
        total, first, last = session.execute(
            select(
                func.count(), func.min(Permission.start_time), func.max(Permission.expiration_time)
            ).where(mine)
        ).one()
        line = line_of([Window(first, last)] if total else [], clock.now())
        return {
            "subject": subject,
            "rows": found[:PAGE],
            "more": len(found) > PAGE,
            "total": total,
            **_drawn(line),
        }

    return web.page(
        "permissions.html",
        status,
        page=page,
        said=SAID.get(request.args.get("said", "")),
        **platform().db.read(read),
        **{"failed": "", "given": {}, **values},
    )


def _one(actor: Actor, athlete: int, permission: int, status: int = 200, failed: str = "") -> Any:
    def read(session: Session) -> dict[str, Any]:
        subject = permissions.athlete(session, actor, athlete)
        row, manager = permissions.get(session, actor, athlete, permission)
        of_pair = (Permission.athlete_id == athlete, Permission.manager_id == manager.id)
        total = session.scalar(select(func.count()).where(*of_pair))
        line = line_of([Window(row.start_time, row.expiration_time)], clock.now())
        return {"subject": subject, "row": row, "manager": manager, "total": total, **_drawn(line)}

    return web.page("permission.html", status, failed=failed, **platform().db.read(read))


def _drawn(line: Line) -> dict[str, Any]:
    return {"line": line, "moment": clock.now()}


def _grant_body(given: dict[str, str]) -> dict[str, Any]:
    """From the form's days, both included, to the service's moments. An empty first day means
    everything so far. Raises BadInput.
    """
    if not given["manager"]:
        raise BadInput.at("/manager", "say to whom: a username or a number")
    if given["permission"] not in permissions.RIGHTS:
        raise BadInput.at("/permission", f"must be one of {', '.join(permissions.RIGHTS)}")
    start = _day("start", given["start"]) if given["start"] else clock.BEGINNING
    stop = _day("stop", given["stop"]) + DAY
    if start >= stop:
        raise BadInput.at("/stop", "the last day is before the first")
    return {"permission": given["permission"], "start_time": start, "expiration_time": stop}


def _day(name: str, text: str) -> int:
    """``2026-11-26`` → its first moment in UTC, in Unix ms. Raises BadInput."""
    try:
        day = datetime.strptime(text.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise BadInput.at(f"/{name}", f"{text!r} is no day: write it as 2026-11-26") from None
    return int(day.timestamp()) * 1000


def _sentence(error: BadInput) -> str:
    """What a form says of what was refused."""
    detail = error.errors[0]["detail"]
    return f"{detail[:1].upper()}{detail[1:]}."
