"""What a rule says, and what each of its conditions can be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from core.intervals import Window
from core.policy.actor import Actor


class Ground(Protocol):
    """One condition of a rule."""

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        """When it holds for this actor and thing."""

    def clause(self, actor: Actor, kind: Any, rule: "Rule", now: int) -> ColumnElement[bool]:
        """The same as SQL, over the rows of ``kind``."""

    def refusal(self, thing: Any, rule: "Rule") -> str:
        """What to say where it does not hold."""


Grounds = Mapping[str, tuple[Ground, ...]]


@dataclass(frozen=True)
class Rule:
    """``grounds``: role → what must all hold; nothing named for a role means never, an empty tuple
    always. ``now`` and ``interval``: when it must hold; neither means ever. ``reads``: it changes
    nothing. ``hidden``: a thing out of reach is answered as if it were not there. ``logs``: what is
    read of the athlete, as the access log calls it.
    """

    grounds: Grounds
    now: bool = False
    interval: bool = False
    reads: bool = False
    hidden: bool = False
    logs: str | None = None
