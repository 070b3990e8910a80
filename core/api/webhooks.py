"""Webhooks: registrations, per activity."""

from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields
from sqlalchemy.orm import Session

from core.api.guard import authenticated
from core.api.paging import PageQuery, page_of, paged
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Flag, Id, Shape, Text, computed
from core.models import Webhook
from core.models.users import ADMINISTRATOR, MANAGER
from core.policy import Actor
from core.services import webhooks

LONGEST_URL, LONGEST_SECRET = 200, 100

blueprint = Blueprint(
    "webhooks",
    __name__,
    url_prefix="/api/v1/activities/<int:activity>/webhooks",
    description="Where your server wants to be told of an activity's events.",
)


def _address(value: str) -> str:
    """An absolute http or https URL with a host, without credentials or a fragment."""
    if any(character.isspace() or not character.isprintable() for character in value):
        raise ma.ValidationError("holds a blank or a control character")
    try:
        parts = urlsplit(value)
        parts.port  # noqa: B018 -- reading it is what checks it
    except ValueError as error:
        raise ma.ValidationError(f"not a URL: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ma.ValidationError("must be an http or https URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ma.ValidationError("must not hold credentials")
    if parts.fragment:
        raise ma.ValidationError("must not have a fragment")
    return value


class UrlText(Text):
    """A URL that can be called."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        return _address(super()._deserialize(value, attr, data, **kwargs))


class WebhookGivenShape(Shape):
    """A registration. ``secret_token`` is sent with each call; read back, all but its first two
    characters are hidden, and sent back so it stays as it is.
    """

    id = Id(dump_only=True)
    webhook_url = UrlText(LONGEST_URL, required=True)
    secret_token = Text(LONGEST_SECRET, shortest=1, required=True)
    activity_events = Flag(required=True)
    timeframes_events = Flag(required=True)


class WebhookShape(WebhookGivenShape):
    secret_token = computed(fields.String, webhooks.masked)  # type: ignore[assignment]


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(WebhookShape))
def list_webhooks(actor: Actor, query: dict[str, Any], activity: int) -> dict[str, Any]:
    """The webhooks of an activity of yours."""

    def read(session: Session) -> dict[str, Any]:
        found = webhooks.listing(session, actor, activity)
        return paged(session, found, query["page"], query["limit"])

    return platform().db.read(read)


@blueprint.route("/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(WebhookGivenShape)
@blueprint.response(200, WebhookShape)
def create_webhook(actor: Actor, body: dict[str, Any], activity: int) -> Webhook:
    """Register a webhook with an activity of yours; the success code really is 200."""
    return platform().db.write(lambda s: webhooks.create(s, actor, activity, body))


@blueprint.route("/<int:webhook>/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.response(200, WebhookShape)
def get_webhook(actor: Actor, activity: int, webhook: int) -> Webhook:
    """Read a registration; all but two characters of its secret are hidden."""
    return platform().db.read(lambda s: webhooks.get(s, actor, activity, webhook))


@blueprint.route("/<int:webhook>/", methods=["PUT"])
@authenticated(MANAGER)
@blueprint.arguments(WebhookGivenShape)
@blueprint.response(200, WebhookShape)
def update_webhook(actor: Actor, body: dict[str, Any], activity: int, webhook: int) -> Webhook:
    """Replace a registration."""
    return platform().db.write(lambda s: webhooks.update(s, actor, activity, webhook, body))


@blueprint.route("/<int:webhook>/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def delete_webhook(actor: Actor, activity: int, webhook: int) -> None:
    """Take a registration away."""
    platform().db.write(lambda s: webhooks.remove(s, actor, activity, webhook))
