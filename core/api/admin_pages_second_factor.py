"""Where administrators give their account a second factor, and take it away."""

from typing import Any
from urllib.parse import urlsplit

import segno
from flask import redirect, request
from markupsafe import Markup
from sqlalchemy.orm import Session

from core.api.admin_pages import administrator, page, section
from core.api.platform import platform
from core.auth import web
from core.errors import BadInput, TooManyRequests
from core.models import User
from core.services import second_factor

PATH = "/admin/second-factor/"
NOT_YOURS = "The password is wrong."
WRONG_CODE = "This code is wrong, too old or used already. Each is good once: wait for the next."

blueprint = section("second-factor", __name__)


@blueprint.get("/second-factor/")
def show() -> Any:
    return _state()


@blueprint.post("/second-factor/begin/")
def begin() -> Any:
    try:
        if not _password_right():
            return _state(400, NOT_YOURS)
    except TooManyRequests as error:
        return _state(error.status, f"There were {error.detail}.")
    actor = administrator()
    platform().db.write(lambda session: second_factor.begin(session, actor))
    return redirect(PATH, 303)


@blueprint.post("/second-factor/confirm/")
def confirm() -> Any:
    actor, given = administrator(), request.form.get("code", "")
    app = platform()
    try:
        codes = app.db.write(lambda session: second_factor.confirm(session, actor, given))
    except BadInput as error:
        return _state(400, WRONG_CODE if error.errors else f"{error.detail.capitalize()}.")
    app.tokens.forget()
    web.begin(_visitor())
    return page("recovery_codes.html", codes=codes, new=True)


@blueprint.post("/second-factor/recovery-codes/")
def renew() -> Any:
    try:
        if not _code_right():
            return _state(400, WRONG_CODE)
    except TooManyRequests as error:
        return _state(error.status, f"There were {error.detail}.")
    actor = administrator()
    codes = platform().db.write(lambda session: second_factor.renew_codes(session, actor))
    return page("recovery_codes.html", codes=codes, new=False)


@blueprint.post("/second-factor/disable/")
def disable() -> Any:
    try:
        if not _password_right():
            return _state(400, NOT_YOURS)
        if not _code_right():
            return _state(400, WRONG_CODE)
    except TooManyRequests as error:
        return _state(error.status, f"There were {error.detail}.")
    actor, user = administrator(), _visitor()
    platform().db.write(lambda session: second_factor.disable(session, actor, user.id))
    return redirect(PATH, 303)


def _state(status: int = 200, failed: str = "") -> Any:
    """The page, as the factor stands."""
    user = _visitor()

    def read(session: Session) -> dict[str, Any]:
        factor = second_factor.of(session, user.id)
        if factor is None:
            return {"state": "none"}
        if factor.confirmed is not None:
            left = second_factor.codes_left(session, factor)
            return {"state": "enabled", "factor": factor, "left": left}
        try:
            secret = second_factor.secret(factor)
        except ValueError:  # the operator has another secret key since: begin anew
            return {"state": "none"}
        host = urlsplit(request.host_url).hostname or ""
        code = segno.make(second_factor.address(factor, user.username, host), micro=False)
        drawn = Markup(code.svg_inline(light="#fff", omitsize=True))  # noqa: S704 -- of numbers only
        spaced = " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
        return {"state": "pending", "qr": drawn, "secret": spaced}

    shown = platform().db.read(read)
    return page(
        "second_factor.html", status, failed=failed, most=second_factor.RECOVERY_CODES, **shown
    )


def _visitor() -> User:
    user = web.visitor()
    assert user is not None
    return user


def _password_right() -> bool:
    user = web.server().log_in(_visitor().username, request.form.get("password", ""))
    return user is not None


def _code_right() -> bool:
    return web.server().check_code(_visitor(), request.form.get("code", ""))
