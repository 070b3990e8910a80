"""How sockets begin and end, whatever they are for: greeting, first message, close codes."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import httpx
import pytest
from flask import Blueprint, Flask
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from core.api import sockets
from core.api.sockets import Socket
from core.app import routed
from core.config import Config
from core.errors import BadInput, Forbidden, NotFound, TooLarge, Unavailable
from core.live import opened
from core.models.db import Database
from core.policy import DEVICE
from tests.contract.conftest import World, application
from tests.contract.scenes import device
from tests.sockets import closing, dial, receive, served

REFUSALS = {
    1: BadInput("no"),
    2: Forbidden("not yours"),
    3: NotFound("no such thing"),
    4: TooLarge("too much"),
    5: Unavailable("later"),
    6: RuntimeError("a fault"),
}

blueprint = Blueprint("echo", __name__, url_prefix="/api/v1/ws")


@sockets.route(blueprint, "/echo/<int:number>/")
def echo(socket: Socket, number: int) -> None:
    """Answers ``{"n": …}`` with who asks; the path's number asks for a refusal."""
    if number in REFUSALS:
        raise REFUSALS[number]
    socket.authorized(number=number, first=sorted(socket.first))
    socket.limit(2**20)
    while True:
        try:
            message = socket.receive_json()
        except BadInput as error:
            socket.send({"error": error.detail})
            continue
        if message == "enough":
            return
        socket.send({"role": socket.actor.role, "size": len(message["n"])})


@pytest.fixture
def db(db_sqlite: Database) -> Database:
    """Nothing here differs by engine."""
    return db_sqlite


@pytest.fixture(scope="module")
def routes() -> Flask:
    made = routed()
    made.register_blueprint(blueprint)
    return made


@pytest.fixture
def app(db: Database, config: Config, registry: Any, routes: Flask) -> Iterator[Flask]:
    with application(db, config, registry, routes) as made:
        yield made


@pytest.fixture
def url(app: Flask) -> Iterator[str]:
    with served(app) as base:
        yield base


SPELLINGS = ("/api/v1/ws", "/v1/ws", "/ws/v1", "/api/ws")


def test_every_spelling(world: World, url: str) -> None:
    first = {"token": world.login("ada"), "action": "authorize"}
    for prefix, slash in product(SPELLINGS, ("/", "")):
        with dial(f"{url}{prefix}/echo/7{slash}", first) as socket:
            hello = {"message": "Authorized", "number": 7, "first": ["action", "token"]}
            assert receive(socket) == hello
            socket.send('{"n": "abc"}')
            assert receive(socket) == {"role": "MANAGER", "size": 3}
            socket.send('"enough"')
            assert closing(socket) == (1000, "")


def test_a_token_need_not_wait_for_the_greeting_and_a_header_is_no_token(
    world: World, url: str
) -> None:
    token = world.login("ada")
    with connect(f"{url}/api/v1/ws/echo/7/") as socket:
        socket.send(json.dumps({"token": token}))
        assert receive(socket) == {"message": "Authorization needed"}
        assert receive(socket)["message"] == "Authorized"
    header = {"Authorization": f"Bearer {token}", "Origin": "https://elsewhere.example"}
    with dial(f"{url}/api/v1/ws/echo/7/", {}, additional_headers=header) as socket:
        assert closing(socket)[0] == 4401


def test_a_devices_token_is_known_too(world: World, url: str) -> None:
    token = device(world)["uplink_token"]
    with dial(f"{url}/api/v1/ws/echo/7/", {"token": token}) as socket:
        assert receive(socket)["message"] == "Authorized"
        socket.send('{"n": ""}')
        assert receive(socket)["role"] == DEVICE


BAD_FIRST: list[tuple[Callable[[ClientConnection], None], int, str]] = [
    (lambda s: s.send("not JSON"), 4401, "not JSON"),
    (lambda s: s.send("\x00\ud7ff"), 4401, "not JSON"),
    (lambda s: s.send(b'{"token": "x"}'), 4401, "not binary"),
    (lambda s: s.send("[]"), 4401, "token"),
    (lambda s: s.send('{"token": 5}'), 4401, "token"),
    (lambda s: s.send("{}"), 4401, "token"),
    (lambda s: s.send("null"), 4401, "must be an object"),
    (lambda s: s.send('{"token": "unknown"}'), 4401, "unknown"),
    (lambda s: s.send("[" * 60_000), 4401, "not JSON"),
    (lambda s: s.send("x" * 2**16 + "x"), 1009, ""),
    (lambda s: s.send(b"x" * 10_000_000), 1009, ""),
    (lambda s: s.send(["x" * 40_000, "x" * 40_000]), 1009, ""),
    (lambda s: s.socket.sendall(b"\x81\x05hello"), 1002, ""),  # a frame without a mask
    (lambda s: s.socket.sendall(b"\x81\x82\0\0\0\0\xff\xff"), 1007, ""),  # not UTF-8
    (lambda s: s.socket.sendall(b"\xf1\x80\0\0\0\0"), 1002, ""),  # reserved bits
]


def test_bad_first_messages(url: str) -> None:
    for number, (say, code, why) in enumerate(BAD_FIRST):
        with dial(f"{url}/api/v1/ws/echo/7/") as socket:
            with suppress(OSError, ConnectionClosed):  # closed before all of it was sent
                say(socket)
            got, reason = closing(socket)
            assert (got, why in reason) == (code, True), (number, reason)


def test_no_first_message(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "FIRST_SECONDS", 0.3)
    with dial(f"{url}/api/v1/ws/echo/7/") as socket:
        begun = time.monotonic()
        assert closing(socket) == (4401, "no first message within 0.3 s")
        assert time.monotonic() - begun < 3


def test_an_expired_token_and_one_of_a_disabled_account(world: World, url: str) -> None:
    token = world.login("ben")
    done = world.call(
        "PATCH", f"/admin/users/{world.ids['ben']}/", "admin", json={"disabled": True}
    )
    assert done.status_code == 200
    with dial(f"{url}/api/v1/ws/echo/7/", {"token": token}) as socket:
        assert closing(socket) == (4401, "the token is unknown, expired or revoked")


def test_refusals_have_their_codes(world: World, url: str) -> None:
    first = {"token": world.login("ada")}
    for number, expected in {1: 1008, 2: 4403, 3: 4404, 4: 1009, 5: 1013, 6: 1011}.items():
        with dial(f"{url}/api/v1/ws/echo/{number}/", first) as socket:
            code, reason = closing(socket)
        assert code == expected
        assert "a fault" not in reason
        assert reason


def test_a_fault_in_a_message_is_no_end(world: World, url: str) -> None:
    with dial(f"{url}/api/v1/ws/echo/7/", {"token": world.login("ada")}) as socket:
        receive(socket)
        socket.send("oops")
        assert "not JSON" in receive(socket)["error"]
        socket.send(json.dumps({"n": "x" * 900_000}))
        assert receive(socket)["size"] == 900_000
        socket.ping().wait(5)
        socket.send(json.dumps({"n": "x" * 2**20}))
        assert closing(socket)[0] == 1009


def test_too_many_sockets(world: World, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opened, "MOST_OF_ONE", 2)
    first = {"token": world.login("ada")}
    held = [dial(f"{url}/api/v1/ws/echo/7/", first) for _ in range(2)]
    for socket in held:
        receive(socket)
    with dial(f"{url}/api/v1/ws/echo/7/", first) as socket:
        assert closing(socket)[0] == 1013
    with dial(f"{url}/api/v1/ws/echo/7/", {"token": world.login("ben")}) as socket:
        assert receive(socket)["message"] == "Authorized"
    for socket in held:
        socket.close()
    count(world, 0)
    with dial(f"{url}/api/v1/ws/echo/7/", first) as socket:
        assert receive(socket)["message"] == "Authorized"
    monkeypatch.setattr(opened, "MOST", 0)
    with connect(f"{url}/api/v1/ws/echo/7/") as socket:
        assert closing(socket)[0] == 1013


def count(world: World, expected: int) -> None:
    until = time.monotonic() + 5
    found: Any = None
    while found != expected and time.monotonic() < until:
        found = world.client.application.extensions[sockets.KEY].count
        time.sleep(0.01)
    assert found == expected


def test_all_are_told_when_the_server_stops(world: World, url: str) -> None:
    socket = dial(f"{url}/api/v1/ws/echo/7/", {"token": world.login("ada")})
    receive(socket)
    world.client.application.extensions[sockets.KEY].close_all()
    assert closing(socket)[0] == 1001
    with connect(f"{url}/api/v1/ws/echo/7/") as late:
        assert closing(late)[0] == 1013
    count(world, 0)


def test_without_an_upgrade(url: str) -> None:
    plain = url.replace("ws:", "http:")
    answer = httpx.get(f"{plain}/api/v1/ws/echo/7/")
    assert (answer.status_code, answer.headers["Upgrade"]) == (426, "websocket")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "upgrade_required"
    assert httpx.get(f"{plain}/api/v1/ws/nothing/").status_code == 404
    with pytest.raises(InvalidStatus) as caught:
        connect(f"{url}/api/v1/ws/nothing/")
    assert caught.value.response.status_code == 404
    with pytest.raises(InvalidStatus) as caught:
        connect(f"{url}/api/v1/account/")
    assert caught.value.response.status_code == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version": "12"}, 426),
        ({"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}, 426),
        ({"Sec-WebSocket-Version": "13"}, 400),
    ],
)
def test_a_handshake_that_is_none(url: str, headers: dict[str, str], status: int) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", **headers}
    answer = httpx.get(f"{url.replace('ws:', 'http:')}/api/v1/ws/echo/7/", headers=asked)
    assert (answer.status_code, answer.headers["Sec-WebSocket-Version"]) == (status, "13")
    assert answer.headers["Content-Type"] == "application/problem+json"
