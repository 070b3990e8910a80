"""What the pages for administrators share; they stand on the services of ``/api/v1/admin/``."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

import marshmallow as ma
from flask import Blueprint, g, redirect, request, url_for
from sqlalchemy import Select
from sqlalchemy.orm import Session

from core.api.filters import Listing
from core.api.paging import paged
from core.api.problems import invalid
from core.auth import web
from core.models.users import ADMINISTRATOR
from core.policy import Actor

SECTIONS = (
    ("/admin/", "Overview"),
    ("/admin/work/", "Work"),
    ("/admin/users/", "Users"),
    ("/admin/devices/", "Devices"),
    ("/admin/clients/", "Clients"),
    ("/admin/schemas/", "Schemas"),
    ("/admin/sports/", "Sports"),
    ("/admin/deliveries/", "Deliveries"),
    ("/admin/throttles/", "Throttles"),
    ("/admin/audit-log/", "Audit log"),
    ("/admin/second-factor/", "Second factor"),
)
ROWS = 50


def section(name: str, import_name: str) -> Blueprint:
    """A blueprint of pages under ``/admin/``, for administrators alone."""
    pages = web.blueprint(f"admin-{name}", import_name, url_prefix="/admin")
    pages.before_request(_administrators_only)
    return pages


def page(template: str, status: int = 200, **values: Any) -> Any:
    """A page of ``templates/admin/``."""
    helpers: dict[str, Any] = {"sections": SECTIONS, "words_of": _words_of, "parts_of": _parts_of}
    return web.page(f"admin/{template}", status, **helpers, **values)


def listed(
    session: Session, listing: Listing, statement: Select[Any], given: Mapping[str, str]
) -> dict[str, Any]:
    """A page of a list, narrowed and sorted by the query as the REST route's would be: ``found``,
    ``links`` to the pages around it, what was ``given``, and what ``failed``: a query that is no
    good is said to be that, and narrows nothing.
    """
    given = {name: value.strip() for name, value in given.items() if value.strip()}
    failed, query = "", {}
    try:
        query = listing.query().load({**given, "limit": str(ROWS)})
    except ma.ValidationError as error:
        failed = f"{invalid(error.normalized_messages(), 'query').detail}."
    found = paged(session, listing.apply(statement, query), query.get("page", 1), ROWS)
    kept = {name: value for name, value in given.items() if name != "page"}
    links = {
        name: f"{request.path}?{urlencode({**kept, 'page': found[name]})}"
        for name in ("previous", "next")
        if found[name]
    }
    return {"found": found, "links": links, "given": kept, "failed": failed}


def _words_of(names: Iterable[str]) -> list[tuple[str, str]]:
    """Options of a field that speak for themselves."""
    return [(name, name.lower()) for name in names]


def _parts_of(classes: Mapping[str, tuple[float, float]]) -> list[tuple[str, str]]:
    return [
        (name, f"{name}: {rate:,.0f} a second, {burst:,.0f} at once")
        for name, (rate, burst) in classes.items()
    ]


def administrator() -> Actor:
    """Who asks; the blueprint has let in nobody else."""
    actor: Actor = g.actor
    return actor


def _administrators_only() -> Any:
    actor = web.actor()
    if actor is None:
        if request.method == "GET":
            return web.to_login()
        return redirect(url_for("pages.login", next="/admin/"), 303)
    if actor.role != ADMINISTRATOR:
        return web.page(
            "refused.html",
            403,
            title="For administrators",
            detail="Log in with an administrator's account to see this page.",
        )
    g.actor = actor
    return None
