"""What the links in mails open, and asking for one: setting a password, confirming an address. As
pages, and as JSON.

The link's secret is all that entitles, so the forms need no session; nothing is stored in the
browser and no other site is told where the reader came from.
"""

from typing import Any

import marshmallow as ma
from flask import Blueprint, Response, make_response, render_template, request

from core.api import forms
from core.api.parsing import parse_json
from core.api.passwords import Password, new_hash
from core.api.platform import platform
from core.api.shapes import Shape, Text
from core.auth.passwords import MAX_LENGTH, MIN_LENGTH
from core.errors import BadInput
from core.services import addresses, mails, passwords

blueprint = Blueprint("link_pages", __name__, url_prefix="/account")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
}
ENDED = "This link is unknown, was used already, or has expired."
SENT = "If there is such an account, a mail with a link is on its way."


class SetPasswordShape(Shape):
    token = Text(100, shortest=1, required=True)
    password = Password(required=True)


class ConfirmationShape(Shape):
    token = Text(100, shortest=1, required=True)


class ForgottenShape(Shape):
    username = Text(254, shortest=1, required=True)


@blueprint.get("/set-password/")
def set_password_page() -> Response:
    secret = request.args.get("token", "")
    try:
        return _password_form(secret)
    except BadInput:
        return _forgotten_form(ENDED, 400)


@blueprint.post("/set-password/")
def set_password() -> Response:
    """JSON ``{"token", "password"}`` → 204; a form → a page."""
    try:
        given = _given(SetPasswordShape(), "token", "password")
        app = platform()
        app.db.read(lambda session: passwords.of_link(session, given["token"]))
        hashed = new_hash(given["password"])
        app.db.write(lambda session: passwords.set_by_link(session, given["token"], hashed))
    except BadInput as error:
        if request.is_json:
            raise
        secret = request.form.get("token", "")
        if any(row["pointer"] == "/token" for row in error.errors):
            return _forgotten_form(ENDED, 400)
        return _password_form(secret, error.errors[0]["detail"], 400)
    app.tokens.forget()
    if request.is_json:
        return Response(status=204)
    done = "Your password is set"
    return _page("told.html", title=done, message="You can log in with it now.")


@blueprint.get("/forgotten-password/")
def forgotten_page() -> Response:
    return _forgotten_form()


@blueprint.post("/forgotten-password/")
def forgotten() -> Response:
    """JSON ``{"username"}`` (or an address) → 202; a form → a page. The answer never differs."""
    try:
        given = _given(ForgottenShape(), "username")
    except BadInput:
        if request.is_json:
            raise
        return _forgotten_form("Say which account: its username or its address.", 400)
    platform().db.write(lambda session: mails.forgotten(session, given["username"]))
    if request.is_json:
        return Response(status=202)
    return _page("told.html", title="Look into your mail", message=SENT)


@blueprint.get("/confirm-address/")
def confirm_address_page() -> Response:
    """A form, since programs that look into mail open links too."""
    secret = request.args.get("token", "")
    try:
        user, address = platform().db.read(lambda session: addresses.of_link(session, secret))
    except BadInput:
        return _unconfirmed()
    return _page("confirm_address.html", token=secret, username=user.username, address=address)


@blueprint.post("/confirm-address/")
def confirm_address() -> Response:
    """JSON ``{"token"}`` → 204; a form → a page."""
    try:
        given = _given(ConfirmationShape(), "token")
        user = platform().db.write(lambda session: addresses.confirm(session, given["token"]))
    except BadInput:
        if request.is_json:
            raise
        return _unconfirmed()
    if request.is_json:
        return Response(status=204)
    message = f"Mail about the account {user.username} goes to {user.email} from now on."
    return _page("told.html", title="Your address is confirmed", message=message)


def _unconfirmed() -> Response:
    detail = f"{ENDED} Ask for the change again where you asked for it."
    return _page("refused.html", 400, title="The address was not changed", detail=detail)


def _given(shape: ma.Schema, *names: str) -> dict[str, Any]:
    """The checked body, JSON or form. Raises BadInput."""
    if request.is_json:
        return forms.load(shape, parse_json(request.get_data()))
    return forms.read(shape, {name: request.form[name] for name in names if name in request.form})


def _password_form(secret: str, message: str = "", status: int = 200) -> Response:
    user = platform().db.read(lambda session: passwords.of_link(session, secret))
    return _page(
        "set_password.html",
        status,
        message=message,
        token=secret,
        username=user.username,
        least=MIN_LENGTH,
        most=MAX_LENGTH,
    )


def _forgotten_form(message: str = "", status: int = 200) -> Response:
    return _page("forgotten.html", status, message=message)


def _page(template: str, status: int = 200, **more: Any) -> Response:
    """As for nobody in particular: a link from a mail is not this browser's session."""
    response = make_response(render_template(template, visitor=None, csrf="", **more), status)
    response.headers.update(HEADERS)
    return response
