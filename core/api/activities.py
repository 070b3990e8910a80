"""Activities: matches, trainings, races. Their time frames hold who wore which device when."""

from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from core.api.filters import Listing, contains, reference
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Shape, Text
from core.models import Activity
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import activities

blueprint = Blueprint(
    "activities",
    __name__,
    url_prefix="/api/v1/activities",
    description="Activities, checked against the JSON schema of their sport.",
)

LISTING = Listing(
    "Activity",
    key=Activity.id,
    filters={"name": contains(Activity.name), "owner": reference(Activity.owner_id)},
    ordering={"name": Activity.name},
    search=(Activity.name,),
)


class ActivityShape(Shape):
    id = Id(dump_only=True)
    name = Text(255, shortest=1, required=True)
    json = fields.Dict(required=True)
    json_schema = Id(required=True, attribute="json_schema_id")
    owner = Id(required=True, attribute="owner_id")


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": body["name"],
        "json": body["json"],
        "json_schema": body["json_schema_id"],
        "owner": body["owner_id"],
    }


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(ActivityShape))
def list_activities(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Your activities."""
    return read_page(query, lambda s: LISTING.apply(activities.listing(actor), query))


@blueprint.route("/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(ActivityShape)
@blueprint.response(201, ActivityShape)
def create_activity(actor: Actor, body: dict[str, Any]) -> Activity:
    """Create an activity; ``owner`` must be yourself."""
    return platform().db.write(lambda session: activities.create(session, actor, **_plain(body)))


@blueprint.route("/<int:activity>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.retrieval(), location="query")
@blueprint.response(200, ActivityShape)
def get_activity(actor: Actor, query: dict[str, Any], activity: int) -> Activity:
    """Read an activity of yours. A filter that does not match hides it."""

    def read(session: Session) -> Activity:
        found = activities.get(session, actor, activity)
        mine = activities.listing(actor).where(Activity.id == activity)
        LISTING.require(session, mine, query, f"activity {activity}")
        return found

    return platform().db.read(read)


@blueprint.route("/<int:activity>/", methods=["PUT"])
@authenticated(MANAGER)
@blueprint.arguments(ActivityShape)
@blueprint.response(200, ActivityShape)
def update_activity(actor: Actor, body: dict[str, Any], activity: int) -> Activity:
    """Replace an activity; all of its time frames are computed anew."""
    return platform().db.write(
        lambda session: activities.update(session, actor, activity, **_plain(body))
    )


@blueprint.route("/<int:activity>/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def delete_activity(actor: Actor, activity: int) -> None:
    """Delete an activity with its time frames and results; samples stay with their devices."""
    platform().db.write(lambda session: activities.remove(session, actor, activity))
