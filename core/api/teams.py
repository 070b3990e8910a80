"""Teams: name, groups, members over time."""

from typing import Any

import marshmallow as ma
from marshmallow import fields, validate

from core.api.filters import Listing, contains, reference
from core.api.guard import authenticated
from core.api.paging import PageQuery, page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Moment, Shape, Text
from core.clock import BEGINNING, FAR_FUTURE
from core.models import Team, TeamMember
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import teams

MOST_GROUPS = 100

blueprint = Blueprint(
    "teams",
    __name__,
    url_prefix="/api/v1/teams",
    description="A manager's own teams. Being in a team gives nobody a right.",
)

LISTING = Listing(
    "Team",
    key=Team.id,
    filters={"name": contains(Team.name), "owner": reference(Team.owner_id)},
    ordering={"name": Team.name, "created": Team.created},
    search=(Team.name,),
)


def _groups() -> fields.List:
    return fields.List(
        Text(100, shortest=1), load_default=list, validate=validate.Length(max=MOST_GROUPS)
    )


class TeamShape(Shape):
    """``groups``: their names, in the order in which they are shown."""

    id = Id(dump_only=True)
    name = Text(255, shortest=1, required=True)
    groups = _groups()
    owner = Id(attribute="owner_id", dump_only=True)
    created = Moment(dump_only=True)


class MembershipShape(Shape):
    """In the team over ``[start_time, end_time)``, by default for ever; in ``groups`` of the
    team's.
    """

    id = Id(dump_only=True)
    athlete = Id(attribute="athlete_id", required=True)
    start_time = Moment(load_default=BEGINNING)
    end_time = Moment(load_default=FAR_FUTURE)
    groups = _groups()


class MembershipChangeShape(MembershipShape):
    """The athlete of a membership stays."""

    athlete = Id(attribute="athlete_id", dump_only=True)


class MembersQuery(PageQuery):
    at = Moment(metadata={"description": "Who is in the team at this moment."})
    group = fields.String(metadata={"description": "Who is in this group."})

    class Meta:
        unknown = ma.EXCLUDE


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(TeamShape))
def list_teams(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Your teams."""
    return read_page(query, lambda s: LISTING.apply(teams.listing(actor), query))


@blueprint.route("/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(TeamShape)
@blueprint.response(201, TeamShape)
def create_team(actor: Actor, body: dict[str, Any]) -> Team:
    """Create a team of yours."""
    return platform().db.write(lambda session: teams.create(session, actor, **body))


@blueprint.route("/<int:team>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, TeamShape)
def get_team(actor: Actor, team: int) -> Team:
    """Read a team of yours."""
    return platform().db.read(lambda session: teams.get(session, actor, team))


@blueprint.route("/<int:team>/", methods=["PUT"])
@authenticated(MANAGER)
@blueprint.arguments(TeamShape)
@blueprint.response(200, TeamShape)
def update_team(actor: Actor, body: dict[str, Any], team: int) -> Team:
    """Replace name and groups; a group that is gone is taken from its members."""
    return platform().db.write(lambda session: teams.update(session, actor, team, **body))


@blueprint.route("/<int:team>/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def delete_team(actor: Actor, team: int) -> None:
    """Delete a team with its memberships; the athletes stay."""
    platform().db.write(lambda session: teams.remove(session, actor, team))


@blueprint.route("/<int:team>/members/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(MembersQuery, location="query")
@blueprint.response(200, page_of(MembershipShape))
def list_members(actor: Actor, query: dict[str, Any], team: int) -> dict[str, Any]:
    """Who is in the team when, by start."""
    return read_page(
        query,
        lambda s: teams.members(s, actor, team, moment=query.get("at"), group=query.get("group")),
    )


@blueprint.route("/<int:team>/members/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(MembershipShape)
@blueprint.response(201, MembershipShape)
def add_member(actor: Actor, body: dict[str, Any], team: int) -> TeamMember:
    """Add an athlete on whom you hold READ now."""
    athlete = body.pop("athlete_id")
    return platform().db.write(lambda s: teams.add_member(s, actor, team, athlete, **body))


@blueprint.route("/<int:team>/members/<int:member>/", methods=["PUT"])
@authenticated(MANAGER)
@blueprint.arguments(MembershipChangeShape)
@blueprint.response(200, MembershipShape)
def change_member(actor: Actor, body: dict[str, Any], team: int, member: int) -> TeamMember:
    """Set a membership's window and groups."""
    return platform().db.write(lambda s: teams.change_member(s, actor, team, member, **body))


@blueprint.route("/<int:team>/members/<int:member>/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def remove_member(actor: Actor, team: int, member: int) -> None:
    """Delete a membership as if it had never been; to end one, set its end_time."""
    platform().db.write(lambda session: teams.remove_member(session, actor, team, member))
