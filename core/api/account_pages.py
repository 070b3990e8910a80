"""A person's own account as a page: profile, address, password. Each change is the service's that
the REST path calls, checked by the same shapes.
"""

from typing import Any

import marshmallow as ma
from flask import redirect, request, url_for
from sqlalchemy.orm import Session

from core.api.athletes import AthleteChangeShape
from core.api.managers import ManagerShape
from core.api.passwords import Password, new_hash
from core.api.people import Address
from core.api.platform import platform
from core.api.problems import invalid
from core.auth import web
from core.auth.passwords import MAX_LENGTH, MIN_LENGTH
from core.errors import BadInput, Forbidden, TooManyRequests
from core.models import User
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor
from core.services import addresses, passwords, users

PROFILE = {
    MANAGER: ("first_name", "last_name"),
    ATHLETE: (
        "first_name", "last_name", "birth_date", "gender", "nationality", "weight", "height"
    ),
}  # fmt: skip
NUMBERS = ("weight", "height")
SAID = {
    "profile": "Your profile was changed.",
    "address": "A link is on its way to the new address. Until it is opened, the old one counts.",
    "given-up": "The change of address was given up.",
    "password": "Your password was changed.",
}
WRONG = "The present password is wrong. Nothing was changed."

blueprint = web.blueprint("account_pages", __name__, url_prefix="/account")


@blueprint.get("/")
def account() -> Any:
    return _page(_person())


@blueprint.post("/profile/")
def change_profile() -> Any:
    actor = _person()
    given = {name: request.form.get(name, "").strip() for name in PROFILE[actor.role]}
    try:
        _store_profile(actor, request.form.get("username", "").strip(), given)
    except BadInput as error:
        return _page(actor, 400, failed=_sentence(error), about="profile", given=given)
    return _back("profile")


@blueprint.post("/address/")
def change_address() -> Any:
    actor, given = _person(), request.form.get("email", "").strip()
    try:
        _know()
        address = _checked(Address(required=True), "email", given)
        platform().db.write(lambda session: addresses.change(session, actor, address))
    except (BadInput, TooManyRequests) as error:
        return _page(
            actor, error.status, failed=_sentence(error), about="address", given={"email": given}
        )
    return _back("address")


@blueprint.post("/address/give-up/")
def give_up_address() -> Any:
    actor = _person()
    platform().db.write(lambda session: addresses.give_up(session, actor))
    return _back("given-up")


@blueprint.post("/password/")
def change_password() -> Any:
    actor = _person()
    assert actor.user_id is not None
    own = actor.user_id
    try:
        _know()
        hashed = new_hash(_checked(Password(), "password", request.form.get("new_password", "")))
        platform().db.write(lambda s: passwords.change(s, actor, actor.role, own, hashed))
    except (BadInput, TooManyRequests) as error:
        return _page(actor, error.status, failed=_sentence(error), about="password")
    return _back("password")


def _person() -> Actor:
    """Raises Forbidden for administrators, whose accounts are kept under ``admin/``."""
    actor = web.required()
    if actor.role not in PROFILE:
        raise Forbidden("An administrator's account is changed by administration.")
    return actor


def _know() -> None:
    """Raises BadInput where the form's password is not the visitor's, so that an open browser alone
    changes nothing by which one gets in.
    """
    if not web.confirmed(request.form.get("password", "")):
        raise BadInput(WRONG)


def _store_profile(actor: Actor, username: str, given: dict[str, str]) -> None:
    """Raises BadInput naming the field."""
    profile = {
        name: (_number(value) if name in NUMBERS else value) if value else None
        for name, value in given.items()
    }
    visitor = web.visitor()
    assert visitor is not None
    key = f"{actor.role.lower()}_profile"
    body = {"username": username, "email": visitor.email, key: profile}
    shape = AthleteChangeShape() if actor.role == ATHLETE else ManagerShape()
    if any("\x00" in str(value) for value in (username, *given.values())):
        raise BadInput("A field holds the character U+0000.")
    try:
        checked = shape.load(body)
    except ma.ValidationError as error:
        raise invalid(error.normalized_messages(), "json") from None
    update = users.update_athlete if actor.role == ATHLETE else users.update_manager
    own = visitor.id
    platform().db.write(lambda session: update(session, actor, own, checked))


def _number(text: str) -> float | str:
    """With a comma or a point; what is no number is left to the shape to refuse."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _checked(field: ma.fields.Field, name: str, text: str) -> Any:
    try:
        if "\x00" in text:
            raise ma.ValidationError("holds the character U+0000")
        return field.deserialize(text)
    except ma.ValidationError as error:
        raise BadInput.at(f"/{name}", str(error.messages[0])) from None


def _page(
    actor: Actor,
    status: int = 200,
    *,
    failed: str = "",
    about: str = "",
    given: dict[str, str] | None = None,
) -> Any:
    """``about``: the form that was refused for the reason ``failed``; ``given``: what it held."""

    def read(session: Session) -> dict[str, Any]:
        user = session.get_one(User, actor.user_id)
        return {"user": user, "waiting": addresses.waiting(session, user.id)}

    found = platform().db.read(read)
    return web.page(
        "account.html",
        status,
        failed=failed,
        about=about,
        profile={**_profile(found["user"]), **(given or {} if about == "profile" else {})},
        given=given or {},
        said=SAID.get(request.args.get("said", "")),
        least=MIN_LENGTH,
        most=MAX_LENGTH,
        **found,
    )


def _profile(user: User) -> dict[str, Any]:
    row = user.manager_profile or user.athlete_profile
    return {name: getattr(row, name, None) for name in PROFILE[user.role]}


def _back(said: str) -> Any:
    return redirect(url_for("account_pages.account", said=said), 303)


def _sentence(error: BadInput | TooManyRequests) -> str:
    """What a form says of what was refused: field and reason in words."""
    if isinstance(error, TooManyRequests):
        return f"There were {error.detail}."
    if not error.errors:
        return error.detail
    field = error.errors[0]["pointer"].rpartition("/")[2].replace("_", " ")
    return f"{field.capitalize()}: {error.errors[0]['detail'].rstrip('.')}."
