"""WebSockets: how each begins, and what its code works with.

Any connection is accepted and greeted with ``Authorization needed``. The first message must come
within 3 s and be a JSON object with ``token``; a browser may connect from any origin, because the
token is there and in no cookie. The code of a path then says ``Authorized`` or raises a domain
error, which closes the socket with its code and a reason (contract/insiders.md section 4.2,
contract/touchline.md section 11).

Reading happens in the greenlet that pywsgi runs for the connection; everything that is sent passes
the socket's ``Wire`` (core.live.wire), answers to pings too.
"""

import re
import time
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import orjson
import structlog
from flask import Blueprint, Flask, current_app, g, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed, Server
from werkzeug.routing.exceptions import WebsocketMismatch
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import ProtocolError, RemoteProtocolError

from core import metrics
from core.api import throttle
from core.api.platform import platform
from core.api.problems import from_http, problem
from core.errors import (
    BadInput,
    Forbidden,
    NotFound,
    TooLarge,
    TooManyRequests,
    TouchlineError,
    Unauthorized,
    Unavailable,
)
from core.live import wire as wires
from core.live.opened import Opened
from core.live.wire import Plain, Wire, frame
from core.policy import Actor

FIRST_SECONDS = 3.0
FIRST_BYTES = 2**16
LINGER_BYTES = 2**24  # of what the other side still sends when it is closed
PREFIX = "/api/v1/ws/"
KEY = "touchline-sockets"
_RECEIVE = 2**14

CODES: Mapping[type[TouchlineError], int] = {
    Unauthorized: wires.UNAUTHORIZED,
    Forbidden: wires.FORBIDDEN,
    NotFound: wires.NOT_FOUND,
    TooLarge: wires.TOO_BIG,
    TooManyRequests: wires.TRY_LATER,
    Unavailable: wires.TRY_LATER,
}

log = structlog.get_logger(__name__)

VERSION = "13"  # of the protocol, as RFC 6455 numbers it

_sock = Sock()


class Closed(Exception):
    """The other side is gone, or the socket was closed by us: there is nothing to do any more."""


class Silence(Exception):
    """Nothing came in the time given."""


class _NoThread:
    """In place of the thread by which simple-websocket reads: here the caller reads."""

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        self.target = target

    def start(self) -> None:
        """Nothing is started."""


class Socket:
    """One open socket. ``actor`` is who is behind its token and ``first`` the whole first message.

    ``receive`` and ``send`` never mix up: whatever is sent goes through ``wire``, which others may
    write to while this one waits for a message.
    """

    actor: Actor
    token: str
    first: Mapping[str, Any]

    def __init__(self, ws: Server) -> None:
        self._ws = ws
        self._sock = ws.sock
        self.wire = Wire(ws.sock)
        ws.sock = self.wire  # what simple-websocket answers by itself goes through it

    def limit(self, largest: int) -> None:
        """From now on messages may have ``largest`` bytes; larger ones close with 1009."""
        self._ws.max_message_size = largest

    def receive(self, seconds: float | None = None) -> str | bytes | None:
        """The next message; None when ``seconds`` pass without one. Raises Closed."""
        until = None if seconds is None else time.monotonic() + seconds
        while not self._ws.input_buffer:
            if not self._ws.connected:
                raise Closed
            if not self._filled(until):
                return None
        return self._ws.input_buffer.pop(0)

    def receive_json(self, seconds: float | None = None) -> Any:
        """The next message as JSON. Raises Silence when ``seconds`` pass, Closed, and BadInput for
        binary and for what is not JSON (after which more may be received).
        """
        message = self.receive(seconds)
        if message is None:
            raise Silence
        if isinstance(message, bytes):
            raise BadInput("messages are JSON as text, not binary")
        try:
            return orjson.loads(message)
        except orjson.JSONDecodeError as error:
            raise BadInput(f"the message is not JSON: {error}") from None

    def send(self, value: Any) -> None:
        """Send as JSON text. Never waits: a reader that is far too slow is closed with 1013."""
        self.wire.offer(Plain(frame(orjson.dumps(value))))

    def authorized(self, **more: Any) -> None:
        """Say that the stream begins."""
        self.send({"message": "Authorized", **more})

    def close(self, code: int, reason: str = "") -> None:
        self.wire.close(code, reason)

    def end(self) -> None:
        """Leave nothing open: give the other side time to answer our close, then hang up."""
        protocol, until = self._ws.ws, time.monotonic() + wires.CLOSE_SECONDS
        ours = not self.wire.open or protocol.state is ConnectionState.LOCAL_CLOSING
        left = LINGER_BYTES if ours and protocol.state is not ConnectionState.CLOSED else 0
        # After a broken frame nothing that comes can be read.
        broken = self._ws.close_reason != CloseReason.NO_STATUS_RCVD
        try:
            while left > 0 and (data := self._received(until)):
                left -= len(data)
                protocol.receive_data(data)
                if broken or any(isinstance(e, CloseConnection) for e in protocol.events()):
                    break
        except (OSError, ProtocolError):
            log.debug("socket closed without the other side's answer", path=request.path)
        self._ws.connected = False
        self.wire.abort()
        self.wire.settle()
        self._sock.close()

    def _received(self, until: float | None) -> bytes:
        """Some bytes, none at the end. Raises OSError; TimeoutError where it takes too long."""
        self._sock.settimeout(None if until is None else max(0.001, until - time.monotonic()))
        return self._sock.recv(_RECEIVE)

    def _filled(self, until: float | None) -> bool:
        """Read once and let the protocol see it; False: nothing came in time."""
        try:
            data = self._received(until)
        except TimeoutError:
            return False
        except OSError:
            data = b""
        if not data:
            self._ws.connected = False
            return True
        self.wire.heard = time.monotonic()
        try:
            self._ws.ws.receive_data(data)
            self._ws.connected = self._ws._handle_events()
        except ProtocolError:
            self._ws.connected = False
        return True


View = Callable[..., None]


def route(blueprint: Blueprint, path: str) -> Callable[[View], View]:
    """Serve sockets at ``path``. The view gets the Socket, authorised, and what the path holds; it
    checks rights, calls ``authorized`` and returns when it has nothing more to do.
    """

    stream = re.sub(r"<\w+:(\w+)>", r"{\1}", (blueprint.url_prefix or "") + path)

    def decorate(view: View) -> View:
        @_sock.route(path, bp=blueprint)
        @wraps(view)
        def served(ws: Server, **where: Any) -> None:
            socket = Socket(ws)
            gauge = metrics.SOCKETS.labels(stream)
            gauge.inc()
            try:
                _serve(socket, view, where)
            finally:
                opened().remove(socket.wire)
                socket.end()
                gauge.dec()

        return view

    return decorate


def _serve(socket: Socket, view: View, where: Mapping[str, Any]) -> None:
    try:
        opened().add(socket.wire)
        _admit(socket)
        view(socket, **where)
        socket.close(wires.NORMAL)
    except (Closed, ConnectionClosed):
        log.debug("socket ended by the other side", path=request.path)
    except TouchlineError as error:
        socket.close(code_of(error), error.detail)
    except Exception as error:
        log.error("unexpected error on a socket", exc_info=error)
        socket.close(wires.INTERNAL, "something went wrong on the server")


def code_of(error: TouchlineError) -> int:
    """The close code of a domain error."""
    return next((CODES[kind] for kind in type(error).mro() if kind in CODES), wires.POLICY)


def _admit(socket: Socket) -> None:
    """Greet, and find out who is there."""
    socket.send({"message": "Authorization needed"})
    try:
        first = socket.receive_json(FIRST_SECONDS)
    except BadInput as error:
        raise Unauthorized(error.detail) from None
    except Silence:
        raise Unauthorized(f"no first message within {FIRST_SECONDS:g} s") from None
    token = first.get("token") if isinstance(first, dict) else None
    if not isinstance(token, str):
        raise Unauthorized('the first message must be an object with a text "token"')
    actor = platform().tokens.actor(token)
    if actor is None:
        raise Unauthorized("the token is unknown, expired or revoked")
    throttle.of_actor(actor)
    g.user_id = actor.user_id
    whose = f"device {actor.device_id}" if actor.user_id is None else f"user {actor.user_id}"
    opened().belongs(socket.wire, whose)
    socket.actor, socket.token, socket.first = actor, token, first


def opened() -> Opened:
    """The sockets of this process."""
    return current_app.extensions[KEY]


def _mismatch(error: WebsocketMismatch) -> Any:
    """A plain request where a socket is served, or the other way round."""
    if not request.path.startswith(PREFIX):
        return from_http(error)
    response = problem(
        426, "upgrade_required", "Upgrade Required", "this path speaks WebSocket: send an Upgrade"
    )
    response.headers["Upgrade"], response.headers["Connection"] = "websocket", "Upgrade"
    return response


def _no_handshake(error: RemoteProtocolError) -> Any:
    """An Upgrade that is none: another version than RFC 6455's, no key (its section 4.2.2)."""
    if request.headers.get("Sec-WebSocket-Version") == VERSION:
        response = problem(
            400, "bad_input", "Bad input", f"this is no WebSocket handshake: {error}"
        )
    else:
        response = problem(
            426, "upgrade_required", "Upgrade Required", f"WebSocket is spoken in version {VERSION}"
        )
    response.headers["Sec-WebSocket-Version"] = VERSION
    return response


def _uncompressed() -> None:
    """Frames are built once for many readers, and a compressor for each costs 300 kB: whatever
    extension is offered, none is taken.
    """
    if request.path.startswith(PREFIX):
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)


def register(app: Flask) -> None:
    """Once per app. The paths are in the blueprints that ``route`` was given."""
    app.config["SOCK_SERVER_OPTIONS"] = {
        "max_message_size": FIRST_BYTES,
        "thread_class": _NoThread,
    }
    app.before_request(_uncompressed)
    app.register_error_handler(WebsocketMismatch, _mismatch)
    app.register_error_handler(RemoteProtocolError, _no_handshake)
