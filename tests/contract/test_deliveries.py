"""The log of deliveries, sending again, the proof of what arrived, on the way a client goes."""

from typing import Any

import pytest
from sqlalchemy import select, update

from core.clock import now, to_iso
from core.models import Delivery, Event, Outbox, Webhook
from core.models.outbox import DELIVER
from core.net import Answer, CallFailed
from core.services import deliveries
from core.services.deliveries import Owed
from tests.contract.conftest import World
from tests.contract.scenes import Match, match, pointers, problem
from tests.contract.test_webhooks import BODY
from workers import sequencer

ALL = ["activity.updated", "timeframe.created", "timeframe.updated", "timeframe.deleted"]


class Line:
    """A receiver at the end of a line of our own: what it is sent, and what it says."""

    def __init__(self, world: World) -> None:
        self.world, self.status, self.bodies = world, 200, list[bytes]()

    def post(self, _url: str, body: bytes, _headers: Any) -> Answer:
        self.bodies.append(body)
        if self.status == 0:
            raise CallFailed("connection refused")
        return Answer(self.status, {}, b"thanks")

    def work(self) -> None:
        """The relay's and the deliverer's part."""
        list(sequencer.number(self.world.db))
        rows = select(Outbox).where(Outbox.topic == DELIVER, Outbox.due <= now())
        while owed := self.world.db.read(lambda s: s.scalars(rows).all()):
            for row in owed:
                claimed = Owed(row.id, row.generation, row.lease)
                deliveries.run(self.world.db, self.post, int(row.key), claimed)


@pytest.fixture
def scene(world: World) -> Match:
    return match(world)


@pytest.fixture
def line(scene: Match) -> Line:
    return Line(scene.world)


def registered(scene: Match, **changes: Any) -> str:
    """The path of a new webhook."""
    body = {**BODY, "events": ALL, **changes}
    answer = scene.world.post(f"/activities/{scene.activity}/webhooks/", "ada", json=body)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return f"/webhooks/{answer.get_json()['id']}/"


def results(scene: Match, path: str) -> list[dict[str, Any]]:
    answer = scene.world.get(path, "ada")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.get_json()["results"]


def test_what_happens_is_delivered_and_logged(scene: Match, line: Line) -> None:
    hook = registered(scene)
    frame = scene.frame()
    scene.world.delete(f"/timeframes/{frame}/", "ada")
    line.status = 500
    line.work()
    line.status = 204
    scene.world.db.write(lambda s: s.execute(update(Delivery).values(due=0)))
    scene.world.db.write(lambda s: s.execute(update(Outbox).values(due=0)))
    line.work()
    created, deleted = results(scene, f"{hook}deliveries/")
    assert created.keys() == {
        "id", "kind", "type", "sequence", "state", "attempts", "status", "error", "created",
        "next_attempt", "finished", "log",
    }  # fmt: skip
    assert (created["type"], deleted["type"]) == ("timeframe.created", "timeframe.deleted")
    assert [row["status"] for row in created["log"]] == [500, 204]
    assert created["log"][0]["answer"] == "thanks"
    assert (created["state"], created["attempts"], created["next_attempt"]) == (
        "delivered", 2, None,
    )  # fmt: skip
    for query, found in (
        ("state=delivered", 2),
        ("state=FAILED", 0),
        ("type=timeframe.deleted", 1),
        (f"time_from={to_iso(now() + 60_000)}", 0),
    ):
        assert len(results(scene, f"{hook}deliveries/?{query}")) == found
    newest = results(scene, f"{hook}deliveries/?ordering=-sequence&limit=1")
    assert [row["id"] for row in newest] == [deleted["id"]]
    assert pointers(scene.world.get(f"{hook}deliveries/?type=nonsense", "ada")) == ["/type"]


def test_an_activity_that_goes_is_told_and_takes_its_webhook_along(
    scene: Match, line: Line
) -> None:
    hook = registered(scene, events=None)  # the two flags: of the activity, none of its frames
    assert scene.world.delete(f"/activities/{scene.activity}/", "ada").status_code == 204
    line.status = 0
    line.work()
    (waiting,) = results(scene, f"{hook}deliveries/")
    assert (waiting["type"], waiting["state"], waiting["error"]) == (
        "activity.deleted", "pending", "connection refused",
    )  # fmt: skip
    line.status = 200
    scene.world.db.write(lambda s: s.execute(update(Delivery).values(due=0)))
    scene.world.db.write(lambda s: s.execute(update(Webhook).values(held_until=0)))
    scene.world.db.write(lambda s: s.execute(update(Outbox).values(due=0)))
    line.work()
    problem(scene.world.get(f"{hook}deliveries/", "ada"), 404)
    assert len(line.bodies) == 2


def test_disabled_then_enabled_and_sent_again(scene: Match, line: Line) -> None:
    world, hook = scene.world, registered(scene)
    began = to_iso(now())
    line.status = 410
    scene.frame()
    line.work()
    one = f"/activities/{scene.activity}{hook}"
    seen = world.get(one, "ada").get_json()
    assert (seen["state"], seen["reason"]) == ("disabled", "the receiver answered 410 Gone")
    scene.frame()  # while it is disabled
    line.work()
    assert len(line.bodies) == 1

    def summary() -> dict[str, int]:
        return world.get(f"{hook}reconcile/?from={began}", "ada").get_json()["summary"]

    assert summary() == {"delivered": 0, "pending": 0, "failed": 1, "missing": 1}
    missed = {"from": began, "to": to_iso(now() + 60_000)}
    problem(world.post(f"{hook}redeliver/", "ada", json=missed), 409)
    enabled = world.post(f"{hook}enable/", "ada").get_json()
    assert (enabled["state"], enabled["reason"]) == ("active", None)
    line.status = 200
    answer = world.post(f"{hook}redeliver/", "ada", json=missed)
    assert (answer.status_code, answer.get_json()) == (202, {"planned": 2})
    line.work()
    assert summary() == {"delivered": 2, "pending": 0, "failed": 0, "missing": 0}
    sent = [row["id"] for row in results(scene, f"{hook}reconcile/?from={began}")]
    assert [row["id"] for row in results(scene, f"{hook}deliveries/")] == sent
    again = world.post(f"{hook}deliveries/{sent[0]}/redeliver/", "ada")
    assert (again.status_code, again.get_json()["state"]) == (202, "pending")
    line.work()
    assert line.bodies[0] == line.bodies[1] == line.bodies[3]  # the same id, the same bytes
    problem(world.post(f"{hook}deliveries/nothing/redeliver/", "ada"), 404)
    for bad in ({"from": began}, {"to": began}, {"from": "now", "to": began}):
        pointers(world.post(f"{hook}redeliver/", "ada", json=bad))
    backwards = {"from": missed["to"], "to": began}
    assert pointers(world.post(f"{hook}redeliver/", "ada", json=backwards)) == ["/to"]


def test_a_new_registration_makes_a_disabled_webhook_active(scene: Match, line: Line) -> None:
    hook = registered(scene)
    line.status = 410
    scene.frame()
    line.work()
    answer = scene.world.put(f"/activities/{scene.activity}{hook}", "ada", json=BODY)
    assert answer.get_json()["state"] == "active"


def test_reconciliation_is_the_feed_item_by_item(scene: Match, line: Line) -> None:
    scene.frame()  # before there was a webhook
    hook = registered(scene)
    for _ in range(3):
        scene.frame()
    line.work()
    path = f"{hook}reconcile/?from=2020-01-01T00:00:00Z"
    page = scene.world.get(f"{path}&limit=2", "ada").get_json()
    assert (page["count"], page["next"]) == (3, 2)
    events = scene.world.db.read(
        lambda s: s.scalars(
            select(Event).where(Event.type == "timeframe.created").order_by(Event.sequence)
        ).all()
    )[1:]
    first = page["results"][0]
    assert first == {
        "id": events[0].id,
        "sequence": events[0].sequence,
        "type": "timeframe.created",
        "created": to_iso(events[0].created),
        "resource": {"kind": "timeframe", "id": events[0].resource_id},
        "revision": events[0].revision,
        "state": "delivered",
        "attempts": 1,
        "delivered": first["delivered"],
    }
    assert [row["id"] for row in results(scene, path)] == [event.id for event in events]
    assert results(scene, f"{hook}reconcile/?from={to_iso(now() + 60_000)}") == []
    assert pointers(scene.world.get(f"{hook}reconcile/?from=yesterday", "ada")) == ["/from"]
    late = f"from={to_iso(now())}&to=2020-01-01T00:00:00Z"
    assert pointers(scene.world.get(f"{hook}reconcile/?{late}", "ada")) == ["/to"]


def test_a_test_message(scene: Match, line: Line) -> None:
    hook = registered(scene)
    answer = scene.world.post(f"{hook}test/", "ada")
    assert answer.status_code == 202
    assert (answer.get_json()["kind"], answer.get_json()["sequence"]) == ("test", None)
    line.work()
    (row,) = results(scene, f"{hook}deliveries/")
    assert (row["state"], row["type"], row["status"]) == ("delivered", "webhook.test", 200)
    assert results(scene, f"{hook}reconcile/?from=2020-01-01T00:00:00Z") == []
    problem(scene.world.post(f"{hook}test/", "ben"), 403)
    problem(scene.world.post("/webhooks/999/test/", "ada"), 404)
