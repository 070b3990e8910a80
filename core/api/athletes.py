"""Athletes: open registration, managed athletes, lists by right."""

from typing import Any

import marshmallow as ma
from flask import Response, jsonify
from marshmallow import fields
from sqlalchemy.orm import Session

from core.api import passwords
from core.api.filters import Listing, contains, flag, one_of, reference, span
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.passwords import NewPasswordShape, Password, hashed
from core.api.people import Address, AthleteProfileShape, ExternalIdQuery, UserShape
from core.api.platform import platform
from core.api.shapes import BYTES, Day, Id, Shape, Text
from core.models import AthleteProfile, User
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.policy import Actor
from core.services import deletion, exports, users

blueprint = Blueprint(
    "athletes",
    __name__,
    url_prefix="/api/v1/athletes",
    description="Athletes own their data and say who may read, write or share it.",
)

LISTING = Listing(
    "Athlete",
    key=User.id,
    filters={
        "email": contains(User.email),
        "username": contains(User.username),
        "external_id": contains(User.external_id),
        "first_name": contains(AthleteProfile.first_name),
        "last_name": contains(AthleteProfile.last_name),
        "gender": one_of(AthleteProfile.gender, "M", "F"),
        "managed_by": reference(User.managed_by_id),
        "is_managed": flag(User.managed_by_id.is_not(None)),
        **span("birthdate", AthleteProfile.birth_date, Day),
    },
    ordering={
        "username": User.username,
        "email": User.email,
        "external_id": User.external_id,
        "first_name": AthleteProfile.first_name,
        "last_name": AthleteProfile.last_name,
        "gender": AthleteProfile.gender,
        "birthdate": AthleteProfile.birth_date,
        "managed_by": User.managed_by_id,
    },
    search=(
        User.external_id,
        User.username,
        User.email,
        AthleteProfile.last_name,
        AthleteProfile.first_name,
    ),
)


class AthleteShape(UserShape):
    """A managed athlete has no ``email``. ``is_default_athlete`` stands on the items of a list that
    is filtered by ``managed_by``.
    """

    email = Address()
    managed_by = fields.Integer(attribute="managed_by_id", dump_only=True, allow_none=True)
    athlete_profile = fields.Nested(AthleteProfileShape)
    is_default_athlete = fields.Boolean(dump_only=True)

    @ma.post_dump(pass_original=True)
    def as_contract(self, data: dict[str, Any], user: User, **_: Any) -> dict[str, Any]:
        if user.managed_by_id is not None:
            data.pop("email", None)
        if not self.says_default:
            data.pop("is_default_athlete", None)
        return data

    says_default = False


class ListedByManagerShape(AthleteShape):
    says_default = True


class AthleteChangeShape(AthleteShape):
    email = Address(required=True)


class AthleteRegistrationShape(AthleteChangeShape):
    password = Password()


class ManagedAthleteShape(Shape):
    external_id = Text(255, allow_none=True)
    managed_by = Id(required=True)
    athlete_profile = fields.Nested(AthleteProfileShape)


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(AthleteShape))
def list_athletes(actor: Actor, query: dict[str, Any]) -> Response:
    """The athletes on whom you hold READ now."""
    shape = ListedByManagerShape() if "managed_by" in query else AthleteShape()
    return jsonify(
        read_page(query, lambda s: LISTING.apply(users.athletes(actor), query), shape.dump)
    )


@blueprint.route("/", methods=["POST"])
@blueprint.arguments(AthleteRegistrationShape)
@blueprint.response(201, AthleteShape)
def register(body: dict[str, Any]) -> User:
    """Register an athlete.

    Without a password the account is made, but nobody can log in to it before one is set.
    """
    password_hash = hashed(body.get("password"))
    return platform().db.write(
        lambda session: users.register_athlete(
            session,
            username=body["username"],
            email=body["email"],
            external_id=body.get("external_id"),
            profile=body.get("athlete_profile"),
            password_hash=password_hash,
        )
    )


@blueprint.route("/create-managed/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(ManagedAthleteShape)
@blueprint.response(201, AthleteShape)
def create_managed(actor: Actor, body: dict[str, Any]) -> User:
    """Create an athlete whom you manage.

    Needs the extra permission can_create_managed_athletes, and gives you READ, WRITE and SHARE from
    1970 to the end of 2199.
    """
    return platform().db.write(
        lambda session: users.create_managed_athlete(
            session,
            actor,
            managed_by=body["managed_by"],
            external_id=body.get("external_id"),
            profile=body.get("athlete_profile"),
        )
    )


@blueprint.route("/by-external-id/")
@authenticated()
@blueprint.arguments(ExternalIdQuery, location="query")
@blueprint.response(200, AthleteShape)
def by_external_id(actor: Actor, query: dict[str, Any]) -> User:
    """Find an athlete by your own identifier."""
    return platform().db.read(
        lambda session: users.athlete_by_external_id(session, actor, query["external_id"])
    )


@blueprint.route("/<int:athlete>/")
@authenticated()
@blueprint.arguments(LISTING.retrieval(), location="query")
@blueprint.response(200, AthleteShape)
def get_athlete(actor: Actor, query: dict[str, Any], athlete: int) -> User:
    """Read an athlete: with READ now, or yourself. A filter that does not match hides them."""

    def read(session: Session) -> User:
        found = users.athlete(session, actor, athlete)
        mine = users.athletes(actor).where(User.id == athlete)
        LISTING.require(session, mine, query, f"athlete {athlete}")
        return found

    return platform().db.read(read)


@blueprint.route("/<int:athlete>/", methods=["PUT"])
@authenticated()
@blueprint.arguments(AthleteChangeShape)
@blueprint.response(201, AthleteShape)
def update_athlete(actor: Actor, body: dict[str, Any], athlete: int) -> User:
    """Change your own record. What is not given stays; the success code really is 201.

    A new address counts once the link that is mailed to it was opened; until then answers have the
    former one.
    """
    return platform().db.write(lambda session: users.update_athlete(session, actor, athlete, body))


@blueprint.route("/<int:athlete>/", methods=["DELETE"])
@authenticated()
@blueprint.response(204)
def delete_athlete(actor: Actor, athlete: int) -> None:
    """Delete yourself. At once nobody reads you or logs in as you; a job removes your data."""
    app = platform()
    app.db.write(lambda session: deletion.remove_own(session, actor, athlete))
    app.tokens.forget()


@blueprint.route("/<int:athlete>/update-managed/", methods=["PUT"])
@authenticated(MANAGER)
@blueprint.arguments(ManagedAthleteShape)
@blueprint.response(201, AthleteShape)
def update_managed(actor: Actor, body: dict[str, Any], athlete: int) -> User:
    """Change an athlete whom you manage. Needs the extra permission can_create_managed_athletes."""
    return platform().db.write(lambda s: users.update_managed_athlete(s, actor, athlete, body))


@blueprint.route("/<int:athlete>/delete-managed/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def delete_managed(actor: Actor, athlete: int) -> None:
    """Delete an athlete whom you manage; their data goes as if they had deleted themselves."""
    platform().db.write(lambda session: deletion.remove_managed(session, actor, athlete))


@blueprint.route("/<int:athlete>/change-password/", methods=["POST"])
@authenticated()
@blueprint.arguments(NewPasswordShape)
@blueprint.response(204)
def change_password(actor: Actor, body: dict[str, Any], athlete: int) -> None:
    """Change your own password. Your tokens live on."""
    passwords.change(actor, ATHLETE, athlete, body["password"])


@blueprint.route("/<int:athlete>/export/")
@authenticated()
@blueprint.response(200, BYTES, content_type="application/zip")
def export(actor: Actor, athlete: int) -> Response:
    """All that is held on an athlete, as a zip. For the athlete, and for who manages them."""
    return zipped(actor, athlete)


def zipped(actor: Actor, athlete: int) -> Response:
    """The zip, made while it is sent."""
    app = platform()
    held = app.db.read(lambda session: exports.gather(session, actor, athlete))
    parts = exports.pack(app.db, app.objects, held, app.offload)
    name = f"touchline-athlete-{athlete}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(parts, mimetype="application/zip", headers=headers)
