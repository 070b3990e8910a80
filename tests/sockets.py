"""Clients of our sockets, for tests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from werkzeug.serving import WSGIRequestHandler, make_server

GREETING = {"message": "Authorization needed"}


class Quiet(WSGIRequestHandler):
    def log(self, *_: Any, **__: Any) -> None:
        """Tests need no access log."""


@contextmanager
def served(app: Flask) -> Iterator[str]:
    """The app on a server of threads: ``ws://host:port``."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"ws://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def dial(url: str, first: Any = None, **options: Any) -> ClientConnection:
    """A connection that was greeted; ``first`` is sent if given."""
    socket = connect(url, max_size=None, legacy=True, **options)
    assert receive(socket) == GREETING
    if first is not None:
        socket.send(json.dumps(first))
    return socket


def receive(socket: ClientConnection, timeout: float = 10) -> Any:
    return json.loads(socket.recv(timeout))


def closing(socket: ClientConnection, timeout: float = 10) -> tuple[int, str]:
    """The code and reason with which the server closes, whatever it says before."""
    with pytest.raises(ConnectionClosed) as caught:
        _listen(socket, timeout)
    assert caught.value.rcvd is not None, caught.value
    return caught.value.rcvd.code, caught.value.rcvd.reason


def _listen(socket: ClientConnection, timeout: float) -> None:
    while True:
        socket.recv(timeout)
