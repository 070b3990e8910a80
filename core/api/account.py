"""The caller's own account."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma
from marshmallow import fields

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.people import AthleteProfileShape, ManagerProfileShape
from core.api.platform import platform
from core.api.shapes import Id
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor
from core.services import users

blueprint = Blueprint(
    "account", __name__, url_prefix="/api/v1/account", description="The caller's own account."
)


class AccountShape(ma.Schema):
    """Which profile it carries follows the role."""

    id = Id()
    username = fields.String()
    external_id = fields.String(allow_none=True)
    email = fields.String(allow_none=True)
    role = fields.String()
    extra_permissions = fields.List(fields.String())
    manager_profile = fields.Nested(ManagerProfileShape)
    athlete_profile = fields.Nested(AthleteProfileShape)
    managed_by = fields.Integer(attribute="managed_by_id", allow_none=True)

    @ma.post_dump(pass_original=True)
    def by_role(self, data: dict[str, Any], user: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        absent = set()
        if user["role"] != MANAGER:
            absent |= {"manager_profile"}
        if user["role"] != ATHLETE:
            absent |= {"athlete_profile", "managed_by"}
        return {key: value for key, value in data.items() if key not in absent}


@blueprint.route("/")
@authenticated()
@blueprint.response(200, AccountShape)
def get_account(actor: Actor) -> dict[str, Any]:
    """Who am I?"""
    return platform().db.look(lambda connection: users.account(connection, actor))
