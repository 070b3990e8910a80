"""Connections that say too little are ended; those that are served, however long, are not."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.pywsgi import WSGIServer

from core.heads import Handler
from core.patience import BODY_RATE, BODY_SECONDS, CHUNKED_SECONDS, HEAD_SECONDS, Patient


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    if environ["PATH_INFO"] == "/slow":
        gevent.sleep(0.5)
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def say() -> Iterator[Callable[[bytes, float], bytes]]:
    """Sends bytes, waits, and looks at the connections as if so many seconds had passed; gives what
    the server answered until it closed, or until nothing more came.
    """
    server = WSGIServer(("127.0.0.1", 0), app, log=None, error_log=None, handler_class=Handler)
    server.start()
    hub = gevent.get_hub()  # of this thread, not of the client's

    def said(data: bytes, seconds: float) -> bytes:
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=0.5) as line:
            line.sendall(data)
            time.sleep(0.2)
            hub.loop.run_callback_threadsafe(Patient.look, time.monotonic() + seconds)
            answered = b""
            try:
                while part := line.recv(4096):
                    answered += part
            except TimeoutError:
                return answered + b" (open)"
            return answered

    yield lambda data, seconds: hub.threadpool.apply(said, (data, seconds))
    server.stop(timeout=1)


POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("data", "seconds"),
    [
        (b"", HEAD_SECONDS),
        (b"GET / HTTP/1.1\r\nHo", HEAD_SECONDS),
        (POST + b"Content-Length: 5\r\n\r\nab", BODY_SECONDS),
        (POST + b"Content-Length: 1000000\r\n\r\nab", BODY_SECONDS + 1_000_000 / BODY_RATE),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n", CHUNKED_SECONDS),
    ],
)
def test_who_says_too_little_is_hung_up_on(say: Any, data: bytes, seconds: float) -> None:
    assert say(data, seconds - 1).endswith(b" (open)")
    answered = say(data, seconds + 1)
    assert not answered.endswith(b" (open)")
    assert b"200 OK" not in answered


def test_between_two_requests_it_may_be_silent_for_a_while(say: Any) -> None:
    whole = POST + b"Content-Length: 2\r\n\r\nab"
    assert say(whole, HEAD_SECONDS - 1).endswith(b"\r\n\r\nab (open)")
    assert say(whole, HEAD_SECONDS + 1).endswith(b"\r\n\r\nab")


def test_who_waits_for_an_answer_is_not_hung_up_on(say: Any) -> None:
    answered = say(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n", 10 * CHUNKED_SECONDS)
    assert b"200 OK" in answered
