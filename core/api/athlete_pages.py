"""What is held on an athlete, as pages: who read it, all of it as a download, deleting it.

For the athlete, and for the manager who manages them. The rules are those of core.services.
"""

from typing import Any

from flask import Response, redirect, request
from sqlalchemy.orm import Session

from core.api.athletes import zipped
from core.api.pages import page_number
from core.api.platform import platform
from core.auth import web
from core.errors import TooManyRequests
from core.models import AccessEvent
from core.policy import Actor
from core.services import access_log, deletion, exports, permissions

PAGE = 25
LONGEST = 254
WRONG = "The password is wrong. Nothing was deleted."
# What the access log's kinds are called among people.
KINDS = {
    "profile": "profile",
    "timeframes": "time frames",
    "samples": "samples",
    "computed": "results",
    "files": "uploaded files",
    "permissions": "permissions",
    "export": "everything, as a download",
}

blueprint = web.blueprint("athlete_pages", __name__, url_prefix="/athletes/<int:athlete>")


@blueprint.get("/access-log/")
def reads(athlete: int) -> Any:
    """Narrowed by who (a part of the username) and what."""
    actor, page = web.required(), page_number()
    who = request.args.get("who", "").strip()[:LONGEST]
    kind = request.args.get("kind", "")

    def read(session: Session) -> dict[str, Any]:
        subject = permissions.athlete(session, actor, athlete)
        rows = access_log.listing(session, actor, athlete)
        if who:
            rows = rows.where(AccessEvent.reader.icontains(who, autoescape=True))
        if kind in KINDS:
            rows = rows.where(AccessEvent.kind == kind)
        ordered = rows.order_by(AccessEvent.time.desc(), AccessEvent.id.desc())
        found = session.scalars(ordered.offset((page - 1) * PAGE).limit(PAGE + 1)).all()
        return {"subject": subject, "rows": found[:PAGE], "more": len(found) > PAGE}

    shown: dict[str, Any] = {"who": who, "kind": kind, "kinds": KINDS, "page": page}
    return web.page("access_log.html", **shown, **platform().db.read(read))


@blueprint.get("/data/")
def data(athlete: int) -> Any:
    return _data(web.required(), athlete)


@blueprint.get("/data/export.zip")
def export(athlete: int) -> Response:
    return zipped(web.required(), athlete)


@blueprint.get("/delete/")
def delete_form(athlete: int) -> Any:
    return _data(web.required(), athlete, "delete.html")


@blueprint.post("/delete/")
def delete(athlete: int) -> Any:
    """With the password of who is logged in: an open browser alone deletes nothing."""
    actor, app = web.required(), platform()
    try:
        known = web.confirmed(request.form.get("password", ""))
    except TooManyRequests as error:
        return _data(actor, athlete, "delete.html", error.status, f"There were {error.detail}.")
    if not known:
        return _data(actor, athlete, "delete.html", 400, WRONG)
    if athlete != actor.user_id:
        app.db.write(lambda session: deletion.remove_managed(session, actor, athlete))
        return redirect("/", 303)
    app.db.write(lambda session: deletion.remove_own(session, actor, athlete))
    app.tokens.forget()
    return web.log_out("/deleted/")


def _data(
    actor: Actor, athlete: int, template: str = "data.html", status: int = 200, failed: str = ""
) -> Any:
    def read(session: Session) -> dict[str, Any]:
        subject = permissions.athlete(session, actor, athlete)
        return {"subject": subject, "held": exports.outline(session, subject)}

    own = athlete == actor.user_id
    return web.page(template, status, failed=failed, own=own, **platform().db.read(read))
