"""What a webhook was sent: the log of attempts, sending again, and the proof of what arrived."""

from typing import Any

import marshmallow as ma
from marshmallow import fields
from sqlalchemy import Select
from sqlalchemy.orm import Session

from core import events
from core.api.filters import Listing, one_of, span
from core.api.guard import authenticated
from core.api.paging import PageQuery, page_of, paged, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Moment, Shape, computed
from core.api.webhooks import WebhookShape
from core.errors import BadInput
from core.models import Delivery, Webhook
from core.models.users import ADMINISTRATOR, MANAGER
from core.models.webhooks import DELIVERED, EVENT, FAILED, PENDING
from core.policy import Actor
from core.services import delivery_log
from core.services.delivery_plan import CHALLENGE_TYPE, TEST_TYPE

blueprint = Blueprint(
    "deliveries",
    __name__,
    url_prefix="/api/v1/webhooks/<int:webhook>",
    description="What was sent to a webhook and what was not.",
)

LISTING = Listing(
    "Delivery",
    Delivery.id,
    filters={
        "state": one_of(Delivery.state, PENDING, DELIVERED, FAILED),
        "type": one_of(Delivery.type, *events.WEBHOOK_TYPES, CHALLENGE_TYPE, TEST_TYPE),
        **span("time", Delivery.created),
    },
    ordering={"created": Delivery.created, "sequence": Delivery.sequence},
)


class ResourceShape(ma.Schema):
    kind = fields.String()
    id = fields.Integer()


class AttemptShape(ma.Schema):
    """``status`` of the answer, or ``error`` where there was none; how the answer's body began."""

    time = Moment()
    milliseconds = fields.Integer()
    status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    answer = fields.String(allow_none=True)


def _sequence(delivery: Delivery) -> int | None:
    return delivery.sequence if delivery.kind == EVENT else None


def _next_attempt(delivery: Delivery) -> int | None:
    return delivery.due if delivery.state == PENDING else None


class DeliveryShape(ma.Schema):
    """``id`` is the ``webhook-id``, for an event the event's id."""

    id = fields.String(attribute="message")
    kind = fields.String(metadata={"description": "event, test or verification"})
    type = fields.String()
    sequence = computed(fields.Integer, _sequence, allow_none=True)
    state = fields.String(metadata={"description": "pending, delivered or failed"})
    attempts = fields.Integer()
    status = fields.Integer(allow_none=True)
    error = fields.String(allow_none=True)
    created = Moment()
    next_attempt = computed(Moment, _next_attempt, allow_none=True)
    finished = Moment(allow_none=True)
    log = fields.List(fields.Nested(AttemptShape))


class RedeliveryShape(Shape):
    """Events created in ``[from, to)``."""

    start = Moment(required=True, data_key="from")
    stop = Moment(required=True, data_key="to")


class PlannedShape(ma.Schema):
    planned = fields.Integer(metadata={"description": "How many events will be sent."})


class ReconcileQuery(PageQuery):
    start = Moment(
        data_key="from",
        load_default=0,
        metadata={"description": "Events created at or after this moment; else all."},
    )
    stop = Moment(
        data_key="to",
        load_default=None,
        metadata={"description": "Events created before this moment."},
    )


class ToldShape(ma.Schema):
    """An event of the feed, and what became of it. ``state`` is ``missing`` where no delivery was
    planned, since the webhook was disabled or not yet verified.
    """

    id = fields.String(attribute="event.id")
    sequence = fields.Integer(attribute="event.sequence")
    type = fields.String(attribute="event.type")
    created = Moment(attribute="event.created")
    resource = fields.Nested(ResourceShape)
    revision = fields.Integer(attribute="event.revision")
    state = fields.String(
        metadata={"description": "delivered, pending, failed or missing"},
    )
    attempts = fields.Integer()
    delivered = Moment(allow_none=True)


class SummaryShape(ma.Schema):
    """Over the whole range, not the page."""

    delivered = fields.Integer()
    pending = fields.Integer()
    failed = fields.Integer()
    missing = fields.Integer()


class ReconciliationShape(ma.Schema):
    count = fields.Integer(required=True)
    page = fields.Integer(required=True)
    next = fields.Integer(required=True, allow_none=True)
    previous = fields.Integer(required=True, allow_none=True)
    summary = fields.Nested(SummaryShape, required=True)
    results = fields.List(fields.Nested(ToldShape), required=True)


@blueprint.route("/deliveries/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(LISTING.query(), location="query")
@blueprint.response(200, page_of(DeliveryShape))
def list_deliveries(actor: Actor, query: dict[str, Any], webhook: int) -> dict[str, Any]:
    """Every message to a webhook of yours, with every attempt and when the next one is due."""

    def messages(session: Session) -> Select[Any]:
        found = delivery_log.readable(session, actor, webhook)
        return LISTING.apply(delivery_log.listing(found), query)

    return read_page(query, messages)


@blueprint.route("/deliveries/<event>/redeliver/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.response(202, DeliveryShape)
def redeliver_event(actor: Actor, webhook: int, event: str) -> Delivery:
    """Send one event again, with the same id."""
    return platform().db.write(lambda s: delivery_log.redeliver(s, actor, webhook, event))


@blueprint.route("/redeliver/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(RedeliveryShape)
@blueprint.response(202, PlannedShape)
def redeliver_events(actor: Actor, body: dict[str, Any], webhook: int) -> dict[str, int]:
    """Send every event of a range of time again that the webhook is for."""
    if body["start"] >= body["stop"]:
        raise BadInput.at("/to", "must be after from")
    planned = platform().db.write(
        lambda s: delivery_log.redeliver_range(s, actor, webhook, body["start"], body["stop"])
    )
    return {"planned": planned}


@blueprint.route("/test/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.response(202, DeliveryShape)
def test_webhook(actor: Actor, webhook: int) -> Delivery:
    """Send a message that is no event, once; its outcome is in the list of deliveries."""
    return platform().db.write(lambda s: delivery_log.send_test(s, actor, webhook))


@blueprint.route("/enable/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.response(200, WebhookShape)
def enable_webhook(actor: Actor, webhook: int) -> Webhook:
    """Make a disabled webhook active again."""
    return platform().db.write(lambda s: delivery_log.enable(s, actor, webhook))


@blueprint.route("/reconcile/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(ReconcileQuery, location="query")
@blueprint.response(200, ReconciliationShape)
def reconcile_webhook(actor: Actor, query: dict[str, Any], webhook: int) -> dict[str, Any]:
    """Event by event: what the change feed has for this webhook, and whether it was delivered."""
    start, stop = query["start"], query["stop"]
    if stop is not None and start >= stop:
        raise BadInput.at("/to", "must be after from")

    def read(session: Session) -> dict[str, Any]:
        hook = delivery_log.readable(session, actor, webhook)
        statement = delivery_log.reconciled(hook, start, stop)
        body = paged(session, statement, query["page"], query["limit"])
        body["results"] = delivery_log.with_deliveries(session, hook, body["results"])
        return {**body, "summary": delivery_log.counts(session, hook, start, stop)}

    return platform().db.read(read)
