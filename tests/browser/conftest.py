"""A real server, a real browser, and a program that sends people to the platform."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from core.models.db import Database
from core.policy import Actor
from core.services import clients
from tests.browser.chromium import Page, binary, chromium
from tests.conftest import IN_CI
from tests.contract.conftest import PASSWORD, World, app, config, redis_url, registry, world

__all__ = ["app", "config", "redis_url", "registry", "world"]


@pytest.fixture
def db(db_sqlite: Database) -> Database:
    """Pages look the same on both engines."""
    return db_sqlite


@pytest.fixture
def page() -> Iterator[Page]:
    if binary() is None:
        if IN_CI:
            pytest.fail("CI needs Chromium")
        pytest.skip("no Chromium here (Debian: chromium)")
    with chromium() as made:
        yield made


def serving(application: Any) -> Iterator[str]:
    """The address at which a WSGI application is served by a thread of its own."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def base(app: Flask) -> Iterator[str]:
    yield from serving(app)


@pytest.fixture
def callback() -> Iterator[str]:
    """The redirect URI of a program on another origin."""

    def program(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<!doctype html><title>AMS</title><link rel=icon href=data:,>arrived"]

    for address in serving(program):
        yield f"{address}/cb"


@dataclass
class Ams:
    client_id: str
    secret: str
    callback: str


@pytest.fixture
def ams(world: World, callback: str) -> Ams:
    row, secret = world.db.write(
        lambda session: clients.create(
            session, Actor.operator(), "Club AMS", ["authorization_code"], [callback],
            owner="AMS Ltd, Bern",
        )
    )  # fmt: skip
    assert secret is not None
    return Ams(row.client_id, secret, callback)


def enter(page: Page, username: str) -> None:
    """Fill in the login page."""
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.click("main button")


def log_in(page: Page, base: str, username: str) -> None:
    page.open(f"{base}/login/")
    enter(page, username)
    assert "Log out" in page.text
