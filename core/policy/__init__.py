"""Who may do what with whose data when: one rule book, three renderings.

A rule (``rules.RULES``) names, for each role, the *grounds* that must all hold; each ground is a
set of half-open windows, and the rule says at what time they count: now, over the whole interval of
the thing, or ever. The renderings read the same table:

- ``require`` returns or raises, for one thing;
- ``windows`` gives the windows themselves, for sockets and exports;
- ``clause`` gives the SQL condition, for lists.

Reads of an athlete's data by another person are logged (core.models.access): ``require`` and
``windows`` note them by themselves, and whoever selects rows by ``clause`` hands those that leave
to ``given``. ``Database.read`` stores what was noted before anybody has the result.

Events of the change feed are judged by the rules of what they speak of: ``event_allowed`` and
``event_clause``.

A role that a rule does not name has no right. A scope can only narrow (``SCOPES``).
"""

from core.policy.actor import DEVICE, OPERATOR, SCOPES, Actor
from core.policy.feed import event_allowed, event_clause
from core.policy.grounds import ALWAYS
from core.policy.judgement import allowed, clause, require, windows
from core.policy.reads import given
from core.policy.roles import (
    is_itself,
    require_administration_reader,
    require_administrator,
    require_manager,
    require_role,
    require_schema_reader,
)
from core.policy.rule import Rule
from core.policy.rules import RULES
from core.policy.things import FIELDS, Samples, Stretch

__all__ = [
    "ALWAYS",
    "DEVICE",
    "FIELDS",
    "OPERATOR",
    "RULES",
    "SCOPES",
    "Actor",
    "Rule",
    "Samples",
    "Stretch",
    "allowed",
    "clause",
    "event_allowed",
    "event_clause",
    "given",
    "is_itself",
    "require",
    "require_administration_reader",
    "require_administrator",
    "require_manager",
    "require_role",
    "require_schema_reader",
    "windows",
]
