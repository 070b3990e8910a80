"""The device uplink as a socket: hello, numbers, answers after the commit, and how it ends."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from websockets.sync.client import ClientConnection

from core.api import sockets
from core.api.platform import KEY
from core.api.uplink_socket import IN_FLIGHT
from core.clock import now
from core.models import Device, UplinkBatch
from core.models.db import Database
from core.pipeline import store
from tests.contract.conftest import World
from tests.contract.scenes import T0, device
from tests.sockets import closing, dial, receive, served
from tests.unit.pipeline.arrow_batches import as_arrow

STRAP = {"mac_address": "02:32:f8:26:fa:ae", "name": "strap 7"}


@pytest.fixture
def db(db_sqlite: Database) -> Database:
    """Nothing here differs by engine; what is stored does, and has its own tests."""
    return db_sqlite


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    with served(app) as base:
        yield base


@pytest.fixture
def tracker(world: World) -> dict[str, Any]:
    return device(world)


class Line:
    """A device's connection, hello included."""

    def __init__(self, url: str, tracker: dict[str, Any], token: str | None = None) -> None:
        first = {"token": token or tracker["uplink_token"]}
        self.socket: ClientConnection = dial(f"{url}/api/v1/ws/uplink/{tracker['id']}/", first)

    def __enter__(self) -> "Line":
        self.hello = receive(self.socket)
        assert self.hello.pop("message") == "Authorized"
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def ask(self, message: Any) -> Any:
        self.socket.send(message if isinstance(message, bytes | str) else json.dumps(message))
        return receive(self.socket)


def batch(n: int | None, **changes: Any) -> dict[str, Any]:
    """Batch ``b<n>``: two samples of its own second."""
    at = T0 + 1000 * (n or 0)
    columns = {"gnss.timestamp": [at, at + 100], "gnss.speed": [3.0, None]}
    numbered = {} if n is None else {"n": n}
    return {"batch": f"b{n}", "columns": columns, **numbered, **changes}


def ack(n: int, **more: Any) -> dict[str, Any]:
    return {"ack": n, "accepted": 2, "duplicate": False, **more}


def ledger(world: World) -> list[tuple[int | None, str]]:
    rows = select(UplinkBatch.number, UplinkBatch.batch).order_by(UplinkBatch.seq)
    return [tuple(row) for row in world.db.read(lambda s: s.execute(rows).all())]


def test_batches_are_acknowledged_and_a_device_resumes(
    world: World, url: str, tracker: dict[str, Any]
) -> None:
    with Line(url, tracker) as line:
        assert line.hello == {"last": 0, "offset_ms": None, "bluetooth": {}}
        assert line.ask(batch(1)) == ack(1)
        assert ledger(world) == [(1, "b1")]
        assert line.ask(batch(5)) == ack(5)
        assert line.ask(batch(5)) == ack(5, duplicate=True)
        assert line.ask(batch(1)) == ack(1, duplicate=True)
    with Line(url, tracker) as line, Line(url, tracker) as other:
        assert line.hello["last"] == other.hello["last"] == 5
        assert line.ask(batch(6)) == ack(6)
        assert other.ask(batch(6)) == ack(6, duplicate=True)
        assert other.ask(batch(7)) == ack(7)
        assert line.ask(batch(8)) == ack(8)
    assert ledger(world) == [(n, f"b{n}") for n in (1, 5, 6, 7, 8)]


def test_arrow_in_a_binary_message(world: World, url: str, tracker: dict[str, Any]) -> None:
    with Line(url, tracker) as line:
        assert line.ask(as_arrow(batch(1))) == ack(1)
        assert line.ask(batch(1)) == ack(1, duplicate=True)
        assert line.ask(as_arrow(batch(2), compression="zstd")) == ack(2)
        wrong = batch(3, columns={"gnss.timestamp": [T0], "gnss.speed": [151.0]})
        refused = line.ask(as_arrow(wrong))
        assert (refused["n"], refused["errors"][0]["pointer"]) == (3, "/columns/gnss.speed/0")
        assert line.ask(b"ARROW1")["error"] == "bad_input"
        assert line.ask(as_arrow(batch(3))) == ack(3)
    assert ledger(world) == [(1, "b1"), (2, "b2"), (3, "b3")]


REFUSED: list[tuple[Any, str, int | None, str]] = [
    ("not JSON", "bad_input", None, ""),
    ("[]", "bad_input", None, ""),
    ("\x00", "bad_input", None, ""),
    ("[" * 100_000, "bad_input", None, ""),
    ("{}", "bad_input", None, "/batch"),
    (batch(None), "bad_input", None, "/n"),
    ({**batch(3), "n": 0}, "bad_input", 0, "/n"),
    ({**batch(3), "n": "4"}, "bad_input", None, "/n"),
    ({**batch(3), "n": 2**70}, "bad_input", None, "/n"),
    (batch(3, columns={"gnss.timestamp": [T0, T0]}), "bad_input", 3, "/columns/gnss.timestamp/1"),
    (batch(3, colour=1), "bad_input", 3, "/colour"),
    ({**batch(1), "n": 2}, "conflict", 2, ""),
    (batch(2, batch="fresh"), "conflict", 2, ""),
    (batch(3, batch="b2"), "conflict", 3, ""),
    (batch(3, columns={"gnss.timestamp": list(range(T0, T0 + 36_001))}), "too_large", 3, ""),
    ({"bluetooth": {"current": {"pairing_1": {"name": "x"}}}}, "bad_input", None,
     "/bluetooth/current/pairing_1/mac_address"),
    ({"bluetooth": {}}, "bad_input", None, "/bluetooth/current"),
    ({"bluetooth": {"current": {}}, "n": 3}, "bad_input", 3, "/n"),
]  # fmt: skip


def test_a_refusal_is_answered_and_ends_nothing(
    world: World, url: str, tracker: dict[str, Any]
) -> None:
    with Line(url, tracker) as line:
        line.ask(batch(1, columns={"gnss.timestamp": [T0 + 7]}))
        line.ask(batch(2))
        for message, code, n, pointer in REFUSED:
            answer = line.ask(message)
            assert answer.keys() == {"error", "detail", "n", "errors"}
            assert (answer["error"], answer["n"]) == (code, n), (message, answer)
            if pointer:
                assert answer["errors"][0]["pointer"] == pointer
        assert line.ask(batch(3)) == ack(3)
    assert [n for n, _ in ledger(world)] == [1, 2, 3]


def test_too_large_a_message_closes(url: str, tracker: dict[str, Any]) -> None:
    with Line(url, tracker) as line:
        line.socket.send(b"x" * (8 * 2**20 + 1))
        assert closing(line.socket)[0] == 1009


def test_who_may_send(world: World, url: str, tracker: dict[str, Any]) -> None:
    other = device(world, "S2", "dev-2")
    world.post(f"/devices/{tracker['id']}/take-ownership/", "ada")
    with Line(url, tracker, world.login("ada")) as line:
        assert line.ask(batch(1)) == ack(1)
    for token in (*map(world.login, ("ben", "noe", "admin")), other["uplink_token"]):
        with dial(f"{url}/api/v1/ws/uplink/{tracker['id']}/", {"token": token}) as socket:
            assert closing(socket)[0] == 4403
    with dial(f"{url}/api/v1/ws/uplink/999/", {"token": tracker["uplink_token"]}) as socket:
        assert closing(socket)[0] == 4404


def test_a_rotated_token_and_a_lost_device_end_the_connection(
    world: World, url: str, tracker: dict[str, Any]
) -> None:
    world.post(f"/devices/{tracker['id']}/take-ownership/", "ada")
    with Line(url, tracker) as own, Line(url, tracker, world.login("ada")) as owners:
        released = world.post(f"/devices/{tracker['id']}/release-ownership/", "ada")
        assert released.status_code < 300, released.get_data(as_text=True)
        assert closing(owners.socket)[0] == 4403
        assert own.ask(batch(1)) == ack(1)
        world.post(f"/admin/devices/{tracker['id']}/rotate-token/", "admin")
        assert closing(own.socket)[0] == 4401


def test_the_offset_is_told_when_it_changes(url: str, tracker: dict[str, Any]) -> None:
    with Line(url, tracker) as line:
        offset = line.ask(batch(1, sent=now() + 60_000))["offset_ms"]
        assert 50_000 < offset <= 60_000
        assert "offset_ms" not in line.ask(batch(2))  # without ``sent`` nothing is learned
        assert line.ask(batch(3, sent=now() - 100_000))["offset_ms"] < offset
    with Line(url, tracker) as line:
        assert line.hello["offset_ms"] is not None


def test_bluetooth(world: World, url: str, tracker: dict[str, Any]) -> None:
    world.post(f"/devices/{tracker['id']}/take-ownership/", "ada")
    path = f"/devices/{tracker['id']}/bluetooth-config/"

    def current() -> Any:
        return world.get(path, "ada").get_json()["data"]["current"]

    with Line(url, tracker) as line:
        world.call("PATCH", path, "ada", json={"pairing_1": STRAP})  # for its next start
        world.call("PATCH", f"{path}?immediate_sending=true", "ada", json={"pairing_2": STRAP})
        target = {"pairing_1": STRAP, "pairing_2": STRAP}
        assert receive(line.socket) == {"bluetooth": target}
        assert current() == {}
        answer = line.ask({"bluetooth": {"current": {"pairing_1": STRAP}}})
        assert answer == {"reported": {"current": {"pairing_1": STRAP}}}
        assert current() == {"pairing_1": STRAP}
        assert line.ask(batch(1)) == ack(1)  # and is not told again
    with Line(url, tracker) as line:
        assert line.hello["bluetooth"] == target
        line.ask({"bluetooth": {"current": target}})
    assert current() == target


class Gate:
    """Lets no commit pass until it is opened; counts the batches that were put before it."""

    def __init__(self, app: Flask) -> None:
        self.put = 0
        self.closed = threading.Event()
        self._opened = threading.Event()
        parts = app.extensions[KEY]
        put, run = parts.writer.put, parts.db.run_writes

        def counting(*given: Any) -> Any:
            self.put += 1
            return put(*given)

        def waiting(work: Any) -> Any:
            self.closed.set()
            assert self._opened.wait(20)
            return run(work)

        parts.writer.put, parts.db.run_writes = counting, waiting

    def open(self) -> None:
        self._opened.set()


def test_a_device_that_is_faster_than_commits_waits(
    app: Flask, world: World, url: str, tracker: dict[str, Any]
) -> None:
    with Line(url, tracker) as line:
        gate = Gate(app)
        count = 60
        for n in range(1, count + 1):
            line.socket.send(json.dumps(batch(n)))
        assert gate.closed.wait(5)
        time.sleep(0.3)
        # One waits to be queued for its answer, and one has been taken from the queue.
        assert gate.put <= IN_FLIGHT + 2
        gate.open()
        assert [receive(line.socket) for _ in range(count)] == [ack(n) for n in range(1, count + 1)]
    assert ledger(world) == [(n, f"b{n}") for n in range(1, count + 1)]


def test_a_stop_finishes_what_is_in_hand(
    app: Flask, world: World, url: str, tracker: dict[str, Any]
) -> None:
    with Line(url, tracker) as line:
        gate = Gate(app)
        line.socket.send(json.dumps(batch(1)))
        assert gate.closed.wait(5)
        app.extensions[sockets.KEY].close_all()
        gate.open()
        assert receive(line.socket) == ack(1)
        assert closing(line.socket)[0] == 1001
    assert ledger(world) == [(1, "b1")]


def test_a_refused_commit_ends_the_connection_and_the_device_resumes(
    app: Flask, world: World, url: str, tracker: dict[str, Any]
) -> None:
    database = app.extensions[KEY].db
    run = database.run_writes
    with Line(url, tracker) as line:
        assert line.ask(batch(1)) == ack(1)

        def refuse(work: Any) -> Any:
            raise RuntimeError("the disk is full")

        database.run_writes = refuse
        line.socket.send(json.dumps(batch(2)))
        line.socket.send(json.dumps(batch(3)))
        answer = receive(line.socket)
        assert (answer["error"], answer["n"]) == ("unavailable", 2)
        database.run_writes = run
        assert closing(line.socket)[0] == 1013
    with Line(url, tracker) as line:
        assert line.hello["last"] == 1
        for n in (2, 3):
            assert line.ask(batch(n)) == ack(n)
    assert [n for n, _ in ledger(world)] == [1, 2, 3]


def test_a_connection_cut_in_mid_message_stores_nothing_of_it(
    world: World, url: str, tracker: dict[str, Any]
) -> None:
    with Line(url, tracker) as line:
        assert line.ask(batch(1)) == ack(1)
        text = json.dumps(batch(2)).encode()
        head = b"\x81\xfe" + len(text).to_bytes(2, "big") + b"\0\0\0\0"
        line.socket.socket.sendall(head + text[:-5])
        line.socket.socket.close()
    with Line(url, tracker) as line:
        assert line.hello["last"] == 1
        assert line.ask(batch(2)) == ack(2)


def test_a_deleted_device_ends_the_connection(
    world: World, url: str, tracker: dict[str, Any]
) -> None:
    with Line(url, tracker) as line:
        world.db.write(lambda s: s.delete(s.get(Device, tracker["id"])))
        line.socket.send(json.dumps(batch(1)))
        assert receive(line.socket)["error"] == "not_found"
        assert closing(line.socket)[0] == 4404


def test_at_equal_times_the_highest_number_wins(
    world: World, url: str, tracker: dict[str, Any]
) -> None:
    def said(n: int, speed: float) -> dict[str, Any]:
        return batch(n, columns={"gnss.timestamp": [T0], "gnss.speed": [speed]})

    with Line(url, tracker) as line, Line(url, tracker) as other:
        line.ask(said(1, 1.0))
        other.ask(said(2, 2.0))
        line.ask(as_arrow(said(4, 4.0)))
        assert other.ask(said(3, 3.0))["error"] == "conflict"
        assert line.ask(said(2, 2.0))["duplicate"] is True
    read = world.db.read(lambda s: store.read(s, tracker["id"], "samples", 0, 2 * T0))
    assert read["gnss.speed"].tolist() == [4.0]
