"""What a row of the rights matrix is, and how it is asked for.

A case is one request as one person. Whoever ``may`` gets the operation's success code; everybody
else 403, or what ``else_`` says, and without a valid token 401. Of lists, ``rows`` says what each
person is given. In paths and bodies ``@name`` is the id of that name, ``@me`` the caller's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from werkzeug.test import TestResponse

from core.api import contract
from tests.contract.seeded import MANAGERS, Seeded

NOBODY = ("anonymous", "expired")
PEOPLE = (
    *NOBODY,
    *MANAGERS,
    "owner_read_only",
    "athlete",
    "athlete_read_only",
    "other_athlete",
    "admin",
    "device",
)
# Whose rights a narrowed token's holder has, for ``@me``.
HOLDERS = {"owner_read_only": "owner", "athlete_read_only": "athlete"}

OWNER = {"owner", "owner_read_only"}
ATHLETE = {"athlete", "athlete_read_only"}
EVERY_MANAGER = set(MANAGERS)
MANAGERS_READING = {*MANAGERS, "owner_read_only", "admin"}
READERS = {"reader", "late_reader"}  # who hold READ on the athlete now


@dataclass(frozen=True)
class Row:
    """``body`` is JSON, ``form`` multipart, ``text`` anything else with its media type; ``else_``
    by person, over the 403 of the others.
    """

    operation: str
    may: set[str]
    at: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: Any = None
    form: Mapping[str, Any] | None = None
    text: tuple[str, str] | None = None
    else_: Mapping[str, int] = field(default_factory=dict)
    refused: int = 403
    rows: Mapping[str, tuple[str, ...]] | None = None

    @property
    def asked(self) -> contract.Operation:
        return contract.BY_NAME[self.operation]

    def status(self, person: str) -> int:
        if person in self.may or self.asked.public:
            return self.asked.success
        if person in NOBODY:
            return 401
        return self.else_.get(person, self.refused)

    def title(self) -> str:
        things = "/".join((*self.at.values(), self.query)).strip("/")
        return f"{self.operation}({things})"


PROFILE = {"athlete_profile": {"first_name": "Noé"}}


def ask(
    world: Seeded,
    row: Row,
    person: str,
    *,
    path: str | None = None,
    query: str | None = None,
    more: Mapping[str, Any] | None = None,
    **ids: int,
) -> TestResponse:
    """The row's request as ``person``; by another ``path``, with another ``query``, with ``more``
    for the client instead of the body; ``ids`` go over those of the row's things.
    """
    known = {**world.ids, "me": world.ids.get(HOLDERS.get(person, person), 0)}
    things = {part: known[name] for part, name in row.at.items()} | ids
    sent: dict[str, Any] = {"headers": {}}
    sent["query_string"] = row.query if query is None else query
    if person in world.tokens:
        sent["headers"]["Authorization"] = f"Bearer {world.tokens[person]}"
    replaced = "data" in (more or {})
    if row.body is not None and not replaced:
        sent["json"] = _filled(row.body, known)
    if row.text is not None and not replaced:
        sent["data"], sent["content_type"] = row.text
    if row.form is not None and not replaced:
        sent["data"] = {**row.form, "file": (BytesIO(b"not a recording"), "run.fit")}
    url = (path or row.asked.path).format(**things)
    return world.client.open(url, method=row.asked.method, **sent, **(more or {}))


def _filled(value: Any, known: Mapping[str, int]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, known) for key, inner in value.items()}
    return known[value[1:]] if isinstance(value, str) and value.startswith("@") else value
