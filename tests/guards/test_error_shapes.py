"""Every route, every way of asking wrongly: the status is a 4xx and the body a problem document."""

import re

import pytest
from flask import Flask
from structlog.testing import capture_logs
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from core.models.db import Database
from core.services import users
from tests.contract.conftest import (  # noqa: F401 -- fixtures
    World,
    app,
    config,
    redis_url,
    registry,
    world,
)

PUBLIC = {
    ("POST", "/api/v1/managers/"),
    ("POST", "/api/v1/athletes/"),
    ("GET", "/api/v1/openapi.json"),
}
DEEP = b"[" * 33 + b"]" * 33
BAD_BODIES = {
    "not JSON": b"username=x",
    "cut off": b'{"username": "x"',
    "not UTF-8": b'{"username": "\xff"}',
    "a lone surrogate": b'{"username": "\\ud800"}',
    "NaN": b'{"username": NaN}',
    "U+0000": b'{"username": "a\\u0000b", "email": "x@club.example", "name": "a\\u0000"}',
    "an array": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "too deep": DEEP,
    "much too deep": b"[" * 100_000,
    "wrong types": b'{"username": 5, "email": {}, "name": [], "device": "1", "permission": 7,'
    b' "managed_by": true, "serial_number": 1, "device_name": 2, "start_time": 3, "custom_name": 4,'
    b' "json": 5, "params": 6, "batch": 7, "columns": 8, "manager": "9"}',
    "huge ids": b'{"managed_by": 1e30, "device": 1000000000000000000000000000000,'
    b' "activity": 99999999999999999999, "owner": -1, "manager": 1e400}',
}


@pytest.fixture
def db(db_sqlite: Database) -> Database:
    """One engine will do: what is refused here seldom reaches it."""
    return db_sqlite


def rules(app: Flask) -> list[tuple[str, Rule]]:  # noqa: F811
    return [
        (method, rule)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") and not rule.websocket
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
    ]


def url(rule: Rule, number: int = 999_999) -> str:
    """The rule's path with unknown ids."""
    path = re.sub(r"<int:\w+>", str(number), rule.rule)
    return "/" + re.sub(r"<string:\w+>", "job-unknown", path)


def is_problem(answer: TestResponse, *statuses: int) -> None:
    said = (answer.request.method, answer.request.path, answer.status_code, answer.text[:300])
    assert answer.status_code in statuses, said
    assert answer.mimetype == "application/problem+json", said
    body = answer.json
    assert {"type", "title", "status", "code", "detail", "request_id"} <= set(body), said
    assert body["status"] == answer.status_code, said
    assert isinstance(body["detail"], str), said
    assert body["detail"], said
    assert body["request_id"] == answer.headers["X-Request-ID"], said
    assert all(set(row) == {"pointer", "detail"} for row in body.get("errors", [])), said
    if answer.status_code == 400 and "errors" in body:
        assert body["errors"], said
    if answer.status_code == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), said
    assert "Traceback" not in answer.text, said


def test_no_token_and_bad_tokens(app: Flask, world: World) -> None:  # noqa: F811
    for method, rule in rules(app):
        if (method, rule.rule) in PUBLIC:
            continue
        is_problem(world.call(method, url(rule)), 401)
        is_problem(world.call(method, url(rule), token="unknown"), 401)


@pytest.mark.parametrize("user", ["ada", "noe", "admin"])
def test_unknown_ids(app: Flask, world: World, user) -> None:  # noqa: F811
    for method, rule in rules(app):
        if "<" not in rule.rule:
            continue
        # Where a body is needed, its absence may be seen first.
        wanted = (403, 404) if method in ("GET", "DELETE") else (400, 403, 404, 415)
        for number in (999_999, 2**63 - 1):
            is_problem(world.call(method, url(rule, number), user), *wanted)
        if "<int" in rule.rule:
            is_problem(world.call(method, url(rule, 2**63), user), 404, 405)


@pytest.mark.parametrize("kind", BAD_BODIES)
def test_bad_bodies(app: Flask, world: World, kind) -> None:  # noqa: F811
    for method, rule in rules(app):
        if method in ("GET", "DELETE"):
            continue
        for user in ("ada", "noe", "admin"):
            answer = world.call(
                method, url(rule), user, data=BAD_BODIES[kind], content_type="application/json"
            )
            is_problem(answer, 400, 403, 404, 415)
    same = world.client.post(
        "/api/v1/managers/", data=BAD_BODIES[kind], content_type="application/json"
    )
    is_problem(same, 400)


def test_other_media_types(app: Flask, world: World) -> None:  # noqa: F811
    for path in ("/managers/", "/athletes/"):
        is_problem(world.post(path, data="x", content_type="text/plain"), 415)
    body = {"permission": "READ"}
    path = f"/athletes/{world.ids['noe']}/managers/{world.ids['ada']}/permissions/"
    is_problem(world.post(path, "noe", data=body), 415)


def test_wrong_methods_and_unknown_paths(app: Flask, world: World) -> None:  # noqa: F811
    served: dict[str, set[str]] = {}
    for method, rule in rules(app):
        served.setdefault(rule.rule, set()).add(method)
    for path, methods in served.items():
        rule = next(rule for _, rule in rules(app) if rule.rule == path)
        for method in {"GET", "PUT", "DELETE"} - methods:
            answer = world.call(method, url(rule), "ada")
            if answer.status_code == 404:  # another rule fits, and has this method
                continue
            is_problem(answer, 403, 405)
            assert answer.status_code == 403 or answer.headers["Allow"]
    for path in ("//nope", "/nope/", "//api/v1", "//api/v2/account/", "//oauth2/nope/"):
        is_problem(world.get(path, "ada"), 404)
    is_problem(world.get("/managers/x%00y/"), 400)


@pytest.mark.parametrize("query", ["page=0", "limit=0", "limit=x", "page=1&page=1", "page=9"])
def test_bad_pages(app: Flask, world: World, query) -> None:  # noqa: F811
    paths = world.client.get("/api/v1/openapi.json").json["paths"]
    lists = [
        rule
        for method, rule in rules(app)
        if method == "GET"
        for known in paths.get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {}).values()
        if isinstance(known, dict)
        and any(p.get("name") == "page" for p in known.get("parameters", []))
    ]
    assert len(lists) >= 8
    for rule in lists:
        for user in ("ada", "noe"):
            is_problem(world.get(f"{url(rule)}?{query}", user), 400, 403, 404)


def test_a_body_that_is_too_large(world: World) -> None:  # noqa: F811
    big = b'{"username": "' + b"x" * (8 * 2**20) + b'"}'
    is_problem(world.post("/managers/", data=big, content_type="application/json"), 413)


def test_a_fault_of_ours_is_logged_and_tells_nothing(world: World, monkeypatch) -> None:  # noqa: F811
    def broken(*_: object) -> None:
        raise RuntimeError("the password of the database is hunter2")

    monkeypatch.setattr(users, "account", broken)
    with capture_logs() as logged:
        answer = world.get("/account/", "ada", headers={"X-Request-ID": "asked-42"})
    is_problem(answer, 500)
    assert answer.headers["X-Request-ID"] == "asked-42"
    assert "hunter2" not in answer.text
    fault = next(line for line in logged if line["log_level"] == "error")
    assert "hunter2" in str(fault["exc_info"])
    access = next(line for line in logged if line["event"] == "request")
    assert (access["path"], access["status"]) == ("/api/v1/account/", 500)


def test_a_request_id_that_is_not_sane_is_replaced(world: World) -> None:  # noqa: F811
    for bad in ("x" * 65, "a b", "<script>", ""):
        answer = world.get("/account/", "ada", headers={"X-Request-ID": bad})
        assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["X-Request-ID"])
