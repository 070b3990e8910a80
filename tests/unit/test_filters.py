"""Filters as SQL: cases, wildcards, order, and the query strings that they declare."""

import marshmallow as ma
import pytest
from sqlalchemy import select

from core.api.filters import Listing, contains, exact, flag, one_of, reference, span
from core.models import User
from core.models.db import Database

LISTING = Listing(
    "Thing",
    key=User.id,
    filters={
        "name": contains(User.username),
        "exactly": exact(User.username),
        "role": one_of(User.role, "MANAGER", "ATHLETE"),
        "manager": reference(User.managed_by_id),
        "is_managed": flag(User.managed_by_id.is_not(None)),
        **span("created", User.created),
    },
    ordering={"name": User.username, "manager": User.managed_by_id},
    search=(User.username, User.email),
)


@pytest.fixture
def people(db: Database) -> Database:
    def fill(session) -> None:
        for n, (name, email, managed) in enumerate(
            [("Zoe", "a@club.example", None), ("50%", None, 1), ("abe_", "zoe@x.example", 1)], 1
        ):
            role = "ATHLETE" if managed else "MANAGER"
            user = User(username=name, email=email, role=role, created=n * 1000)
            user.id, user.managed_by_id = n, managed
            session.add(user)
            session.flush()

    db.write(fill)
    return db


def ids(db: Database, **query: str) -> list[int]:
    args = LISTING.query().load(query)
    return db.read(lambda s: list(s.scalars(LISTING.apply(select(User.id), args))))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"name": "ZO"}, [1]),
        ({"name": "%"}, [2]),
        ({"name": "_"}, [3]),
        ({"exactly": "zoe"}, []),
        ({"exactly": "Zoe"}, [1]),
        ({"role": "athlete"}, [2, 3]),
        ({"manager": "1"}, [2, 3]),
        ({"is_managed": "FALSE"}, [1]),
        ({"created_from": "1970-01-01T00:00:02Z"}, [2, 3]),
        ({"created_to": "1970-01-01T01:00:02+0100"}, [1, 2]),
        ({"search": "zoe"}, [1, 3]),
        ({"search": "zoe", "role": "ATHLETE"}, [3]),
        ({"ordering": "manager"}, [2, 3, 1]),
        ({"ordering": "-manager"}, [2, 3, 1]),
        ({"unknown": "x"}, [1, 2, 3]),
    ],
)
def test_filters_order_and_search(people: Database, query, expected) -> None:
    assert ids(people, **query) == expected


@pytest.mark.parametrize(
    "query",
    [
        {"role": "OTHER"},
        {"manager": "one"},
        {"manager": "0"},
        {"is_managed": "1"},
        {"created_from": "1970-01-01T00:00:02"},
        {"ordering": "email"},
        {"ordering": "--name"},
    ],
)
def test_a_bad_value_is_refused(query) -> None:
    with pytest.raises(ma.ValidationError) as caught:
        LISTING.query().load(query)
    assert set(caught.value.messages) == set(query)


def test_sqlite_knows_the_case_of_every_letter(db_sqlite: Database) -> None:
    db_sqlite.write(lambda s: s.add(User(id=1, username="Zoë", role="MANAGER", created=0)))
    assert ids(db_sqlite, name="ZOË") == [1]
