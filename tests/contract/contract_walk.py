"""What the walk over the contract table asks of each operation, beside the rows of the rights
matrix: how to provoke its refusals, and values for each of its query parameters.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.api.contract import Operation
from core.api.preprocessed import ALWAYS
from core.pipeline.columns import CHANNELS, READ_ONLY
from core.services import changes
from tests.contract.rights_matrix import ROWS
from tests.contract.rights_rows import NOBODY, PEOPLE, Row

# The vendor's list as the project's reference folder has it; absent elsewhere.
VENDOR = Path(__file__).resolve().parents[3] / "shared" / "contract" / "insiders-endpoints.json"
# Entry of the vendor's → ours, where the two names differ.
VENDOR_ALIASES = {"job.get_legacy": "job.get"}

# What the walk leaves to others, or cannot take up yet: printed by the test, never silent.
NOT_YET: Mapping[str, str] = {
    "oauth.authorize": "a page: tests/contract/test_oauth_code.py",
    "WEBSOCKET": "the sockets are a later issue",
    "412": "of If-Match, whatever the path: tests/contract/test_etags.py",
    "422": "of Idempotency-Key, whatever the path: tests/contract/test_idempotency.py",
    "503": "of a database that does not store: tests/unit/pipeline/test_writer.py",
    "429": "the throttle's, whatever the path: tests/contract/test_throttle.py",
}
# The vendor lists the filters of a single object on its PUT, PATCH and DELETE, too: accepted and
# without effect there (docs/api/differences.md).
WITHOUT_FILTERS = ("PUT", "PATCH", "DELETE")

# Keys that a success may lack: where they are not, is part of the contract.
SOMETIMES = {
    "email": "managed athletes have none",
    "is_default_athlete": "on lists filtered by managed_by",
    "errors": "of a problem: where input was at fault",
    "message": "of a problem: where the vendor has it",
    "resync": "of a 410",
    "error": "where a computation failed",
    "stale": "where a metric has another version since",
    "moved": "where an edition was asked for",
    "device_details": "with_device",
    "activity_details": "with_activity",
    "athlete_details": "with_athlete",
    "manager_profile": "by role",
    "athlete_profile": "by role",
    "managed_by": "by role",
    "client_secret": "of public clients there is none",
    "pairing_1": "where one is set",
    "pairing_2": "where one is set",
    **dict.fromkeys(
        {*CHANNELS, *READ_ONLY} - set(ALWAYS), "channels that no sample of the answer has"
    ),
}


def vendor_entries() -> list[dict[str, Any]]:
    found = json.loads(VENDOR.read_text())
    return found["endpoints"] if isinstance(found, dict) else found


def row_of(operation: Operation) -> Row:
    """The operation's first row that somebody may ask for."""
    rows = [row for row in ROWS if row.operation == operation.name]
    able = [row for row in rows if row.may or operation.public]
    assert able, f"no row of the rights matrix shows {operation.name}"
    return able[0]


def asker(row: Row) -> str:
    """Who may; of lists, somebody who is given something."""
    with_rows = [person for person in PEOPLE if (row.rows or {}).get(person)]
    able = [person for person in PEOPLE if person in row.may]
    return (with_rows or able or ["anonymous"])[0]


@dataclass(frozen=True)
class Wrong:
    """A request that must be refused: ``row`` as ``person``, with ``more`` for the client."""

    row: Row
    person: str
    more: Mapping[str, Any]
    ids: Mapping[str, Any]


def wrong(operation: Operation, status: int, parameters: set[str]) -> list[Wrong]:
    """Every way known here to be refused with ``status``; a body's refusals where it has one."""
    row = row_of(operation)
    plain = Wrong(row, asker(row), {}, {})
    return list(REFUSED_WITH[status](plain, parameters))


def _malformed(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    row = plain.row
    yield replace(plain, row=replace(row, query="x=%00"))
    if row.body is not None:
        for data in (b"[]", b"{", b'{"\xff": 1}', b'{"nonsense": 1}'):
            yield replace(plain, more={"data": data, "content_type": "application/json"})
    if row.form is not None:
        yield replace(plain, row=replace(row, form={"date": "yesterday"}))
    if row.text is not None:
        yield replace(plain, row=replace(row, text=("nonsense", row.text[1])))
    # What the state of a device refuses.
    if row.operation == "device.take_ownership_legacy":
        yield Wrong(replace(row, at={"device": "device"}), "stranger", {}, {})
    if row.operation == "device.release_ownership":
        yield replace(plain, row=replace(row, at={"device": "free_device"}))


def _nobody(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    return (replace(plain, person=nobody) for nobody in NOBODY)


def _without_right(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    for row in ROWS:
        if row.operation == plain.row.operation:
            for person in PEOPLE:
                if row.status(person) == 403:
                    yield Wrong(row, person, {}, {})


def _missing(plain: Wrong, parameters: set[str]) -> Iterator[Wrong]:
    row = plain.row
    for part in row.at:
        yield replace(plain, ids={part: 999_999})
        if part != "job":  # its name is a text
            yield replace(plain, ids={part: 2**63})
    if "page" in parameters:
        asked = f"{row.query}&page=9999".lstrip("&")
        yield replace(plain, row=replace(row, query=asked))
    if "external-id" in parameters:
        yield replace(plain, row=replace(row, query="external-id=nobody"))
    if row.operation == "device.take_ownership":
        body = {"serial_number": "none", "device_name": "such"}
        yield replace(plain, row=replace(row, body=body))


def _taken(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    if plain.row.operation in TAKEN:
        yield replace(plain, row=replace(plain.row, body=TAKEN[plain.row.operation]))
    if plain.row.operation in NOT_OF_A_PENDING_WEBHOOK:
        at = {**plain.row.at, "webhook": "pending_webhook"}
        yield replace(plain, row=replace(plain.row, at=at))


def _gone(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    yield replace(plain, row=replace(plain.row, query=f"cursor={changes.cursor(10**6)}"))


def _too_large(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    yield replace(plain, more={"environ_overrides": {"CONTENT_LENGTH": str(10**12)}})


def _other_media(plain: Wrong, _parameters: set[str]) -> Iterator[Wrong]:
    yield replace(plain, more={"data": b"x", "content_type": "text/plain"})


REFUSED_WITH: Mapping[int, Callable[[Wrong, set[str]], Iterator[Wrong]]] = {
    400: _malformed,
    401: _nobody,
    403: _without_right,
    404: _missing,
    409: _taken,
    410: _gone,
    413: _too_large,
    415: _other_media,
}
NOT_OF_A_PENDING_WEBHOOK = ("webhook.enable", "webhook.redeliver", "delivery.redeliver")
TAKEN: dict[str, Any] = {
    "sample.send": {
        "batch": "kept",
        "columns": {"gnss.timestamp": [1590868800000], "gnss.speed": [3.2]},
    },
    "admin.device_create": {"device_name": "device", "serial_number": "device-serial"},
    "admin.ownership_create": {
        "device": "@device",
        "manager": "@stranger",
        "start_time": "2020-01-01T00:00:00Z",
        "end_time": "2021-01-01T00:00:00Z",
    },
}
Item = Mapping[str, Any]


@dataclass(frozen=True)
class Parameter:
    """``fits`` gives a value that keeps the item (None: none does), ``hides`` is one that does not
    keep it, ``malformed`` one that is refused.
    """

    fits: Callable[[Item], Any]
    hides: Any = None
    malformed: Any = None


def _own(key: str, hides: Any, malformed: Any = None) -> Parameter:
    return Parameter(lambda item: item.get(key), hides, malformed)


def _profile(key: str, hides: Any, malformed: Any = None) -> Parameter:
    return Parameter(lambda item: item["athlete_profile"][key], hides, malformed)


def _moments(name: str, malformed: str = "2020-01-01T00:00:00") -> dict[str, Parameter]:
    early, latest = "1990-01-01", "9998-12-31"
    clock = "" if name == "birthdate" else "T00:00:00Z"
    return {
        f"{name}_from": Parameter(lambda _: early + clock, f"{latest}{clock}", malformed),
        f"{name}_to": Parameter(lambda _: latest + clock, f"{early}{clock}", malformed),
    }


NOWHERE = "is nowhere"
FLAG = Parameter(lambda _: "true", malformed="maybe")
ID = 999_999
PARAMETERS: dict[str, Parameter] = {
    "page": Parameter(lambda _: 1, malformed=0),
    "limit": Parameter(lambda _: 3001, malformed="many"),
    "cursor": Parameter(lambda _: changes.cursor(0), malformed="unreadable"),
    "wait": Parameter(lambda _: 1, malformed=-1),
    "ordering": Parameter(lambda _: None, malformed="nonsense"),
    "search": Parameter(
        lambda item: (item.get("username") or item.get("device_name") or item["name"]).upper(),
        NOWHERE,
    ),
    "email": _own("email", NOWHERE),
    "username": _own("username", NOWHERE),
    "external_id": _own("external_id", NOWHERE),
    "external-id": _own("external_id", NOWHERE),
    "name": _own("name", NOWHERE),
    "owner": _own("owner", ID, "me"),
    "athlete": _own("athlete", ID, "me"),
    "managed_by": _own("managed_by", ID, "me"),
    "is_managed": Parameter(
        lambda item: str(item["managed_by"] is not None).lower(), malformed="maybe"
    ),
    "first_name": _profile("first_name", NOWHERE),
    "last_name": _profile("last_name", NOWHERE),
    "gender": _profile("gender", "M", "X"),
    "device": _own("device", ID, "vest"),
    "device_name": Parameter(
        lambda item: item.get("device_name") or item["device_details"]["device_name"], NOWHERE
    ),
    "serial_number": _own("serial_number", NOWHERE),
    "device_type": _own("device_type", "ves"),
    "custom_name": _own("custom_name", NOWHERE),
    "current": FLAG,
    "type": _own("type", None, "NONSENSE"),
    "parent": _own("parent", ID, "none"),
    "with_device": FLAG,
    "with_activity": FLAG,
    "with_athlete": FLAG,
    "create_default_athlete": FLAG,
    "immediate_sending": FLAG,
    "role": _own("role", "MANAGER", "NOBODY"),
    "disabled": Parameter(lambda item: str(item["disabled"]).lower(), malformed="maybe"),
    "actor": _own("actor", ID, "me"),
    "action": _own("action", NOWHERE),
    "target": _own("target", ID, "me"),
    "at": Parameter(
        lambda item: item.get("valid_from") or item["start_time"], "1990-01-01T00:00:00Z", "now"
    ),
    "group": Parameter(lambda item: item["groups"][0], NOWHERE),
    "reader": _own("reader", ID, "me"),
    "program": _own("program", NOWHERE),
    "kind": _own("kind", NOWHERE),
    "start": Parameter(lambda _: 1590868800000, "2020-05-30T21:00:00Z", "yesterday"),
    "stop": Parameter(lambda _: "2020-05-30T20:00:00.001Z", malformed="1e12"),
    # Of use where the two above are absent only.
    "start_iso": Parameter(lambda _: "2020-05-30T21:00:00Z", malformed="yesterday"),
    "stop_iso": Parameter(lambda _: "2020-05-30T20:00:00Z", malformed="tomorrow"),
    "edition": Parameter(lambda _: None, ID, "newest"),
    "size": Parameter(lambda _: 301, malformed=0),
    "width": Parameter(lambda _: 100, malformed=0),
    "state": _own("state", None, "NONSENSE"),
    "from": Parameter(lambda _: "1990-01-01T00:00:00Z", "9998-12-31T00:00:00Z", "2020-01-01"),
    "to": Parameter(lambda _: "9998-12-31T00:00:00Z", "2020-01-01T00:00:00.001Z", "tomorrow"),
    **_moments("time"),
    **_moments("birthdate", "01.02.2003"),
    **_moments("activation_time"),
    **_moments("start_time"),
    **_moments("end_time"),
}
# On devices an activity is one that a time frame of theirs belongs to.
PARAMETERS["activity"] = Parameter(lambda item: item.get("activity", "@match_activity"), ID, "x")
