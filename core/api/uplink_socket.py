"""The device uplink as a socket (contract/touchline.md sections 2 and 11).

After the hello the device sends the POST's body, as JSON text or as Arrow in a binary message, with
a number ``n`` of its own. Each is answered in the order of sending, after its commit; meanwhile the
next ones are read, ``IN_FLIGHT`` at most. A device that sends faster waits in its own TCP.

One greenlet reads; another awaits the commits and answers. That the device may still send, and
what is to be told to it meanwhile, is the matter of core.live.uplinks.
"""

import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any

import marshmallow as ma
import orjson
import structlog
from flask import Blueprint, current_app

from core.api import sockets
from core.api.bluetooth import UplinkReportShape
from core.api.parsing import parse_json
from core.api.platform import Platform, platform
from core.api.problems import invalid
from core.api.sockets import Socket
from core.clock import now
from core.errors import BadInput, NotFound, TouchlineError, Unavailable
from core.live.uplinks import Line, Uplinks
from core.live.wire import GOING_AWAY, INTERNAL
from core.pipeline import uplink, uplink_arrow
from core.pipeline.writer import Waiting
from core.services import bluetooth, samples

IN_FLIGHT = 4  # batches of one socket that are read and not answered yet
LOOK_SECONDS = 1.0  # how long the end of a silent connection may go unnoticed
KEY = "touchline-uplinks"

log = structlog.get_logger(__name__)

blueprint = Blueprint("uplink_socket", __name__, url_prefix="/api/v1/ws/uplink")

Outcome = Callable[[], Mapping[str, Any]]


@sockets.route(blueprint, "/<int:device>/")
def receive_samples(socket: Socket, device: int) -> None:
    """Until the device hangs up, loses its right, or the server stops."""
    Uplink(socket, device, platform()).run()


def uplinks() -> Uplinks:
    """The uplink sockets of this process."""
    return current_app.extensions[KEY]


class Uplink:
    """One device's connection."""

    def __init__(self, socket: Socket, device: int, parts: Platform) -> None:
        self._socket, self._device, self._parts = socket, device, parts
        self._outcomes: queue.Queue[tuple[int | None, Outcome] | None] = queue.Queue(IN_FLIGHT)
        self._before: Waiting | None = None
        self._leaving = threading.Event()

    def run(self) -> None:
        """Greet, then take messages. Raises what closes the socket."""
        here = self._parts.db.read(self._standing)
        self._offset = here.offset_ms
        socket = self._socket
        line = Line(socket.wire, socket.actor, socket.token, self._device, here.targeted)
        socket.limit(uplink.MAX_BYTES)
        socket.wire.leaving = self._leaving.set
        socket.authorized(last=here.last, offset_ms=here.offset_ms, bluetooth=here.target)
        answering = threading.Thread(target=self._answer_all, name="uplink answers", daemon=True)
        answering.start()
        uplinks().add(line)
        try:
            while socket.wire.open and not self._leaving.is_set():
                message = socket.receive(LOOK_SECONDS)
                if message is not None:
                    self._take(message)
        finally:
            uplinks().remove(line)
            self._outcomes.put(None)
            answering.join()
        socket.close(GOING_AWAY, "the server is stopping; connect again")

    def _standing(self, session: Any) -> samples.Standing:
        return samples.standing(session, self._socket.actor, self._device)

    def _take(self, message: str | bytes) -> None:
        """Read a message and have it answered in its turn."""
        received = now()
        try:
            outcome = uplink.aside(
                self._parts.offload, len(message), lambda: self._read(message, received)
            )
            number = None
            if isinstance(outcome, uplink.Batch):
                number = outcome.number
                self._before = self._parts.writer.put(self._device, outcome, received, self._before)
                outcome = self._before.result
        except TouchlineError as error:
            number, outcome = number_of(message), _raising(error)
        self._outcomes.put((number, outcome))

    def _read(self, message: str | bytes, received: int) -> uplink.Batch | Outcome:
        """A batch, or what answers anything else. Raises BadInput and TooLarge."""
        if isinstance(message, bytes):
            batch = uplink_arrow.parse(message, received)
        else:
            body = message.encode()
            document = uplink.load(body, received)
            if "bluetooth" in document:
                report = report_of(body)
                return lambda: self._report(report)
            batch = uplink.of_document(document, received)
        if batch.number is None:
            raise BadInput.at("/n", "required: a number above the one before")
        return batch

    def _report(self, current: bluetooth.Pairings) -> Mapping[str, Any]:
        actor = self._socket.actor
        stored = self._parts.db.write(
            lambda session: bluetooth.report(session, actor, self._device, current)
        )
        return {"reported": {"current": stored.current}}

    def _answer_all(self) -> None:
        """Answer in the order of sending, each when its outcome is there."""
        while (item := self._outcomes.get()) is not None:
            number, outcome = item
            try:
                answer = self._ack(number, outcome())
            except (NotFound, Unavailable) as error:
                # What follows is lost as well: the device is to begin again, from ``last``.
                self._socket.send(refusal(number, error))
                self._socket.close(sockets.code_of(error), error.detail)
            except TouchlineError as error:
                self._socket.send(refusal(number, error))
            except Exception as error:
                log.error("unexpected error on an uplink", exc_info=error)
                self._socket.close(INTERNAL, "something went wrong on the server")
            else:
                self._socket.send(answer)

    def _ack(self, number: int | None, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer to a batch; to anything else, what was said of it."""
        if number is None:
            return body
        ack = {"ack": number, "accepted": body["accepted"], "duplicate": body["duplicate"]}
        if not body["duplicate"] and body["offset_ms"] != self._offset:
            self._offset = ack["offset_ms"] = body["offset_ms"]
        return ack


def report_of(body: bytes) -> bluetooth.Pairings:
    """The pairings that a device says it runs. Raises BadInput."""
    try:
        report = UplinkReportShape().load(parse_json(body))
    except ma.ValidationError as error:
        raise invalid(error.messages_dict, "json") from None
    current: bluetooth.Pairings = report["bluetooth"]["current"]
    return current


def number_of(message: str | bytes) -> int | None:
    """The ``n`` of a message that was refused, where it can be read."""
    try:
        if isinstance(message, bytes):
            number = uplink_arrow.envelope(message).get("n")
        else:
            number = orjson.loads(message)["n"]
    except (ValueError, TypeError, LookupError):
        return None
    return number if type(number) is int else None


def refusal(number: int | None, error: TouchlineError) -> Mapping[str, Any]:
    """How a socket says that it did not take a message."""
    return {
        "error": error.code,
        "detail": error.detail,
        "n": number,
        "errors": error.errors,
    }


def _raising(error: TouchlineError) -> Outcome:
    def outcome() -> Mapping[str, Any]:
        raise error

    return outcome
