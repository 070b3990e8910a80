"""What a list can be narrowed and sorted by, declared once per list: gives the shape of the query
string, so that it is checked and documented, and the SQL.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import ColumnElement, Select, or_
from sqlalchemy.orm import Session

from core.api.paging import PageQuery
from core.api.shapes import Day, Moment, QueryFlag, QueryInteger
from core.errors import NotFound


@dataclass(frozen=True)
class Filter:
    """``field`` reads the parameter; ``condition`` turns its value into SQL; ``about`` is what the
    document says of it, with ``{}`` where its name goes.
    """

    field: fields.Field
    condition: Callable[[Any], ColumnElement[bool]]
    about: str

    def named(self, name: str) -> fields.Field:
        """The field, with its sentence for the parameter ``name``."""
        words = re.sub(r"^is_|_(from|to)$", "", name).replace("_", " ")
        self.field.metadata = {"description": self.about.format(words), **self.field.metadata}
        return self.field


def contains(column: Any) -> Filter:
    """The text stands in the column, in either case."""
    return Filter(
        fields.String(),
        lambda text: column.icontains(text, autoescape=True),
        "Only those whose {} contains this, in either case.",
    )


def exact(column: Any) -> Filter:
    return Filter(
        fields.String(), lambda text: column == text, "Only those whose {} is exactly this."
    )


def one_of(column: Any, *values: str) -> Filter:
    """One of a few texts, in either case; the column holds them as they stand here."""
    spelled = {value.lower(): value for value in values}
    read = fields.String(validate=lambda text: _known(text, spelled))
    return Filter(
        read,
        lambda text: column == spelled[text.lower()],
        f"Only those whose {{}} is this: {', '.join(values)}, in either case.",
    )


def _known(text: str, spelled: Mapping[str, str]) -> None:
    if text.lower() not in spelled:
        raise ma.ValidationError(f"must be one of {', '.join(spelled.values())}")


def reference(column: Any) -> Filter:
    """The id of something else."""
    return Filter(QueryInteger(), lambda value: column == value, "Only those whose {} has this id.")


def flag(condition: ColumnElement[bool]) -> Filter:
    """``true``: the condition holds; ``false``: it does not."""
    return Filter(
        QueryFlag(),
        lambda value: condition if value else ~condition,
        "true: only those that are {}; false: only the others.",
    )


def span(name: str, column: Any, read: type[Moment] | type[Day] = Moment) -> dict[str, Filter]:
    """``<name>_from`` (≥) and ``<name>_to`` (≤), both inclusive."""
    return {
        f"{name}_from": Filter(
            read(), lambda value: column >= value, "Only those whose {} is this or later."
        ),
        f"{name}_to": Filter(
            read(), lambda value: column <= value, "Only those whose {} is this or earlier."
        ),
    }


@dataclass(frozen=True)
class Listing:
    """``filters`` by parameter, ``ordering`` by the name to sort by, ``search`` the columns that a
    search text may stand in; ``key`` makes every order total. ``others``: parameters that the route
    itself reads.
    """

    name: str
    key: Any
    filters: Mapping[str, Filter] = field(default_factory=dict)
    ordering: Mapping[str, Any] = field(default_factory=dict)
    search: Sequence[Any] = ()
    others: Mapping[str, fields.Field] = field(default_factory=dict)

    def _parameters(self) -> dict[str, Any]:
        parameters: dict[str, Any] = {name: f.named(name) for name, f in self.filters.items()}
        parameters.update(self.others)
        if self.ordering:
            allowed = [sign + name for name in self.ordering for sign in ("", "-")]
            parameters["ordering"] = fields.String(
                validate=validate.OneOf(allowed),
                metadata={"description": "What to sort by; with - the other way round."},
            )
        if self.search:
            columns = ", ".join(column.key for column in self.search)
            parameters["search"] = fields.String(
                metadata={"description": f"Only those with this in one of {columns}."}
            )
        return parameters

    def query(self) -> ma.Schema:
        """The query string of the list."""
        made = type(f"{self.name}Query", (PageQuery,), self._parameters())
        return made(unknown=ma.EXCLUDE)

    def retrieval(self) -> ma.Schema:
        """The query string of a single object: a filter that does not match hides it."""
        made = type(f"{self.name}RetrievalQuery", (ma.Schema,), self._parameters())
        return made(unknown=ma.EXCLUDE)

    def narrowed(self, statement: Select[Any], args: Mapping[str, Any]) -> Select[Any]:
        """The statement with filters and search."""
        for name, value in args.items():
            if name in self.filters:
                statement = statement.where(self.filters[name].condition(value))
        if text := args.get("search"):
            found = [column.icontains(text, autoescape=True) for column in self.search]
            statement = statement.where(or_(*found))
        return statement

    def sorted(self, statement: Select[Any], args: Mapping[str, Any]) -> Select[Any]:
        """The statement in the order asked for; nulls last on both databases, ties by the key."""
        wanted = args.get("ordering")
        if not wanted:
            return statement.order_by(self.key)
        column = self.ordering[wanted.removeprefix("-")]
        first = column.desc() if wanted.startswith("-") else column.asc()
        return statement.order_by(first.nulls_last(), self.key)

    def require(
        self, session: Session, statement: Select[Any], args: Mapping[str, Any], what: str
    ) -> None:
        """Raises NotFound where the filters hide the one thing that the statement selects."""
        if session.scalar(self.narrowed(statement, args)) is None:
            raise NotFound(f"no {what} that matches the filters")

    def apply(self, statement: Select[Any], args: Mapping[str, Any]) -> Select[Any]:
        return self.sorted(self.narrowed(statement, args), args)
