"""OAuth clients, as pages for administrators."""

from typing import Any

from flask import redirect, request
from sqlalchemy.orm import Session

from core.api import forms
from core.api.admin_accounts import CLIENTS, ClientChangeShape, ClientCreationShape
from core.api.admin_pages import administrator, listed, page, section
from core.api.platform import platform
from core.api.throttle import throttle
from core.errors import TouchlineError
from core.policy import SCOPES
from core.services import clients

PATH = "/admin/clients/"
LISTS = ("redirect_uris", "cors_origins")
DAYS = 30

blueprint = section("clients", __name__)


@blueprint.get("/clients/")
def show_all() -> Any:
    actor = administrator()
    shown = platform().db.read(
        lambda session: listed(session, CLIENTS, clients.listing(actor), request.args)
    )
    return page("clients.html", 400 if shown["failed"] else 200, **shown)


@blueprint.get("/clients/new/")
def creation() -> Any:
    return _creation(200, {"grants": ["authorization_code"], "throttle_class": "standard"}, {})


@blueprint.post("/clients/new/")
def create() -> Any:
    actor = administrator()
    body = {
        **forms.filled("name", "owner", "scope", "throttle_class"),
        "grants": request.form.getlist("grants"),
        **{name: forms.lines(name) for name in LISTS},
        "public": "public" in request.form,
    }
    try:
        checked = forms.read(ClientCreationShape(), body)
        client, secret = platform().db.write(lambda s: clients.create(s, actor, **checked))
    except TouchlineError as error:
        given = {**body, **{name: request.form.get(name, "") for name in LISTS}}
        return _creation(error.status, given, forms.faults(error))
    return page("client_secret.html", client=client, secret=secret, rotated=False)


def _creation(status: int, given: dict[str, Any], faults: dict[str, str]) -> Any:
    return page(
        "client_new.html",
        status,
        given=given,
        faults=faults,
        grants=clients.GRANTS,
        scopes=SCOPES,
        classes=clients.THROTTLE_CLASSES,
    )


@blueprint.get("/clients/<int:client>/")
def show(client: int) -> Any:
    return _client(client)


def _client(
    client_id: int,
    status: int = 200,
    given: dict[str, Any] | None = None,
    faults: dict[str, str] | None = None,
) -> Any:
    actor = administrator()
    throttle().flush()

    def read(session: Session) -> dict[str, Any]:
        usage = clients.usage(session, actor, client_id).limit(DAYS)
        return {
            "client": clients.get(session, actor, client_id),
            "usage": session.scalars(usage).all(),
        }

    known = platform().db.read(read)
    client = known["client"]
    stored = {
        "name": client.name,
        "owner": client.owner,
        "throttle_class": client.throttle_class,
        **{name: "\n".join(getattr(client, name)) for name in LISTS},
    }
    return page(
        "client.html",
        status,
        given=given or stored,
        faults=faults or {},
        done="The change is stored." if request.args.get("done") == "changed" else "",
        classes=clients.THROTTLE_CLASSES,
        **known,
    )


@blueprint.post("/clients/<int:client>/")
def change(client: int) -> Any:
    actor = administrator()
    body = {
        "name": request.form.get("name", "").strip(),
        "owner": request.form.get("owner", "").strip(),
        **forms.filled("throttle_class"),
        **{name: forms.lines(name) for name in LISTS},
    }
    try:
        changes = forms.read(ClientChangeShape(), body)
        platform().db.write(lambda session: clients.change(session, actor, client, changes))
    except TouchlineError as error:
        given = {**body, **{name: request.form.get(name, "") for name in LISTS}}
        return _client(client, error.status, given, forms.faults(error))
    return redirect(f"{PATH}{client}/?done=changed", 303)


@blueprint.post("/clients/<int:client>/rotate-secret/")
def rotate_secret(client: int) -> Any:
    actor = administrator()
    try:
        made, secret = platform().db.write(lambda s: clients.rotate_secret(s, actor, client))
    except TouchlineError as error:
        return _client(client, error.status, faults=forms.faults(error))
    return page("client_secret.html", client=made, secret=secret, rotated=True)
