"""The rule book asked: of one thing, of its windows, of the rows of a list."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, false, true
from sqlalchemy.orm import Session

from core import clock
from core.errors import Forbidden, NotFound
from core.intervals import Window, contains, covers, intersect
from core.models.users import ADMINISTRATOR
from core.policy.actor import Actor
from core.policy.grounds import ALWAYS
from core.policy.reads import given
from core.policy.rule import Ground, Rule
from core.policy.rules import RULES
from core.policy.things import part_of


def grounds_of(actor: Actor, rule: Rule) -> tuple[Ground, ...] | None:
    """What this actor must fulfil; None: nothing would help."""
    if "all" not in actor.scopes and not (rule.reads and "read" in actor.scopes):
        return None
    return rule.grounds.get(ADMINISTRATOR if actor.administers else actor.role)


def _fulfilled(rule: Rule, windows: Sequence[Window], thing: Any, now: int) -> bool:
    if rule.now and not contains(windows, now):
        return False
    if rule.interval:
        kind = type(thing)
        return covers(windows, Window(part_of(kind, thing, "start"), part_of(kind, thing, "stop")))
    return bool(windows)


def _refusal(
    session: Session, actor: Actor, action: str, thing: Any, now: int | None
) -> str | None:
    """Why the actor may not; None: they may."""
    rule, moment = RULES[action], clock.now() if now is None else now
    grounds = grounds_of(actor, rule)
    if grounds is None:
        return "your role or your token's scope does not allow this"
    return next(
        (
            ground.refusal(thing, rule)
            for ground in grounds
            if not _fulfilled(rule, ground.windows(session, actor, thing), thing, moment)
        ),
        None,
    )


def require(
    session: Session, actor: Actor, action: str, thing: Any, *, now: int | None = None
) -> None:
    """Return if the actor may; else raise Forbidden saying what is missing (NotFound where even
    the existence is nobody else's business). A read of an athlete's data is noted for the log.
    """
    reason = _refusal(session, actor, action, thing, now)
    rule = RULES[action]
    if reason is not None:
        raise NotFound("no such thing") if rule.hidden else Forbidden(reason)
    if rule.logs is not None:
        given(session, actor, [thing], rule.logs)


def allowed(
    session: Session, actor: Actor, action: str, thing: Any, *, now: int | None = None
) -> bool:
    """``require`` as a question; asking reads nothing."""
    return _refusal(session, actor, action, thing, now) is None


def windows(session: Session, actor: Actor, action: str, thing: Any) -> list[Window]:
    """When the actor's grounds for this action on this thing hold, whatever time the rule asks
    for; sorted and disjoint. ``[ALWAYS]`` where time plays no part. A read is noted for the log.
    """
    rule = RULES[action]
    grounds = grounds_of(actor, rule)
    if grounds is None:
        return []
    held = [ALWAYS]
    for ground in grounds:
        held = intersect(held, ground.windows(session, actor, thing))
    if held and rule.logs is not None:
        given(session, actor, [thing], rule.logs)
    return held


def clause(actor: Actor, action: str, kind: Any, *, now: int | None = None) -> ColumnElement[bool]:
    """The rows of the mapped class ``kind`` on which the actor may do this, as an SQL condition."""
    rule, moment = RULES[action], clock.now() if now is None else now
    grounds = grounds_of(actor, rule)
    if grounds is None:
        return false()
    return and_(true(), *(ground.clause(actor, kind, rule, moment) for ground in grounds))
