"""How long a connection may take to say what it wants: a client that sends a byte a minute must not
hold its place. gevent's server has no such limit, and a timer for each read costs more than the
read; so one greenlet looks at all connections now and then.
"""

import socket
import time
from contextlib import suppress
from typing import Any, ClassVar

import gevent
import structlog
from gevent.pywsgi import WSGIHandler

HEAD_SECONDS = 75.0  # from the last answer to the end of the next head
BODY_SECONDS, BODY_RATE = 60.0, 10_000  # for a body, and one second more for so many bytes
CHUNKED_SECONDS = 600.0  # for a body that does not say how long it is
LOOK_SECONDS = 5.0

log = structlog.get_logger(__name__)


class Patient(WSGIHandler):
    """A handler whose connection is ended by ``look`` when its time is up."""

    _open: ClassVar[dict["Patient", None]] = {}  # those of the process
    since = 0.0  # monotonic: when it began to wait for a head, or to answer
    answering = False

    def handle(self) -> None:
        self._open[self] = None
        try:
            super().handle()
        finally:
            del self._open[self]

    def handle_one_request(self) -> Any:
        self.answering, self.since = False, time.monotonic()
        return super().handle_one_request()

    def handle_one_response(self) -> None:
        self.answering, self.since = True, time.monotonic()
        super().handle_one_response()

    def is_overdue(self, now: float) -> bool:
        """Whether what it still has to say is late."""
        waited = now - self.since
        if not self.answering:
            return waited > HEAD_SECONDS
        body = self.wsgi_input
        if body.chunked_input:
            return waited > CHUNKED_SECONDS and not self.headers_sent
        length = body.content_length or 0
        return body.position < length and waited > BODY_SECONDS + length / BODY_RATE

    @classmethod
    def look(cls, now: float) -> int:
        """End the connections that are overdue; how many. The reader of one finds that it ended."""
        overdue = [handler for handler in cls._open if handler.is_overdue(now)]
        for handler in overdue:
            with suppress(OSError, AttributeError):  # it ended by itself
                handler.socket.shutdown(socket.SHUT_RDWR)
        return len(overdue)


def watch() -> None:
    """Look at all connections of the process, for ever."""
    while True:
        gevent.sleep(LOOK_SECONDS)
        if ended := Patient.look(time.monotonic()):
            log.info("connections ended that said too little", count=ended)
