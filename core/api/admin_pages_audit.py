"""What administrators changed, and what clients may ask for."""

from typing import Any

from flask import request
from sqlalchemy.orm import Session

from core.api.admin import AUDIT
from core.api.admin_pages import administrator, listed, page, section
from core.api.platform import platform
from core.api.throttle import ADDRESS, UPLINK, throttle
from core.services import audit, clients

# Where a kind of thing has a page of its own.
PAGES = {"user": "/admin/users/", "client": "/admin/clients/", "device": "/admin/devices/"}
TIMES = ("time_from", "time_to")

blueprint = section("audit", __name__)


@blueprint.get("/audit-log/")
def changes() -> Any:
    actor = administrator()
    given = {name: _utc(name, value) for name, value in request.args.items()}

    def read(session: Session) -> dict[str, Any]:
        return {
            **listed(session, AUDIT, audit.listing(actor), given),
            "kinds": audit.kinds(session, actor),
        }

    shown = platform().db.read(read)
    return page("audit.html", 400 if shown["failed"] else 200, pages_of=PAGES, **shown)


def _utc(name: str, value: str) -> str:
    """Fields of the page have no offset; an address that was written by hand may have one."""
    return f"{value}Z" if name in TIMES and len(value) in (16, 19) else value


@blueprint.get("/throttles/")
def throttles() -> Any:
    actor = administrator()
    judge = throttle()
    judge.flush()
    today = platform().db.read(lambda session: clients.used_today(session, actor))
    limits = [(f"client, class {name}", *pair) for name, pair in clients.THROTTLE_CLASSES.items()]
    limits += [("device", *UPLINK), ("address, without a good token", *ADDRESS)]
    factor = platform().config.throttle
    scaled = [(name, rate * factor, burst * factor) for name, rate, burst in limits]
    return page(
        "throttles.html", limits=scaled, factor=factor, today=today, unjudged=judge.unjudged
    )
