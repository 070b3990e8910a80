"""Accounts, as pages for administrators."""

from typing import Any

from flask import redirect, request
from sqlalchemy.orm import Session

from core.api import forms
from core.api.admin_accounts import USERS, UserChangeShape, UserCreationShape
from core.api.admin_pages import administrator, listed, page, section
from core.api.passwords import hashed
from core.api.platform import platform
from core.errors import TouchlineError
from core.models.users import ADMINISTRATOR, ROLES
from core.services import admin_users, second_factor
from core.services.users import EXTRA_PERMISSIONS

PATH = "/admin/users/"
FIELDS = ("role", "username", "email", "external_id", "password")
DONE = {
    "made": "The account was made. It was told by mail.",
    "changed": "The change is stored.",
    "moved": "The account has another address; the old one was told by mail.",
    "disabled": "Nobody logs in to this account any more, and every token of it has ended.",
    "enabled": "The account lets in again.",
    "link": "A link to set a new password is on its way by mail. It opens once, within an hour.",
}

blueprint = section("users", __name__)


@blueprint.get("/users/")
def show_all() -> Any:
    actor = administrator()

    def read(session: Session) -> dict[str, Any]:
        shown = listed(session, USERS, admin_users.listing(actor), request.args)
        ids = [user.id for user in shown["found"]["results"]]
        return {**shown, "protected": second_factor.in_force(session, ids)}

    shown = platform().db.read(read)
    return page("users.html", 400 if shown["failed"] else 200, roles=ROLES, **shown)


@blueprint.get("/users/new/")
def creation() -> Any:
    return _creation(200, {}, {})


@blueprint.post("/users/new/")
def create() -> Any:
    actor, given = administrator(), forms.filled(*FIELDS)
    try:
        body = forms.read(UserCreationShape(), given)
        password_hash = None if body["role"] == ADMINISTRATOR else hashed(body.get("password"))
        user = platform().db.write(
            lambda s: admin_users.create(s, actor, **body, password_hash=password_hash)
        )
    except TouchlineError as error:
        return _creation(error.status, given, forms.faults(error))
    return redirect(f"{PATH}{user.id}/?done=made", 303)


def _creation(status: int, given: dict[str, Any], faults: dict[str, str]) -> Any:
    return page("user_new.html", status, roles=ROLES, given=given, faults=faults)


@blueprint.get("/users/<int:user>/")
def show(user: int) -> Any:
    return _account(user)


def _account(user_id: int, status: int = 200, failed: str = "") -> Any:
    actor = administrator()

    def read(session: Session) -> dict[str, Any]:
        return {
            "user": admin_users.get(session, actor, user_id),
            "protected": bool(second_factor.in_force(session, [user_id])),
        }

    known = platform().db.read(read)
    done = DONE.get(request.args.get("done", ""), "")
    return page(
        "user.html", status, failed=failed, done=done, permissions=EXTRA_PERMISSIONS, **known
    )


@blueprint.post("/users/<int:user>/permissions/")
def permit(user: int) -> Any:
    return _change(
        user, {"extra_permissions": request.form.getlist("extra_permissions")}, "changed"
    )


@blueprint.post("/users/<int:user>/address/")
def move(user: int) -> Any:
    return _change(user, {"email": request.form.get("email", "").strip()}, "moved")


@blueprint.post("/users/<int:user>/disable/")
def disable(user: int) -> Any:
    return _change(user, {"disabled": True}, "disabled")


@blueprint.post("/users/<int:user>/enable/")
def enable(user: int) -> Any:
    return _change(user, {"disabled": False}, "enabled")


def _change(user: int, body: dict[str, Any], done: str) -> Any:
    actor, app = administrator(), platform()
    try:
        changes = forms.read(UserChangeShape(), body)
        app.db.write(lambda session: admin_users.change(session, actor, user, **changes))
    except TouchlineError as error:
        return _account(user, error.status, error.detail)
    app.tokens.forget()
    return redirect(f"{PATH}{user}/?done={done}", 303)


@blueprint.post("/users/<int:user>/password-link/")
def mail_link(user: int) -> Any:
    actor = administrator()
    try:
        platform().db.write(lambda session: admin_users.mail_link(session, actor, user))
    except TouchlineError as error:
        return _account(user, error.status, error.detail)
    return redirect(f"{PATH}{user}/?done=link", 303)
