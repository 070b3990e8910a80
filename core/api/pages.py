"""The start page, and the page where a manager takes a device into use."""

from typing import Any

from flask import redirect, request, url_for
from sqlalchemy.orm import Session

from core.api.platform import platform
from core.auth import web
from core.errors import BadInput, NotFound
from core.models import Device
from core.models.users import ATHLETE, MANAGER
from core.policy import Actor
from core.services import devices, overview

MAX_PAGE = 10_000
LONGEST = 255

blueprint = web.blueprint("start", __name__)


@blueprint.get("/")
def start() -> Any:
    actor = web.actor()
    if actor is None:
        return web.page("welcome.html")
    if actor.role == MANAGER:
        return _manager(actor)
    return _athlete(actor) if actor.role == ATHLETE else redirect("/admin/", 303)


def _manager(actor: Actor) -> Any:
    search, page = _search(), page_number()

    def read(session: Session) -> dict[str, Any]:
        running, running_more = overview.activities(session, actor, overview.NOW, search)
        coming, coming_more = overview.activities(session, actor, overview.NEXT, search)
        past, more = overview.activities(session, actor, overview.PAST, search, page)
        trackers, total = overview.trackers(session, actor)
        managed, managed_count = overview.managed(session, actor)
        return {
            "running": running,
            "running_more": running_more,
            "coming": coming,
            "coming_more": coming_more,
            "past": past,
            "more": more,
            "trackers": trackers,
            "tracker_count": total,
            "managed": managed,
            "managed_count": managed_count,
        }

    return web.page("manager.html", search=search, page=page, **platform().db.read(read))


def _athlete(actor: Actor) -> Any:
    page = page_number()

    def read(session: Session) -> dict[str, Any]:
        running, _ = overview.activities(session, actor, overview.NOW)
        coming, _ = overview.activities(session, actor, overview.NEXT)
        past, more = overview.activities(session, actor, overview.PAST, page=page)
        readers, held, ended = overview.readers(session, actor)
        return {
            "current": running + coming,
            "past": past,
            "more": more,
            "readers": readers,
            "held": held,
            "ended": ended,
        }

    return web.page("athlete.html", page=page, **platform().db.read(read))


def _search() -> str:
    return request.args.get("q", "").strip()[:LONGEST]


def page_number() -> int:
    """Of what comes in pages; what is no page is the first."""
    text = request.args.get("page", "1")
    return min(int(text), MAX_PAGE) if text.isdecimal() and text.isascii() and int(text) else 1


@blueprint.get("/deleted/")
def deleted() -> Any:
    """Where an athlete stands after deleting themselves."""
    return web.page("deleted.html")


@blueprint.route("/device-activation/", methods=["GET", "POST"])
def activation() -> Any:
    actor = web.actor()
    if actor is None:
        return web.to_login()
    if actor.role != MANAGER:
        return web.page(
            "refused.html",
            403,
            title="Devices are for managers",
            detail="Log in with a manager's account to take a device into use.",
        )
    if request.method != "POST":
        return web.page("activation.html")
    given = {name: request.form.get(name, "").strip() for name in ("serial_number", "device_name")}
    try:
        device = _claim(actor, **given)
    except NotFound:
        failed = (
            "No device has this serial number and this name together. Both are printed on the "
            "device; mind capital letters."
        )
        return web.page("activation.html", 404, failed=failed, **given)
    except BadInput:
        failed = (
            f"The device {given['device_name']} belongs to another manager now. They have to "
            "release it first."
        )
        return web.page("activation.html", 400, failed=failed, **given)
    return redirect(url_for("start.activated", device=device.id), 303)


def _claim(actor: Actor, serial_number: str, device_name: str) -> Device:
    if "\x00" in serial_number + device_name:  # PostgreSQL has none in its texts
        raise NotFound("no device with this serial_number and device_name")
    return platform().db.write(
        lambda session: devices.claim(session, actor, serial_number, device_name)
    )


@blueprint.get("/device-activation/<int:device>/")
def activated(device: int) -> Any:
    actor = web.actor()
    if actor is None:
        return web.to_login()
    return web.page(
        "activated.html",
        device=platform().db.read(lambda session: devices.get(session, actor, device)),
    )
