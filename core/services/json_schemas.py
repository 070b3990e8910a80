"""JSON schemas: what an activity and a time frame of a sport must look like, as rows."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import policy
from core.errors import BadInput, NotFound
from core.models import JsonSchema
from core.policy import Actor
from core.sport.registry import Registry
from schemas import SchemaError, validate
from schemas import check as check_schema

from . import audit

ACTIVITY, TIMEFRAME = "ACTIVITY", "TIMEFRAME"


def sync(session: Session, registry: Registry) -> list[JsonSchema]:
    """Store the schemas of every enabled sport; returns the rows that were made.

    A changed schema is a new row of the same name, because activities and frames keep the version
    they were checked against (contract/touchline.md section 5). A version of an administrator's
    stays current until the sport's own changes again. Safe to run at every start.
    """
    made: list[JsonSchema] = []

    def current(sport: str, kind: str, schema: Mapping[str, Any], parent: int | None) -> JsonSchema:
        row = latest(session, sport, kind, own=True)
        if row is None or row.schema != schema or row.parent_id != parent:
            row = JsonSchema(
                name=f"{kind.lower()}_{sport}",
                type=kind,
                sport=sport,
                parent_id=parent,
                schema=dict(schema),
            )
            session.add(row)
            session.flush()
            made.append(row)
        return row

    for sport in registry.sports.values():
        activity = current(sport.name, ACTIVITY, sport.activity_schema, None)
        current(sport.name, TIMEFRAME, sport.timeframe_schema, activity.id)
    return made


def latest(session: Session, sport: str, kind: str, *, own: bool = False) -> JsonSchema | None:
    """The current schema of a sport: the highest id. ``own``: of those that the sport brought."""
    statement = select(JsonSchema).where(JsonSchema.sport == sport, JsonSchema.type == kind)
    if own:
        statement = statement.where(JsonSchema.by_hand.is_(False))
    return session.scalar(statement.order_by(JsonSchema.id.desc()).limit(1))


def create_version(
    session: Session, actor: Actor, sport: str, kind: str, schema: Mapping[str, Any]
) -> JsonSchema:
    """The next version of a sport's schema, by an administrator. What was checked against an older
    one keeps it. Raises BadInput for an unknown sport, for what is no JSON schema of draft 2020-12,
    and for references: a schema stands alone.
    """
    policy.require_administrator(actor)
    older = latest(session, sport, kind)
    if older is None:
        raise BadInput.at("/sport", f"no sport {sport!r} here")
    if _refers(schema):
        raise BadInput.at("/schema", "a schema stands alone: no $ref, no $dynamicRef")
    try:
        check_schema(dict(schema))
    except SchemaError as error:
        raise BadInput.at("/schema", f"no JSON schema of draft 2020-12: {error.message}") from None
    parent = latest(session, sport, ACTIVITY) if kind == TIMEFRAME else None
    row = JsonSchema(
        name=older.name,
        type=kind,
        sport=sport,
        parent_id=None if parent is None else parent.id,
        schema=dict(schema),
        by_hand=True,
    )
    session.add(row)
    audit.record(session, actor, "json_schema.create", row)
    return row


def _refers(node: Any) -> bool:
    if isinstance(node, Mapping):
        return any(key in ("$ref", "$dynamicRef") or _refers(node[key]) for key in node)
    return isinstance(node, list) and any(map(_refers, node))


def listing(actor: Actor) -> Select[JsonSchema]:
    """Every schema, for managers and administrators."""
    policy.require_schema_reader(actor)
    return select(JsonSchema)


def get(session: Session, actor: Actor, schema_id: int) -> JsonSchema:
    policy.require_schema_reader(actor)
    row = session.get(JsonSchema, schema_id)
    if row is None:
        raise NotFound(f"no JSON schema {schema_id}")
    return row


def of_type(session: Session, schema_id: int, kind: str) -> JsonSchema:
    """The schema that a body names at ``/json_schema``. Raises BadInput there."""
    row = session.get(JsonSchema, schema_id)
    if row is None:
        raise BadInput.at("/json_schema", f"no JSON schema {schema_id}")
    if row.type != kind:
        raise BadInput.at("/json_schema", f"{row.name} is no schema of type {kind}")
    return row


def check(row: JsonSchema, document: Mapping[str, Any], pointer: str) -> None:
    """Raise BadInput, each fault's pointer under ``pointer``, unless the document is valid."""
    faults = [
        {"pointer": pointer + fault["pointer"], "detail": fault["detail"]}
        for fault in validate(row.schema, document)
    ]
    if faults:
        first = faults[0]
        raise BadInput(f"{first['pointer']}: {first['detail']}", errors=faults)
