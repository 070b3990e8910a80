"""No list asks the database once per row: as many statements for two rows as for forty."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from core.api.contract import BY_NAME, OPERATIONS, Operation
from core.models import migrate
from core.models.db import make_engine
from core.sport.registry import Registry
from tests.contract import contract_walk as walk
from tests.contract.rights_rows import ask
from tests.contract.seeded import Seeded, seeded

CROWD = 40
EMBED = "&with_device=true&with_activity=true&with_athlete=true"
# Their rows cannot be many here: days of usage, clients, what administrators did to this world, the
# one sample that its device has. They have a shape without relations.
SHORT = {
    "admin.client_usage",
    "admin.audit_log",
    "admin.client_list",
    "preprocessed.list",
    "preprocessed.ranges",
}


@pytest.fixture(scope="module")
def crowded(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, registry: Registry
) -> Iterator[Seeded]:
    folder = tmp_path_factory.mktemp("crowded")
    url = f"sqlite:///{folder / 'touchline.db'}"
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    with seeded(url, folder, redis_url, registry, crowd=CROWD) as made:
        yield made


def lists(world: Seeded) -> list[Operation]:
    """Every operation with a ``page``."""
    paths = world.client.get("/api/v1/openapi.json").get_json()["paths"]
    return [
        operation
        for operation in OPERATIONS
        if operation.path in paths
        for found in [paths[operation.path][operation.method.lower()]]
        if any(parameter["name"] == "page" for parameter in found.get("parameters", []))
    ]


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is sent to any database meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_statements_do_not_grow_with_the_list(crowded: Seeded) -> None:
    asked = lists(crowded)
    assert {"athlete.list", "device.list", "timeframe.list", "permission.list_all"} <= {
        operation.name for operation in asked
    }
    for operation in asked:
        row = walk.row_of(operation)
        counts, lengths = [], []
        for limit in (CROWD, 2, CROWD):  # the first finds the token, and logs who is read
            with statements() as seen:
                query = f"{row.query}&limit={limit}".lstrip("&")
                if operation.name == "timeframe.list":
                    query += EMBED
                answer = ask(crowded, row, person(operation), query=query)
            assert answer.status_code == 200, (operation.name, answer.text)
            counts.append(len(seen))
            lengths.append(len(answer.get_json()["results"]))
        assert counts[1] == counts[2], operation.name
        assert lengths[2] > lengths[1] or operation.name in SHORT, operation.name
        assert counts[1] <= 8, operation.name


def person(operation: Operation) -> str:
    """Somebody with many rows."""
    row = walk.row_of(operation)
    return "admin" if "admin" in row.may else walk.asker(row)


def test_the_statements_are_counted(crowded: Seeded) -> None:
    with statements() as seen:
        ask(crowded, walk.row_of(BY_NAME["device.list"]), "admin")
    assert any("FROM device" in statement for statement in seen)
