"""Lists in pages: ``{"count", "page", "next", "previous", "results"}``; next and previous are page
numbers (contract/insiders.md section 6).
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import marshmallow as ma
from flask import g
from marshmallow import fields
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from core import policy
from core.api.platform import platform
from core.api.shapes import QueryInteger
from core.errors import NotFound

DEFAULT_LIMIT, MAX_LIMIT = 150, 3000


class PageQuery(ma.Schema):
    """A larger ``limit`` than the maximum is clamped."""

    page = QueryInteger(load_default=1, metadata={"description": "Which page, from 1."})
    limit = QueryInteger(
        load_default=DEFAULT_LIMIT,
        metadata={"description": f"Page size, {MAX_LIMIT} at most; more is clamped."},
    )


def envelope(results: list[Any], count: int, page: int, limit: int) -> dict[str, Any]:
    """Raises NotFound for a page past the end; page 1 of nothing is there."""
    pages = max(1, -(-count // limit))
    if page > pages:
        raise NotFound(f"there are {pages} pages, not {page}")
    return {
        "count": count,
        "page": page,
        "next": page + 1 if page < pages else None,
        "previous": page - 1 if page > 1 else None,
        "results": results,
    }


def paged(
    session: Session,
    statement: Select[Any],
    page: int,
    limit: int,
    dump: Callable[[Any], Any] | None = None,
    largest: int = MAX_LIMIT,
) -> dict[str, Any]:
    """One page of the first entity that ``statement`` selects, in the order that it says.

    The rows are objects, for the shape of the route's response to dump; or, where a shape is chosen
    per request or loads on access, ``dump`` makes them JSON here and the route answers ``jsonify``.
    """
    limit = min(limit, largest)
    bare = statement.order_by(None).subquery()
    count = session.scalar(select(func.count()).select_from(bare)) or 0
    body = envelope([], count, page, limit)
    rows = session.scalars(statement.limit(limit).offset((page - 1) * limit)).unique().all()
    policy.given(session, g.actor, rows)
    body["results"] = [dump(row) if dump else row for row in rows]
    return body


def read_page(
    query: dict[str, Any],
    statement: Callable[[Session], Select[Any]],
    dump: Callable[[Any], Any] | None = None,
) -> dict[str, Any]:
    """``paged`` for a route: the page that ``query`` asks for, read in one go. ``statement`` raises
    Forbidden or NotFound where the list is not the caller's to read.
    """

    def read(session: Session) -> dict[str, Any]:
        return paged(session, statement(session), query["page"], query["limit"], dump)

    return platform().db.read(read)


@cache  # one schema, one name in the OpenAPI document
def page_of(item: type[ma.Schema]) -> ma.Schema:
    """The shape of a page of ``item``."""
    name = f"{item.__name__.removesuffix('Shape')}Page"
    return ma.Schema.from_dict(
        {
            "count": fields.Integer(required=True),
            "page": fields.Integer(required=True),
            "next": fields.Integer(required=True, allow_none=True),
            "previous": fields.Integer(required=True, allow_none=True),
            "results": fields.List(fields.Nested(item), required=True),
        },
        name=name,
    )()
