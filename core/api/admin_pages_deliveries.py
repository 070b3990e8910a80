"""Webhooks and what was sent to them, as pages for administrators."""

from typing import Any
from urllib.parse import urlsplit

from flask import request
from sqlalchemy.orm import Session

from core.api.admin_pages import administrator, listed, page, section
from core.api.deliveries import LISTING
from core.api.filters import Listing, contains, one_of, reference
from core.api.platform import platform
from core.models import Webhook
from core.models.webhooks import ACTIVE, DISABLED, PENDING
from core.services import delivery_log, delivery_state

STATES = (ACTIVE, PENDING, DISABLED)

WEBHOOKS = Listing(
    "AdminWebhook",
    key=Webhook.id.desc(),
    filters={
        "state": one_of(Webhook.state, *STATES),
        "address": contains(Webhook.webhook_url),
        "owner": reference(Webhook.owner_id),
    },
)

blueprint = section("deliveries", __name__)


@blueprint.get("/deliveries/")
def show_all() -> Any:
    actor = administrator()

    def read(session: Session) -> dict[str, Any]:
        shown = listed(session, WEBHOOKS, delivery_state.listing(actor), request.args)
        rows = shown["found"]["results"]
        return {
            **shown,
            "standings": delivery_state.standings(session, actor, [row.id for row in rows]),
            "owners": delivery_state.owners(session, actor, [row.owner_id for row in rows]),
        }

    shown = platform().db.read(read)
    status = 400 if shown["failed"] else 200
    return page("deliveries.html", status, states=STATES, told=_told, **shown)


@blueprint.get("/deliveries/<int:webhook>/")
def show(webhook: int) -> Any:
    actor = administrator()
    given = {"ordering": "-created", **request.args}

    def read(session: Session) -> dict[str, Any]:
        row = delivery_log.readable(session, actor, webhook)
        return {
            **listed(session, LISTING, delivery_log.listing(row), given),
            "webhook": row,
            "owner": delivery_state.owners(session, actor, [row.owner_id])[row.owner_id],
            "standing": delivery_state.standings(session, actor, [row.id])[row.id],
        }

    shown = platform().db.read(read)
    return page("delivery.html", 400 if shown["failed"] else 200, told=_told, **shown)


def _told(address: str) -> str:
    """An address without what may be a secret in it: login, query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
