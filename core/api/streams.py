"""The three streams: computed data of a time frame and of an activity, samples of a device.

The first message may hold ``after``, the number of the newest message that the client has (for an
activity an object, time frame → number), and for an activity ``"summary": true``.
"""

import time
from typing import Any

from flask import Blueprint, current_app

from core.api import sockets
from core.api.sockets import Socket
from core.channels import LIVE_ACTIVITY, LIVE_DEVICE
from core.errors import BadInput
from core.live import messages
from core.live.hub import Hub
from core.live.messages import Shape
from core.live.reader import Kind, Reader

KEY = "touchline-live"
CHATTER = 60  # messages a minute that a stream forgets; more end it

blueprint = Blueprint("streams", __name__, url_prefix="/api/v1/ws")


@sockets.route(blueprint, "/computed-data/<int:activity>/<int:timeframe>/")
def stream_timeframe(socket: Socket, activity: int, timeframe: int) -> None:
    """A time frame's computed data, ``seq`` in it."""
    _follow(
        socket,
        _reader(socket, f"{LIVE_ACTIVITY}{activity}", Kind.FRAME, timeframe, messages.own),
        _numbers(timeframe, socket.first.get("after")),
    )


@sockets.route(blueprint, "/computed-data/<int:activity>/")
def stream_activity(socket: Socket, activity: int) -> None:
    """The computed data of all time frames of an activity, later ones included."""
    reader = _reader(
        socket, f"{LIVE_ACTIVITY}{activity}", Kind.ACTIVITY, activity, messages.of_frame
    )
    if _flag(socket.first, "summary"):
        reader.team_shape = messages.of_activity(activity)
    _follow(socket, reader, _numbers_by_frame(socket.first.get("after")))


@sockets.route(blueprint, "/preprocessed-data/<int:device>/")
def stream_device(socket: Socket, device: int) -> None:
    """What a device sends, batch by batch."""
    _follow(
        socket,
        _reader(socket, f"{LIVE_DEVICE}{device}", Kind.DEVICE, device, messages.own),
        _numbers(device, socket.first.get("after")),
    )


def hub() -> Hub:
    """The hub of this process."""
    return current_app.extensions[KEY]


def _reader(socket: Socket, channel: str, kind: Kind, subject: int, shape: Shape) -> Reader:
    return Reader(socket.wire, socket.actor, socket.token, channel, kind, subject, shape)


def _follow(socket: Socket, reader: Reader, after: dict[int, int]) -> None:
    try:
        hub().follow(reader, after, socket.authorized)
        listen(socket)
    finally:
        hub().leave(reader)


def listen(socket: Socket) -> None:
    """Until the socket ends: nothing more is asked of the client, and what comes is forgotten."""
    count, since = 0, time.monotonic()
    while True:
        socket.receive()
        if time.monotonic() - since > 60:
            count, since = 0, time.monotonic()
        count += 1
        if count > CHATTER:
            raise BadInput(f"a stream takes no messages, and {count} came within a minute")


def _numbers(key: int, after: Any) -> dict[int, int]:
    return {} if after is None else {key: _number(after)}


def _numbers_by_frame(after: Any) -> dict[int, int]:
    if after is None:
        return {}
    if not isinstance(after, dict) or not all(key.isdecimal() for key in after):
        raise BadInput('"after" must be an object: time frame → number')
    return {int(key): _number(value) for key, value in after.items()}


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise BadInput('"after" must be a number of a message: an integer of at least 0')
    return value


def _flag(first: Any, name: str) -> bool:
    value = first.get(name, False)
    if not isinstance(value, bool):
        raise BadInput(f'"{name}" must be true or false')
    return value
