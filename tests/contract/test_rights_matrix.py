"""Every case of the rights matrix, on both databases."""

import pytest

from core.api import contract
from tests.contract.rights_matrix import ROWS
from tests.contract.rights_rows import PEOPLE, Row, ask
from tests.contract.seeded import Seeded

LEAST = 700
# Not asked for with a bearer token, or by everybody alike.
OTHERWISE = {
    "oauth.token": "tests/contract/test_oauth.py",
    "oauth.revoke": "tests/contract/test_oauth.py",
}


def test_the_matrix_is_whole() -> None:
    asked = {row.operation for row in ROWS}
    assert asked | set(OTHERWISE) == set(contract.BY_NAME)
    assert not asked & set(OTHERWISE)
    assert len(ROWS) * len(PEOPLE) >= LEAST
    for row in ROWS:
        assert row.may | set(row.else_) | set(row.rows or {}) <= set(PEOPLE), row.title()


def _all(rows: tuple[Row, ...]) -> list[object]:
    return [pytest.param(row, id=f"{number}-{row.title()}") for number, row in enumerate(rows)]


@pytest.mark.parametrize("row", _all(ROWS))
def test_rights(seeded_world: Seeded, row: Row) -> None:
    wrong = []
    for person in PEOPLE:
        answer = ask(seeded_world, row, person)
        if answer.status_code != row.status(person):
            wrong.append((person, answer.status_code, row.status(person), answer.text[:200]))
        elif row.rows is not None and answer.status_code == row.asked.success:
            listed = [item["id"] for item in answer.get_json()["results"]]
            given = [seeded_world.ids[name] for name in row.rows.get(person, ())]
            if listed != given or answer.get_json().get("count", len(given)) != len(given):
                wrong.append((person, listed, given))
    assert not wrong
