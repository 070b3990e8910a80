"""An athlete's access log: who read their data, and when."""

from typing import Any

import marshmallow as ma
from marshmallow import fields

from core.api.filters import Listing, exact, reference, span
from core.api.guard import authenticated
from core.api.paging import page_of, read_page
from core.api.parsing import Blueprint
from core.api.shapes import Moment
from core.models import AccessEvent
from core.policy import Actor
from core.services import access_log

blueprint = Blueprint(
    "access-log",
    __name__,
    url_prefix="/api/v1/athletes/<int:athlete>/access-log",
    description="One row for each hour in which somebody else read one kind of an athlete's data "
    "through one program.",
)

LISTING = Listing(
    "AccessLog",
    key=AccessEvent.id.desc(),
    filters={
        "reader": reference(AccessEvent.reader_id),
        "kind": exact(AccessEvent.kind),
        "program": exact(AccessEvent.program),
        **span("time", AccessEvent.time),
    },
    ordering={"time": AccessEvent.time},
)


class AccessEventShape(ma.Schema):
    """``reader`` is empty where the account is gone; its name stays. ``program``: the OAuth client
    or the webhook, empty for the platform's own pages. ``time``: the first read in that hour.
    """

    id = fields.Integer()
    reader = fields.Integer(attribute="reader_id", allow_none=True)
    username = fields.String(attribute="reader")
    role = fields.String()
    kind = fields.String()
    program = fields.String()
    time = Moment()


@blueprint.route("/")
@authenticated()
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(AccessEventShape))
def list_access(actor: Actor, query: dict[str, Any], athlete: int) -> dict[str, Any]:
    """Who read your data, newest first."""
    return read_page(query, lambda s: LISTING.apply(access_log.listing(s, actor, athlete), query))
