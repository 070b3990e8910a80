"""Request heads read the short way are what the email package makes of them."""

import socket
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import gevent
import httpx
import pytest
from gevent.pywsgi import WSGIServer, headers_factory

from core.heads import MOST_LINES, SHORT_BODY, Handler, is_ambiguous, read

HEADS = {
    "usual": b"Host: a:8000\r\nAuthorization: Bearer x\r\nAccept: */*\r\n",
    "no blank": b"Host:a\r\nX:\r\n",
    "blanks": b"Host:  a b  \r\nX: \t y\t\r\n",
    "bare newlines": b"Host: a\nX: y\n",
    "twice": b"X: 1\r\nX: 2\r\nContent-Length: 3\r\ncontent-length: 4\r\n",
    "none": b"",
    # The long way.
    "folded": b"X: a\r\n b\r\nY: c\r\n",
    "no colon": b"X: a\r\nnonsense\r\nY: c\r\n",
    "blank before the colon": b"Content-Length : 3\r\nY: c\r\n",
    "no name": b": a\r\nY: c\r\n",
    "latin": "X: Zoë\r\n".encode("latin-1"),
    "control": b"X: a\x00b\r\nY: c\x0b\r\n",
}


@pytest.mark.parametrize("lines", HEADS.values(), ids=HEADS)
def test_the_same_fields(lines: bytes) -> None:
    rest = b"body"
    stream = BytesIO(lines + b"\r\n" + rest)
    found, wanted = read(stream), headers_factory(BytesIO(lines + b"\r\n"))
    assert found.items() == wanted.items()
    assert found.status == wanted.status
    assert found.typeheader == wanted.typeheader
    assert stream.read() == rest


def test_a_head_without_end_is_refused() -> None:
    assert read(BytesIO(b"X: y\r\n" * (MOST_LINES + 1) + b"\r\n")).status
    assert read(BytesIO(b"X: " + b"y" * 70_000 + b"\r\n\r\n")).status


BODIES = {
    "empty": [b""],
    "short": [b"a" * 10],
    "long": [b"a" * (SHORT_BODY + 1)],
    "pieces": [b"a", b"", b"b" * SHORT_BODY, b"c"],
}


def answers(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
    start_response("200 OK", [("X-What", "body")])
    return iter(BODIES[environ["PATH_INFO"].strip("/")])  # no length: sent in chunks


def measured(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    body = BODIES[environ["PATH_INFO"].strip("/")]
    start_response("200 OK", [("Content-Length", str(sum(map(len, body))))])
    return body


@pytest.mark.parametrize("app", [answers, measured])
def test_bodies_arrive_whole(app: Any) -> None:
    server = WSGIServer(("127.0.0.1", 0), app, log=None, handler_class=Handler)
    server.start()
    ask = gevent.get_hub().threadpool.apply  # the client blocks: in a thread of its own
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{server.server_port}") as client:
            for name, body in BODIES.items():
                answer = ask(client.get, (f"/{name}",))
                assert answer.content == b"".join(body)
                assert answer.headers.get("Content-Length", "none") in (
                    "none",
                    str(len(answer.content)),
                )
    finally:
        server.stop(timeout=1)


@pytest.mark.parametrize(
    ("lines", "ambiguous"),
    [
        (b"Host: a\r\n", False),
        (b"Content-Length: 3\r\n", False),
        (b"transfer-encoding: Chunked\r\n", False),
        (b"Content-Length: 3\r\nContent-Length: 4\r\n", True),
        (b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", True),
        (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", True),
        (b"Transfer-Encoding: gzip, chunked\r\n", True),
        (b"Transfer-Encoding: xchunked\r\n", True),
        (b"Content-Length : 3\r\n", True),
        (b"Content-Length: +3\r\n", True),
        (b"Content-Length: 1_0\r\n", True),
        (b"Content-Length: -1\r\n", True),
        (b"Content-Length: \r\n", True),
        ("Content-Length: ١\r\n".encode(), True),
    ],
)
def test_where_a_body_ends_is_said_once_and_plainly(lines: bytes, ambiguous: bool) -> None:
    assert is_ambiguous(read(BytesIO(lines + b"\r\n"))) is ambiguous


REFUSED = {
    "two ends": (
        b"POST /outer HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"
    ),
    "no chunk": b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_what_is_no_request_is_refused_and_ends_the_connection(request_: bytes) -> None:
    served = []

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        body = environ["wsgi.input"].read()
        served.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    server = WSGIServer(("127.0.0.1", 0), app, log=None, error_log=None, handler_class=Handler)
    server.start()

    def ask() -> bytes:
        with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as line:
            line.sendall(request_)
            return b"".join(iter(lambda: line.recv(4096), b""))

    try:
        answered = gevent.get_hub().threadpool.apply(ask)
    finally:
        server.stop(timeout=1)
    assert answered.startswith(b"HTTP/1.1 400")
    assert served == []
