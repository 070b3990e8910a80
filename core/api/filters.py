"""What a list can be narrowed and sorted by, declared once per list: gives the shape of the query
string, so that it is checked and documented, and the SQL.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import marshmallow as ma
from marshmallow import fields, validate
from sqlalchemy import ColumnElement, Select, or_

from core.api.paging import PageQuery
from core.api.shapes import Day, Moment, QueryFlag, QueryInteger


@dataclass(frozen=True)
class Filter:
    """``field`` reads the parameter; ``condition`` turns its value into SQL."""

    field: fields.Field
    condition: Callable[[Any], ColumnElement[bool]]


def contains(column: Any) -> Filter:
    """The text stands in the column, in either case."""
    return Filter(fields.String(), lambda text: column.icontains(text, autoescape=True))


def exact(column: Any) -> Filter:
    return Filter(fields.String(), lambda text: column == text)


def one_of(column: Any, *values: str) -> Filter:
    """One of a few texts, in either case; the column holds them as they stand here."""
    spelled = {value.lower(): value for value in values}
    read = fields.String(validate=lambda text: _known(text, spelled))
    return Filter(read, lambda text: column == spelled[text.lower()])


def _known(text: str, spelled: Mapping[str, str]) -> None:
    if text.lower() not in spelled:
        raise ma.ValidationError(f"must be one of {', '.join(spelled.values())}")


def reference(column: Any) -> Filter:
    """The id of something else."""
    return Filter(QueryInteger(), lambda value: column == value)


def flag(condition: ColumnElement[bool]) -> Filter:
    """``true``: the condition holds; ``false``: it does not."""
    return Filter(QueryFlag(), lambda value: condition if value else ~condition)


def span(name: str, column: Any, read: type[Moment] | type[Day] = Moment) -> dict[str, Filter]:
    """``<name>_from`` (≥) and ``<name>_to`` (≤), both inclusive."""
    return {
        f"{name}_from": Filter(read(), lambda value: column >= value),
        f"{name}_to": Filter(read(), lambda value: column <= value),
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
        parameters: dict[str, Any] = {name: f.field for name, f in self.filters.items()}
        parameters.update(self.others)
        if self.ordering:
            allowed = [sign + name for name in self.ordering for sign in ("", "-")]
            parameters["ordering"] = fields.String(validate=validate.OneOf(allowed))
        if self.search:
            parameters["search"] = fields.String()
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

    def apply(self, statement: Select[Any], args: Mapping[str, Any]) -> Select[Any]:
        return self.sorted(self.narrowed(statement, args), args)
