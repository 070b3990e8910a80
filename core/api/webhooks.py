"""Webhooks: registrations, per activity. What was sent to them: core.api.deliveries."""

import re
from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from marshmallow import fields, validate

from core import events
from core.api.guard import authenticated
from core.api.paging import PageQuery, page_of, read_page
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Flag, Id, Shape, Text, computed
from core.errors import BadInput
from core.models import Webhook
from core.models.users import ADMINISTRATOR, MANAGER
from core.models.webhooks import DEFAULT_HEADER
from core.net import Refused
from core.policy import Actor
from core.services import webhooks
from core.services.signing import PREFIX, decodes

LONGEST_URL, LONGEST_SECRET, LONGEST_HEADER = 200, 100, 64
# Names that say how a message is to be read or passed on, and those that we send ourselves.
TAKEN_HEADERS = re.compile(
    "host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|expect|date|cookie|via"
    "|forwarded|user-agent|(accept|content|proxy|sec|webhook|x-forwarded)(-.*)?",
    re.IGNORECASE,
)

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


def _secret(value: str) -> None:
    """What a header can carry: UTF-8 without control characters or blanks at its ends."""
    if value != value.strip() or not value.isprintable():
        raise ma.ValidationError("holds a control character, or a blank at an end")
    if value.startswith(PREFIX) and not decodes(value):
        raise ma.ValidationError(f"what follows {PREFIX} must be base64")


def _header(value: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ma.ValidationError("is no name of a header")
    if TAKEN_HEADERS.fullmatch(value):
        raise ma.ValidationError("has a meaning of its own; choose another name")


class SecretText(Text):
    """A text that a header can carry."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        _secret(text)
        return text


class HeaderText(Text):
    """The name of a header that is free to use."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        _header(text)
        return text


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
    secret_token = SecretText(LONGEST_SECRET, shortest=1, required=True)
    activity_events = Flag(required=True)
    timeframes_events = Flag(required=True)
    events = fields.List(
        fields.String(validate=validate.OneOf(events.WEBHOOK_TYPES)),
        load_default=None,
        allow_none=True,
        validate=validate.Length(1, len(events.WEBHOOK_TYPES)),
        metadata={"description": "The types told, instead of what the two flags stand for."},
    )
    secret_header = HeaderText(
        LONGEST_HEADER,
        shortest=1,
        load_default=DEFAULT_HEADER,
        metadata={"description": "The header that carries ``secret_token``."},
    )
    verify = Flag(
        load_default=False,
        metadata={"description": "Ask the receiver first: nothing is sent until it answers."},
    )
    state = fields.String(
        dump_only=True, metadata={"description": "active, pending (see verify) or disabled"}
    )
    reason = fields.String(
        dump_only=True, allow_none=True, metadata={"description": "Why it is not active."}
    )


class WebhookShape(WebhookGivenShape):
    secret_token = computed(fields.String, webhooks.masked)  # type: ignore[assignment]


class RotationShape(Shape):
    """Without ``secret_token`` a random one is made."""

    secret_token = SecretText(LONGEST_SECRET, shortest=1)


class RotatedShape(ma.Schema):
    secret = fields.String(metadata={"description": "The new secret; it is shown this once."})
    webhook = fields.Nested(WebhookShape)


def _reach(actor: Actor, activity: int, url: str) -> None:
    """Refuse a target that we would never call. Not in the write: a name server is asked."""
    platform().db.read(lambda s: webhooks.changeable(s, actor, activity))
    try:
        platform().caller.check(url)
    except Refused as refused:
        raise BadInput.at("/webhook_url", str(refused)) from None


@blueprint.route("/")
@authenticated(MANAGER, ADMINISTRATOR)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(WebhookShape))
def list_webhooks(actor: Actor, query: dict[str, Any], activity: int) -> dict[str, Any]:
    """The webhooks of an activity of yours."""
    return read_page(query, lambda s: webhooks.listing(s, actor, activity))


@blueprint.route("/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(WebhookGivenShape)
@blueprint.response(200, WebhookShape)
def create_webhook(actor: Actor, body: dict[str, Any], activity: int) -> Webhook:
    """Register a webhook with an activity of yours; the success code really is 200."""
    _reach(actor, activity, body["webhook_url"])
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
    """Replace a registration; one that was disabled is active again."""
    _reach(actor, activity, body["webhook_url"])
    return platform().db.write(lambda s: webhooks.update_(s, actor, activity, webhook, body))


@blueprint.route("/<int:webhook>/", methods=["DELETE"])
@authenticated(MANAGER)
@blueprint.response(204)
def delete_webhook(actor: Actor, activity: int, webhook: int) -> None:
    """Take a registration away."""
    platform().db.write(lambda s: webhooks.remove(s, actor, activity, webhook))


@blueprint.route("/<int:webhook>/rotate-secret/", methods=["POST"])
@authenticated(MANAGER)
@blueprint.arguments(RotationShape)
@blueprint.response(200, RotatedShape)
def rotate_webhook_secret(
    actor: Actor, body: dict[str, Any], activity: int, webhook: int
) -> dict[str, Any]:
    """Give a webhook another secret; for a day messages are signed with both."""
    given = body.get("secret_token")
    found, secret = platform().db.write(
        lambda s: webhooks.change_secret(s, actor, activity, webhook, given)
    )
    return {"secret": secret, "webhook": found}
