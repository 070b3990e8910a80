"""What the pages for administrators share; they stand on the services of ``/api/v1/admin/``."""

from typing import Any

from flask import Blueprint, g, redirect, request, url_for

from core.auth import web
from core.models.users import ADMINISTRATOR
from core.policy import Actor

SECTIONS = (("/admin/second-factor/", "Second factor"),)


def section(name: str, import_name: str) -> Blueprint:
    """A blueprint of pages under ``/admin/``, for administrators alone."""
    pages = web.blueprint(f"admin-{name}", import_name, url_prefix="/admin")
    pages.before_request(_administrators_only)
    return pages


def page(template: str, status: int = 200, **values: Any) -> Any:
    """A page of ``templates/admin/``."""
    return web.page(f"admin/{template}", status, sections=SECTIONS, **values)


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
