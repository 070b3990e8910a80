"""Managers: open registration, and a manager's own record."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy.orm import Session

from core.api import passwords
from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.passwords import NewPasswordShape, Password, hashed
from core.api.people import AthleteProfileShape, ExternalIdQuery, ManagerProfileShape, UserShape
from core.api.platform import platform
from core.api.shapes import QueryFlag
from core.errors import BadInput
from core.models import User
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import users

blueprint = Blueprint(
    "managers",
    __name__,
    url_prefix="/api/v1/managers",
    description="Managers own devices, activities and time frames.",
)


class ManagerShape(UserShape):
    manager_profile = fields.Nested(ManagerProfileShape)


class ManagerRegistrationShape(ManagerShape):
    password = Password()
    athlete_profile = fields.Nested(AthleteProfileShape, load_only=True)


class RegistrationQuery(ma.Schema):
    create_default_athlete = QueryFlag(
        load_default=False,
        metadata={"description": "Also create a managed Default Athlete from athlete_profile."},
    )


@blueprint.route("/", methods=["POST"])
@blueprint.arguments(RegistrationQuery, location="query")
@blueprint.arguments(ManagerRegistrationShape)
@blueprint.response(201, ManagerShape)
def register(query: dict[str, Any], body: dict[str, Any]) -> User:
    """Register a manager.

    Without a password the account is made, but nobody can log in to it before one is set.
    """
    if "athlete_profile" in body and not query["create_default_athlete"]:
        raise BadInput.at("/athlete_profile", "goes with create_default_athlete=true only")
    password_hash = hashed(body.get("password"))

    def make(session: Session) -> User:
        return users.register_manager(
            session,
            username=body["username"],
            email=body["email"],
            external_id=body.get("external_id"),
            profile=body.get("manager_profile"),
            password_hash=password_hash,
            default_athlete=(
                body.get("athlete_profile", {}) if query["create_default_athlete"] else None
            ),
        )

    return platform().db.write(make)


@blueprint.route("/by-external-id/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(ExternalIdQuery, location="query")
@blueprint.response(200, ManagerShape)
def by_external_id(actor: Actor, query: dict[str, Any]) -> User:
    """Find yourself by your own identifier."""
    return platform().db.read(
        lambda session: users.manager_by_external_id(session, actor, query["external_id"])
    )


@blueprint.route("/<int:manager>/")
@authenticated()
@blueprint.response(200, ManagerShape)
def get_manager(actor: Actor, manager: int) -> User:
    """Read your own record."""
    return platform().db.read(lambda session: users.manager(session, actor, manager))


@blueprint.route("/<int:manager>/", methods=["PUT"])
@authenticated()
@blueprint.arguments(ManagerShape)
@blueprint.response(201, ManagerShape)
def update_manager(actor: Actor, body: dict[str, Any], manager: int) -> User:
    """Change your own record. What is not given stays; the success code really is 201.

    A new address counts once the link that is mailed to it was opened; until then answers have the
    former one.
    """
    return platform().db.write(lambda session: users.update_manager(session, actor, manager, body))


@blueprint.route("/<int:manager>/change-password/", methods=["POST"])
@authenticated()
@blueprint.arguments(NewPasswordShape)
@blueprint.response(204)
def change_password(actor: Actor, body: dict[str, Any], manager: int) -> None:
    """Change your own password. Your tokens live on."""
    passwords.change(actor, MANAGER, manager, body["password"])
