"""JSON schemas: what the ``json`` of an activity and the ``params`` of a time frame may hold."""

from typing import Any

from marshmallow import fields
from sqlalchemy.orm import Session

from core.api.filters import Listing, one_of, reference
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Shape
from core.models import JsonSchema
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import json_schemas

blueprint = Blueprint(
    "json-schemas",
    __name__,
    url_prefix="/api/v1/json-schemas",
    description="One schema per sport and kind; of rows with the same name the highest id is "
    "current.",
)

LISTING = Listing(
    "JsonSchema",
    key=JsonSchema.id,
    filters={
        "type": one_of(JsonSchema.type, json_schemas.ACTIVITY, json_schemas.TIMEFRAME),
        "parent": reference(JsonSchema.parent_id),
    },
    ordering={
        "name": JsonSchema.name,
        "type": JsonSchema.type,
        "parent": JsonSchema.parent_id,
    },
    search=(JsonSchema.name,),
)


class JsonSchemaShape(Shape):
    id = Id(dump_only=True)
    name = fields.String(dump_only=True)
    type = fields.String(dump_only=True)
    parent = fields.Integer(attribute="parent_id", dump_only=True, allow_none=True)
    schema = fields.Dict(dump_only=True)


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(JsonSchemaShape))
def list_schemas(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Every JSON schema, older versions included."""
    return read_page(query, lambda s: LISTING.apply(json_schemas.listing(actor), query))


@blueprint.route("/<int:json_schema>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.retrieval(), location="query")
@blueprint.response(200, JsonSchemaShape)
def get_schema(actor: Actor, query: dict[str, Any], json_schema: int) -> JsonSchema:
    """Read a JSON schema. A filter that does not match hides it."""

    def read(session: Session) -> JsonSchema:
        found = json_schemas.get(session, actor, json_schema)
        every = json_schemas.listing(actor).where(JsonSchema.id == json_schema)
        LISTING.require(session, every, query, f"JSON schema {json_schema}")
        return found

    return platform().db.read(read)
