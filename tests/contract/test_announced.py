"""No change without its event: every operation that writes a table of which the feed tells must
announce in the same transaction. A new service that forgets to turns this red.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from core import events
from core.api.contract import OPERATIONS
from core.models import announcements
from tests.contract import contract_walk as walk
from tests.contract.rights_rows import ask
from tests.contract.seeded import Seeded

ACCOUNT = {events.USER, events.ATHLETE}
# Table → the kinds of which one must be told when it is written.
TOLD = {
    "user_account": ACCOUNT,
    "manager_profile": ACCOUNT,
    "athlete_profile": ACCOUNT,
    "athlete_permission": {events.PERMISSION},
    "device": {events.DEVICE},
    "device_ownership": {events.OWNERSHIP},
    "activity": {events.ACTIVITY},
    "timeframe": {events.TIMEFRAME},
    "job": {events.JOB},
}
# What is written and not told, with the reason.
SILENT = {
    "sample.send": "samples, and the device's counters of them: no change of the device",
    "manager.password": "a password is part of no resource",
    "athlete.password": "a password is part of no resource",
}
WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")


@contextmanager
def watched(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[set[str], set[str]]]:
    """The tables that are written meanwhile, and the types that are announced."""
    tables: set[str] = set()
    told: set[str] = set()
    announce = announcements.announce

    def noted(session: Any, type: str, *args: Any, **kwargs: Any) -> None:
        told.add(type)
        announce(session, type, *args, **kwargs)

    def statement(_connection: object, cursor: Any, text: str, *_: object) -> None:
        found = WRITES.match(text)
        if found is not None and cursor.rowcount != 0:
            tables.add(found[1])

    event.listen(Engine, "after_cursor_execute", statement)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(announcements, "announce", noted)
            yield tables, told
    finally:
        event.remove(Engine, "after_cursor_execute", statement)


@pytest.mark.parametrize("seeded_world", ["sqlite"], indirect=True)
def test_whatever_changes_is_told(seeded_world: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    every: set[str] = set()
    for operation in OPERATIONS:
        if operation.method == "GET" or operation.path.startswith("/oauth2/"):
            continue
        row = walk.row_of(operation)
        with watched(monkeypatch) as (tables, told):
            answer = ask(seeded_world, row, walk.asker(row))
        assert answer.status_code == operation.success, (operation.name, answer.text)
        kinds = {type.partition(".")[0] for type in told}
        missed = {table for table in tables & set(TOLD) if not TOLD[table] & kinds}
        if operation.name in SILENT:
            assert missed, f"{operation.name} is told after all: strike it from SILENT"
        else:
            assert not missed, (operation.name, told)
        every |= told
    # The rest is told by the clock, by jobs and computations, or where something really changes
    # (the matrix sends frames as they are): the tests of those.
    assert set(events.TYPES) - every <= {
        events.PERMISSION_EXPIRED,
        events.DEVICE_DELETED,
        events.OWNERSHIP_DELETED,
        events.TIMEFRAME_UPDATED,
        events.TIMEFRAME_COMPUTED,
        events.TIMEFRAME_RESTATED,
        events.JOB_UPDATED,
        events.JOB_DELETED,
    }
