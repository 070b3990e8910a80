"""The web process: gevent, patched before anything else is imported.

SQLite waits for a lock inside C, where no greenlet can be switched, so its write transactions run
in a pool of one thread; everything else cooperates (design/architecture.md section 10). The process
never imports numba: a first compile would stop every connection.
"""

from gevent import monkey

monkey.patch_all()

import logging  # noqa: E402 -- all imports follow the patch
import resource  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterable, Iterator  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, TypeVar  # noqa: E402

import gevent  # noqa: E402
import gevent.event  # noqa: E402
import structlog  # noqa: E402
from flask import Flask  # noqa: E402
from gevent import pywsgi  # noqa: E402
from gevent.threadpool import ThreadPool  # noqa: E402

from core import heads, patience  # noqa: E402
from core.api import changes, sockets, streams  # noqa: E402
from core.app import create_app  # noqa: E402
from core.channels import RIGHTS  # noqa: E402
from core.config import Config  # noqa: E402
from core.doorbell import bell, connect  # noqa: E402
from core.live import wire  # noqa: E402
from core.models.db import Database  # noqa: E402
from core.pipeline.increments import Announcer  # noqa: E402
from core.pipeline.objects import ObjectStore  # noqa: E402
from core.pipeline.writer import Writer  # noqa: E402
from core.sport.registry import registry  # noqa: E402

wire.Lock = monkey.get_original("threading", "Lock")

STOP_SECONDS = 6.0  # for requests in flight; the supervisor waits a little longer
OFFLOAD_THREADS = 4

T = TypeVar("T")

log = structlog.get_logger(__name__)


def in_pool(pool: ThreadPool) -> Callable[[Callable[[], Any]], Any]:
    """Run functions in ``pool``, the greenlet that asks waiting. An exception comes back as it was
    raised; gevent left to itself would also print it."""

    def run(work: Callable[[], T]) -> T:
        def outcome() -> tuple[bool, Any]:
            try:
                return True, work()
            except Exception as error:
                return False, error

        fine, result = pool.apply(outcome)
        if fine:
            return result
        raise result

    return run


def listen(host: str, port: int, fd: int | None = None) -> socket.socket:
    """The listening socket: a new one, or the supervisor's by its number. TCP_NODELAY, which
    accepted connections inherit, because pywsgi sends head and body apart: without it every answer
    on a kept connection waits 44 ms for the client's delayed acknowledgement."""
    if fd is not None:
        listener = socket.socket(fileno=fd)
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setblocking(False)
    return listener


class InFlight:
    """WSGI middleware that counts the requests that are being answered."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app
        self.count = 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        self.count += 1
        try:
            body = self._app(environ, start_response)
        except BaseException:
            self.count -= 1
            raise
        return _Counted(body, self)


class _Counted:
    """A response body that says when it is done."""

    def __init__(self, body: Iterable[bytes], counter: InFlight) -> None:
        self._body = body
        self._counter: InFlight | None = counter

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._body)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is not None:
            close()
        if self._counter is not None:
            self._counter.count -= 1
            self._counter = None


@dataclass
class Web:
    """The application and what has to be closed after it."""

    app: Flask
    db: Database
    writer: Writer
    announcer: Announcer

    def close(self) -> None:
        self.app.extensions[streams.KEY].close()
        self.writer.close()
        self.announcer.close()
        self.db.close()


def build(config: Config) -> Web:
    """The application over its real parts, ready for gevent."""
    db = Database(config.database_url)
    if db.sqlite:
        db.run_writes = in_pool(ThreadPool(1))
    client = connect(config.redis_url)
    db.wake = bell(client)
    db.rights_changed = bell(client, RIGHTS)
    announcer = Announcer(client)
    writer = Writer(db, announcer.tell)
    app = create_app(
        config,
        db=db,
        redis=client,
        registry=registry(),
        writer=writer,
        objects=ObjectStore(Path(config.objects_url)),
        offload=in_pool(ThreadPool(OFFLOAD_THREADS)),
    )
    return Web(app, db, writer, announcer)


def raise_descriptor_limit() -> None:
    """A socket that streams takes two descriptors: allow as many as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(config: Config, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is in flight."""
    raise_descriptor_limit()
    web = build(config)
    counter = InFlight(web.app)
    server = pywsgi.WSGIServer(
        listener,
        counter,
        log=None,
        error_log=logging.getLogger("touchline.http"),
        handler_class=heads.Handler,
    )
    stopping = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    server.start()
    gevent.spawn(patience.watch)
    log.info("web serves", address="{}:{}".format(*listener.getsockname()[:2]))
    stopping.wait()
    server.stop_accepting()
    web.app.extensions[sockets.KEY].close_all()
    web.app.extensions[changes.KEY].close()
    until = time.monotonic() + STOP_SECONDS
    while counter.count and time.monotonic() < until:
        gevent.sleep(0.02)
    server.stop(timeout=0)
    web.close()
    log.info("web stopped", unfinished=counter.count)
