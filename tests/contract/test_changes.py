"""The change feed by REST: what is in it, who sees it, how it is followed and waited for."""

import threading
import time
from typing import Any

import pytest
import redis
from flask import Flask
from sqlalchemy import event as sqlalchemy_event
from sqlalchemy import update

from core.api import changes as route
from core.models import Event, EventLog
from core.services import changes
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, permit, pointers, problem
from workers import sequencer

KEYS = {
    "id", "sequence", "type", "created", "activity", "timeframe", "resource", "revision", "data",
    "event", "timestamp",
}  # fmt: skip
NOW_TO_FAR = ("2020-01-01T00:00:00.000Z", "2199-01-01T00:00:00.000Z")


def number(world: World) -> None:
    """What the relay does."""
    list(sequencer.number(world.db))


def feed(world: World, user: str, cursor: str | None = None, **query: Any) -> dict[str, Any]:
    number(world)
    asked = {**query, **({} if cursor is None else {"cursor": cursor})}
    answer = world.get("/changes/", user, query_string=asked)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def types(world: World, user: str, cursor: str | None = None) -> list[str]:
    return [item["type"] for item in feed(world, user, cursor)["results"]]


@pytest.fixture
def scene(world: World) -> Match:
    return match(world)


def test_an_item(scene: Match) -> None:
    frame = scene.frame()
    item = feed(scene.world, "ada")["results"][-1]
    assert item.keys() == KEYS
    assert item["type"] == item["event"] == "timeframe.created"
    assert item["created"] == item["timestamp"]
    assert item["resource"] == {"kind": "timeframe", "id": frame}
    assert (item["activity"], item["timeframe"], item["revision"]) == (scene.activity, frame, 0)
    assert item["data"]["athlete"] == scene.world.ids["noe"]


def test_it_is_followed_by_its_cursor(scene: Match) -> None:
    world = scene.world
    whole = feed(world, "admin")
    sequence = [item["sequence"] for item in whole["results"]]
    assert sequence == list(range(1, len(sequence) + 1))  # administrators see every number
    read: list[Any] = []
    cursor = None
    while (page := feed(world, "admin", cursor, limit=4))["results"]:
        assert len(page["results"]) <= 4
        read += page["results"]
        cursor = page["cursor"]
    assert read == whole["results"]
    assert feed(world, "admin", cursor) == {"results": [], "cursor": whole["cursor"]}
    assert feed(world, "admin", "now") == {"results": [], "cursor": whole["cursor"]}
    scene.frame()
    assert types(world, "admin", whole["cursor"]) == ["timeframe.created"]
    # Others see rising numbers, and their cursor passes what they do not see.
    own = feed(world, "ben")
    assert [item["type"] for item in own["results"]] == ["user.created"]
    assert own["cursor"] == feed(world, "admin", "now")["cursor"]


def test_deletions_are_tombstones(scene: Match) -> None:
    world = scene.world
    frames = [scene.frame(), scene.frame()]
    before = feed(world, "ada", "now")["cursor"]
    assert world.delete(f"/activities/{scene.activity}/", "ada").status_code == 204
    told = feed(world, "ada", before)["results"]
    assert [(i["type"], i["activity"], i["timeframe"]) for i in told] == [
        ("timeframe.deleted", scene.activity, frames[0]),
        ("timeframe.deleted", scene.activity, frames[1]),
        ("activity.deleted", scene.activity, None),
    ]
    assert [i["revision"] for i in told] == [1, 1, 2]
    assert types(world, "noe", before) == ["timeframe.deleted"] * 2
    assert types(world, "ben", before) == []


def test_a_permission_lost_is_an_item(scene: Match) -> None:
    world = scene.world
    noe, ben = world.ids["noe"], world.ids["ben"]
    before = feed(world, "ben", "now")["cursor"]
    permit(world, "ben", "READ", span=NOW_TO_FAR)
    body = {"username": "noe", "email": "noe@club.example", "external_id": "n-1"}
    assert world.put(f"/athletes/{noe}/", "noe", json=body).status_code == 201
    assert types(world, "ben", before) == ["permission.granted", "athlete.updated"]
    assert world.delete(f"/athletes/{noe}/managers/{ben}/permissions/", "noe").status_code == 204
    # What was told of the athlete is not told any more, that the permission went is.
    told = feed(world, "ben", before)["results"]
    assert [item["type"] for item in told] == ["permission.granted", "permission.revoked"]
    assert told[1]["data"]["athlete"] == noe
    assert told[1]["resource"] == told[0]["resource"]
    assert [item["revision"] for item in told] == [1, 2]


def test_an_athlete_who_goes(scene: Match) -> None:
    world = scene.world
    permit(world, "ben", "READ", span=NOW_TO_FAR)
    before = feed(world, "ben", "now")["cursor"]
    assert world.delete(f"/athletes/{world.ids['noe']}/", "noe").status_code == 204
    assert types(world, "ben", before) == ["athlete.deleted", "permission.revoked"]
    assert types(world, "ada", before) == ["permission.revoked"]  # of WRITE: never READ
    assert "athlete.deleted" in types(world, "admin", before)


def test_a_device_changes_hands(scene: Match) -> None:
    world = scene.world
    made = world.post("/admin/devices/", "admin", json={"device_name": "n", "serial_number": "9"})
    device = made.get_json()["id"]
    before = feed(world, "ada", "now")["cursor"]
    claim = {"device_name": "n", "serial_number": "9"}
    assert world.post("/devices/take-ownership/", "ada", json=claim).status_code == 201
    assert types(world, "ada", before) == ["ownership.created", "device.updated"]
    name = f"/devices/{device}/set-custom-name/"
    assert world.post(name, "ada", json={"custom_name": "wing"}).status_code == 200
    assert world.post(f"/devices/{device}/release-ownership/", "ada").status_code == 204
    time.sleep(0.002)  # an ownership holds at least its first millisecond
    assert world.post("/devices/take-ownership/", "ben", json=claim).status_code == 201
    assert world.post(name, "ben", json={"custom_name": "keeper"}).status_code == 200
    assert types(world, "ada", before) == [
        "ownership.created",
        "device.updated",
        "device.updated",
        "ownership.updated",
    ]
    assert types(world, "ben", before) == ["ownership.created", "device.updated"]


def test_a_frame_that_goes_to_another_athlete(scene: Match) -> None:
    world = scene.world
    permit(world, "ada", "WRITE", athlete="lea")
    frame = scene.frame()
    before = feed(world, "noe", "now")["cursor"]
    changed = world.call(
        "PATCH", f"/timeframes/{frame}/", "ada", json={"athlete": world.ids["lea"]}
    )
    assert changed.status_code == 200, changed.text
    (left,) = feed(world, "noe", before)["results"]
    assert left["type"] == "timeframe.updated"
    assert left["data"] == {"left": {"activity": scene.activity, "athlete": world.ids["noe"]}}
    (came,) = feed(world, "lea", before)["results"]
    assert came["data"]["changed"] == ["athlete"]
    # Nothing changed: nothing to tell.
    after = feed(world, "ada", "now")["cursor"]
    world.call("PATCH", f"/timeframes/{frame}/", "ada", json={"athlete": world.ids["lea"]})
    assert types(world, "ada", after) == []


@pytest.mark.parametrize("cursor", ["", "x", "0", "AQAAAAAAAAABAAAAAA", "é", "a" * 5000, "Now"])
def test_an_unreadable_cursor(world: World, cursor: str) -> None:
    assert pointers(world.get("/changes/", "ada", query_string={"cursor": cursor})) == ["/cursor"]


@pytest.mark.parametrize("name", ["wait", "limit"])
@pytest.mark.parametrize("value", ["-1", "many", "1.5", ""])
def test_other_bad_parameters(world: World, name: str, value: str) -> None:
    assert pointers(world.get(f"/changes/?{name}={value}", "ada")) == [f"/{name}"]


def test_more_than_the_maximum_is_clamped(scene: Match) -> None:
    assert feed(scene.world, "admin", wait=10**6, limit=10**6)["results"]


def test_a_cursor_of_somebody_else_is_a_position_and_no_right(scene: Match) -> None:
    world = scene.world
    theirs = feed(world, "admin", limit=1)["cursor"]
    assert types(world, "ben", theirs) == types(world, "ben")[-1:]


def test_an_older_cursor_is_gone_and_says_how_to_go_on(scene: Match) -> None:
    world = scene.world
    old = feed(world, "admin", limit=3)["cursor"]
    newest = feed(world, "admin", "now")["cursor"]
    kept = feed(world, "admin", old)["results"]
    world.db.write(lambda s: s.execute(update(EventLog).values(kept_from=5)))
    gone = problem(world.get("/changes/", "admin", query_string={"cursor": old}), 410)
    assert gone["resync"] == newest
    scene.frame()
    assert types(world, "ada", gone["resync"]) == ["timeframe.created"]
    # Without a cursor: from the oldest that is kept; at its edge: nothing is missing.
    world.db.write(lambda s: s.execute(update(EventLog).values(kept_from=4)))
    assert feed(world, "admin", old)["results"][: len(kept)] == kept
    assert feed(world, "admin")["results"][: len(kept)] == kept


def test_a_cursor_of_a_newer_log_is_gone(scene: Match) -> None:
    """A backup was restored: what the cursor has passed may never have happened here."""
    number(scene.world)
    ahead = changes.cursor(10**6)
    gone = problem(scene.world.get("/changes/", "ada", query_string={"cursor": ahead}), 410)
    assert gone["resync"] == feed(scene.world, "ada", "now")["cursor"]


def test_reads_of_others_data_are_logged(scene: Match) -> None:
    world = scene.world
    permit(world, "ben", "READ", span=NOW_TO_FAR)
    body = {"username": "noe", "email": "noe@club.example", "external_id": "n-2"}
    world.put(f"/athletes/{world.ids['noe']}/", "noe", json=body)
    scene.frame()
    for user in ("ada", "ben", "noe", "admin"):
        feed(world, user)
    log = world.get(f"/athletes/{world.ids['noe']}/access-log/", "noe").get_json()["results"]
    assert sorted((row["username"], row["kind"]) for row in log) == [
        ("ada", "timeframes"),
        ("admin", "permissions"),
        ("admin", "profile"),
        ("admin", "timeframes"),
        ("ben", "profile"),
    ]


def test_the_scope_read_is_enough(scene: Match) -> None:
    number(scene.world)
    token = scene.world.login("ada", "read")
    answer = scene.world.get("/changes/", token=token).get_json()
    assert answer == feed(scene.world, "ada")


def test_a_caller_who_sees_little_does_not_look_at_the_rest(world: World) -> None:
    """Foreign events are not gone through: the statement that finds one's own starts from the
    audience, which has a row for each reader of an event.
    """
    number(world)
    plans: list[str] = []
    lite = world.db.sqlite

    def fill(session: Any) -> None:
        log = session.get_one(EventLog, 1)
        rows = [
            {
                "id": f"foreign-{k}", "sequence": log.last + k, "type": "job.created",
                "created": 0, "kind": "job", "resource_id": k, "revision": 1, "data": {},
                "owner_id": world.ids["ada"], "told": [],
            }
            for k in range(1, 3001)
        ]  # fmt: skip
        session.bulk_insert_mappings(Event, rows)
        log.last += 3000
        session.flush()
        if not lite:
            session.connection().exec_driver_sql("ANALYZE")

    world.db.write(fill)

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT event.") and not plans:
            plans.append("")
            how = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN "
            rows = connection.exec_driver_sql(how + statement, parameters).all()
            plans[0] = "\n".join(str(row) for row in rows)

    sqlalchemy_event.listen(world.db.engine, "before_cursor_execute", explain)
    assert types(world, "ben") == ["user.created"]
    (plan,) = plans
    assert "Seq Scan on event " not in plan
    assert "SCAN event " not in plan


def test_waiting_ends_when_something_happens(
    app: Flask, scene: Match, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer comes on the relay's publish, long before the next look at the database."""
    world = scene.world
    monkeypatch.setattr("core.waiting._DEAF", 20.0)
    monkeypatch.setattr("core.waiting._ALERT", 20.0)
    cursor = feed(world, "ada", "now")["cursor"]
    answers: list[Any] = []

    def follow() -> None:
        path = f"/api/v1/changes/?wait=25&cursor={cursor}"
        headers = {"Authorization": f"Bearer {world.tokens['ada']}"}
        answers.append(app.test_client().get(path, headers=headers).get_json())

    followers = [threading.Thread(target=follow) for _ in range(3)]
    for follower in followers:
        follower.start()
    bell = app.extensions[route.KEY]
    until = time.monotonic() + 20
    while bell._waiting < 3 or not bell._subscribed:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert world.db.engine.pool.checkedout() == 0  # no connection is held while they wait
    scene.frame()
    number(world)
    channel = app.extensions["touchline"].redis
    assert channel.pubsub_numsub("touchline:changes") == [(b"touchline:changes", 1)]
    began = time.monotonic()
    channel.publish("touchline:changes", "")
    for follower in followers:
        follower.join()
    assert time.monotonic() - began < 10  # neither the wait nor the look at the database
    assert [[i["type"] for i in a["results"]] for a in answers] == [["timeframe.created"]] * 3


def test_waiting_ends_without_redis_too(
    app: Flask, scene: Match, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = scene.world
    nowhere = redis.Redis(host="127.0.0.1", port=1, socket_connect_timeout=0.2)
    monkeypatch.setattr(app.extensions[route.KEY], "_redis", nowhere)
    cursor = feed(world, "ada", "now")["cursor"]
    later = threading.Timer(0.3, lambda: (scene.frame(), number(world)))
    later.start()
    assert types_after(world, "ada", cursor) == ["timeframe.created"]
    later.join()


def types_after(world: World, user: str, cursor: str) -> list[str]:
    answer = world.get("/changes/", user, query_string={"cursor": cursor, "wait": 25})
    return [item["type"] for item in answer.get_json()["results"]]


def test_waiting_ends_with_nothing(scene: Match) -> None:
    cursor = feed(scene.world, "ada", "now")["cursor"]
    assert feed(scene.world, "ada", cursor, wait=1) == {"results": [], "cursor": cursor}


def test_a_token_that_ends_ends_the_wait(app: Flask, scene: Match) -> None:
    world = scene.world
    token = world.login("ada")
    cursor = feed(world, "ada", "now")["cursor"]
    path = f"/api/v1/changes/?wait=25&cursor={cursor}"
    statuses: list[int] = []

    def follow() -> None:
        headers = {"Authorization": f"Bearer {token}"}
        statuses.append(app.test_client().get(path, headers=headers).status_code)

    follower = threading.Thread(target=follow)
    follower.start()
    bell = app.extensions[route.KEY]
    until = time.monotonic() + 20
    while not bell._waiting:
        assert time.monotonic() < until
        time.sleep(0.01)
    revoked = world.client.post(
        "/oauth2/revoke-token/",
        data={"token": token},
        auth=(world.oauth.client_id, world.oauth_secret),
    )
    assert revoked.status_code == 200
    app.extensions["touchline"].redis.publish("touchline:changes", "")
    follower.join()
    assert statuses == [401]


def test_stopping_lets_go_of_who_waits(app: Flask, scene: Match) -> None:
    cursor = feed(scene.world, "ada", "now")["cursor"]
    threading.Timer(0.3, app.extensions[route.KEY].close).start()
    began = time.monotonic()
    assert types_after(scene.world, "ada", cursor) == []
    assert time.monotonic() - began < 20
