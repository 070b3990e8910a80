"""An athlete's permissions: who may read, write or share, within which range."""

from typing import Any

from marshmallow import fields, validate

from core import clock
from core.api.guard import authenticated
from core.api.paging import PageQuery, page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Moment, Shape, computed
from core.models import Permission
from core.policy import Actor
from core.services import permissions

blueprint = Blueprint(
    "permissions",
    __name__,
    url_prefix="/api/v1/athletes/<int:athlete>",
    description="Rights over an athlete's data, each held by one manager over one range of time.",
)


def _is_active(row: Permission) -> bool:
    return row.start_time <= clock.now() < row.expiration_time


class PermissionShape(Shape):
    id = Id(dump_only=True)
    manager = Id(attribute="manager_id", dump_only=True)
    athlete = Id(attribute="athlete_id", dump_only=True)
    start_time = Moment(required=True)
    expiration_time = Moment(required=True)
    permission = fields.String(required=True, validate=validate.OneOf(permissions.RIGHTS))
    is_active = computed(fields.Boolean, _is_active)


def _page(
    actor: Actor, query: dict[str, Any], athlete: int, manager: int | None = None
) -> dict[str, Any]:
    return read_page(query, lambda s: permissions.listing(s, actor, athlete, manager))


@blueprint.route("/permissions/")
@authenticated()
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(PermissionShape))
def list_permissions(actor: Actor, query: dict[str, Any], athlete: int) -> dict[str, Any]:
    """All permissions that the athlete has given."""
    return _page(actor, query, athlete)


@blueprint.route("/managers/<int:manager>/permissions/")
@authenticated()
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(PermissionShape))
def list_of_manager(
    actor: Actor, query: dict[str, Any], athlete: int, manager: int
) -> dict[str, Any]:
    """The permissions that one manager holds."""
    return _page(actor, query, athlete, manager)


@blueprint.route("/managers/<int:manager>/permissions/", methods=["POST"])
@authenticated()
@blueprint.arguments(PermissionShape)
@blueprint.response(200, PermissionShape)
def grant(actor: Actor, body: dict[str, Any], athlete: int, manager: int) -> Permission:
    """Give a permission. The success code really is 200.

    A manager who holds SHARE may give READ to another, inside the range of their own SHARE.
    """
    return platform().db.write(
        lambda session: permissions.grant(session, actor, athlete, manager, **body)
    )


@blueprint.route("/managers/<int:manager>/permissions/", methods=["DELETE"])
@authenticated()
@blueprint.response(204)
def revoke_all(actor: Actor, athlete: int, manager: int) -> None:
    """Take every permission from a manager."""
    platform().db.write(lambda session: permissions.revoke(session, actor, athlete, manager))


@blueprint.route("/managers/<int:manager>/permissions/<int:permission>/", methods=["DELETE"])
@authenticated()
@blueprint.response(204)
def revoke(actor: Actor, athlete: int, manager: int, permission: int) -> None:
    """Take one permission away; access to the past goes with it."""
    platform().db.write(
        lambda session: permissions.revoke(session, actor, athlete, manager, permission)
    )
