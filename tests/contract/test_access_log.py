"""Each read of an athlete's data by another person is a row that the athlete can list."""

from typing import Any

import pytest

from core.models import access
from tests.contract.conftest import World
from tests.contract.scenes import START, STOP, Match, match, permit, problem


def rows(world: World, reader: str | None = None, athlete: str = "noe") -> list[dict[str, Any]]:
    path = f"/athletes/{world.ids[athlete]}/access-log/"
    found = world.get(path, athlete).get_json()["results"]
    return [row for row in found if reader in (None, row["username"])]


def kinds(world: World, reader: str) -> list[str]:
    return sorted(row["kind"] for row in rows(world, reader))


@pytest.fixture
def played(world: World) -> tuple[Match, int]:
    """Ada's match with one frame of noe, whom she may read; nothing read yet."""
    scene = match(world)
    permit(world, "ada", "READ")
    permit(world, "ben", "READ", span=("2020-01-01T00:00:00Z", "2199-01-01T00:00:00Z"))
    return scene, scene.frame()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/athletes/{noe}/", "profile"),
        ("/athletes/?search=noe", "profile"),
        ("/athletes/by-external-id/?external-id=n-1", "profile"),
        ("/timeframes/{frame}/computed/", "computed"),
    ],
)
def test_a_managers_reads(world: World, played: tuple[Match, int], path: str, kind: str) -> None:
    world.put(
        f"/athletes/{world.ids['noe']}/",
        "noe",
        json={"username": "noe", "email": "noe@club.example", "external_id": "n-1"},
    )
    assert kinds(world, "ben") == []
    answer = world.get(path.format(**world.ids, frame=played[1]), "ben")
    assert answer.status_code == 200, answer.text
    (row,) = rows(world, "ben")
    assert row.keys() == {"id", "reader", "username", "role", "kind", "program", "time"}
    assert (row["reader"], row["role"], row["kind"]) == (world.ids["ben"], "MANAGER", kind)


def test_frames_lists_and_what_they_embed(world: World, played: tuple[Match, int]) -> None:
    assert world.get(f"/timeframes/{played[1]}/", "ada").status_code == 200
    assert kinds(world, "ada") == ["timeframes"]
    assert world.get("/timeframes/?with_athlete=true", "admin").status_code == 200
    assert kinds(world, "admin") == ["profile", "timeframes"]
    activity = f"/activities/{played[0].activity}/computed/"
    assert world.get(activity, "ada").status_code == 200
    assert kinds(world, "ada") == ["computed", "timeframes"]


def test_what_is_refused_and_what_is_ones_own_is_no_read(
    world: World, played: tuple[Match, int]
) -> None:
    problem(world.get(f"/timeframes/{played[1]}/", "ben"), 403)
    assert world.get(f"/timeframes/{played[1]}/", "noe").status_code == 200
    assert world.get(f"/athletes/{world.ids['noe']}/", "noe").status_code == 200
    assert rows(world) == []
    assert world.get("/athletes/", "ben").get_json()["count"] == 1
    assert rows(world, athlete="lea") == []


def test_polling_makes_one_row_an_hour(
    world: World, played: tuple[Match, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/timeframes/{played[1]}/computed/"
    for _ in range(5):
        world.get(path, "ben")
    assert kinds(world, "ben") == ["computed"]
    # Another process, or this one after a restart, has no memory; the row is there already.
    world.db._reads = access.ReadMemory()
    world.get(path, "ben")
    assert kinds(world, "ben") == ["computed"]
    later = access.this_hour() + access.HOUR
    monkeypatch.setattr(access, "now", lambda: later + 5)
    world.get(path, "ben")
    assert kinds(world, "ben") == ["computed", "computed"]
    newest = rows(world, "ben")[0]
    assert newest["time"] > rows(world, "ben")[1]["time"]


def test_who_sees_the_log(world: World, played: tuple[Match, int]) -> None:
    path = f"/athletes/{world.ids['noe']}/access-log/"
    world.get(f"/athletes/{world.ids['noe']}/", "ben")
    for user in ("ada", "ben", "lea"):
        problem(world.get(path, user), 403)
    assert world.get(path, "admin").get_json()["count"] == 1
    problem(world.get("/athletes/999999/access-log/", "noe"), 404)
    made = world.post("/athletes/create-managed/", "ada", json={"managed_by": world.ids["ada"]})
    managed = made.get_json()["id"]
    assert world.get(f"/athletes/{managed}/access-log/", "ada").get_json()["count"] == 0
    world.get(f"/athletes/{managed}/", "admin")
    listed = world.get(f"/athletes/{managed}/access-log/?kind=profile", "ada").get_json()
    assert [row["username"] for row in listed["results"]] == ["admin"]


def test_the_frames_interval_decides_whose_samples_they_are(
    world: World, played: tuple[Match, int]
) -> None:
    from core import policy
    from core.models.db import READS
    from core.policy import Actor, Samples
    from tests.contract.scenes import T0

    ada = Actor(world.ids["ada"], "MANAGER")

    def noted(start: int, stop: int) -> set[int]:
        def read(session: Any) -> set[int]:
            thing = Samples(played[0].device, start, stop)
            policy.require(session, ada, "samples.read", thing)
            return {one.athlete_id for one in session.info[READS]}

        return world.db.read(read)

    assert noted(T0 + 1, T0 + 2) == {world.ids["noe"]}
    assert noted(T0 - 2, T0) == set()
    assert START < STOP
    assert kinds(world, "ada") == ["samples"]
