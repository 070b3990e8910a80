"""The whole web application over real parts, with a few people in it.

The rights matrix asks every operation on both databases. Each other test runs on one of them,
whichever its name falls to; ``--both`` runs all of them on both.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from core.api import changes
from core.api.platform import Platform
from core.app import equip, routed
from core.auth import attempts, tokens
from core.auth.passwords import hash_password
from core.auth.tokens import TokenCache
from core.config import Config
from core.models import JsonSchema, OAuthClient, User, migrate
from core.models.db import Database, make_engine
from core.models.users import CAN_CREATE_MANAGED_ATHLETES
from core.net import Caller, networks
from core.pipeline.objects import ObjectStore
from core.pipeline.writer import Writer
from core.policy import Actor
from core.services import clients, json_schemas, users
from core.sport import registry as sports
from tests.conftest import database_copy
from tests.contract.seeded import Seeded, seeded
from tests.redis_server import redis_server

PASSWORD = "correct horse"
HASH = hash_password(PASSWORD)
SECRET_KEY = "a key for tests, of no use anywhere else"


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def registry() -> Any:
    """The installed sports."""
    return sports.registry()


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def seeded_world(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    redis_url: str,
    registry: Any,
) -> Iterator[Seeded]:
    """The world of tests/contract/seeded.py: whatever is asked of it, it stays as it is."""
    folder = tmp_path_factory.mktemp("seeded")
    with ExitStack() as stack:
        if request.param == "postgres":
            url = stack.enter_context(database_copy(request.getfixturevalue("postgres_url")))
        else:
            url = f"sqlite:///{folder / 'touchline.db'}"
            engine = make_engine(url)
            migrate.upgrade(engine)
            engine.dispose()
        yield stack.enter_context(seeded(url, folder, redis_url, registry))


ENGINES = ("sqlite", "postgres")


def _engine_of(name: str) -> str:
    """The database that a test of this name is asked of."""
    return ENGINES[crc32(name.encode()) % len(ENGINES)]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each entry of the contract is walked on one database."""

    def elsewhere(item: pytest.Item) -> bool:
        engine = getattr(item, "callspec", None) and item.callspec.params.get("seeded_world")
        if engine is None or item.path.name != "test_contract_table.py":
            return False
        return _engine_of(item.name.replace(engine, "")) != engine

    if not config.getoption("--both"):
        dropped = [item for item in items if elsewhere(item)]
        config.hook.pytest_deselected(items=dropped)
        items[:] = [item for item in items if item not in set(dropped)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    chosen = any(mark.args[0] == "db" for mark in metafunc.definition.iter_markers("parametrize"))
    if "db" in metafunc.fixturenames and not chosen:
        name = metafunc.definition.nodeid
        engines = ENGINES if metafunc.config.getoption("--both") else [_engine_of(name)]
        metafunc.parametrize("db", engines, indirect=True)


@pytest.fixture(scope="session")
def peopled_sqlite(
    tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path, registry: Any
) -> Path:
    """A file with the sports' schemas and ``_people``, to be copied."""
    path = tmp_path_factory.mktemp("peopled") / "touchline.db"
    shutil.copyfile(sqlite_template, path)
    _fill(f"sqlite:///{path}", registry)
    return path


@pytest.fixture(scope="session")
def peopled_postgres(postgres_url: str, registry: Any) -> Iterator[str]:
    """The same as a database that can be a template."""
    with database_copy(postgres_url) as url:
        _fill(url, registry)
        yield url


def _fill(url: str, registry: Any) -> None:
    db = Database(url)
    db.write(lambda session: json_schemas.sync(session, registry))
    db.write(_people)
    db.close()


@pytest.fixture
def db(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A fresh database of the one kind or the other; with people, where the test has a world."""
    peopled = "world" in request.fixturenames
    with ExitStack() as stack:
        if request.param == "postgres":
            template = request.getfixturevalue("peopled_postgres" if peopled else "postgres_url")
            url = stack.enter_context(database_copy(template))
        else:
            template = request.getfixturevalue("peopled_sqlite" if peopled else "sqlite_template")
            shutil.copyfile(template, tmp_path / "touchline.db")
            url = f"sqlite:///{tmp_path / 'touchline.db'}"
        made = Database(url)
        yield made
        made.close()


def settings(folder: Path, redis_url: str) -> Config:
    return Config.load(
        {}, data_dir=str(folder), secret_key=SECRET_KEY, redis_url=redis_url, throttle="1000000"
    )


@pytest.fixture
def config(tmp_path: Path, redis_url: str) -> Config:
    return settings(tmp_path, redis_url)


@pytest.fixture
def app(db: Database, config: Config, registry: Any) -> Iterator[Flask]:
    """An empty platform; the sports' schemas are in it."""
    with application(db, config, registry) as made:
        yield made


# Applications that no test uses: to add every route to a new one takes longer than most tests.
_idle: list[Flask] = []


@contextmanager
def application(
    db: Database, config: Config, registry: Any, routes: Flask | None = None
) -> Iterator[Flask]:
    """An application with all of its parts its own. Its routes, where none are given, may have
    served others before: nothing may be added to them.
    """
    writer = Writer(db)
    connection = redis.Redis.from_url(config.redis_url)
    for key in connection.scan_iter(f"{attempts.PREFIX}*"):  # wrong passwords of other tests
        connection.delete(key)
    objects, caller = ObjectStore(Path(config.objects_url)), Caller(networks(config.net_allow))
    parts = Platform(config, db, connection, registry, writer, objects, TokenCache(db), caller)
    made = routes or (_idle.pop() if _idle else routed())
    equip(made, parts)
    if db.read(lambda session: session.scalar(select(JsonSchema.id).limit(1))) is None:
        db.write(lambda session: json_schemas.sync(session, registry))
    yield made
    made.extensions[changes.KEY].close()
    writer.close()
    connection.close()
    if routes is None:
        _idle.append(made)


@dataclass
class World:
    """A client of the platform, and who is in it: ``ids`` by username.

    ``admin``; the managers ``ada`` (may create managed athletes) and ``ben``; the athletes ``noe``
    and ``lea``. Everybody's password is ``PASSWORD``. Nobody has given a permission yet.
    """

    db: Database
    client: FlaskClient
    oauth: OAuthClient
    oauth_secret: str
    ids: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def login(self, username: str, scope: str = "all") -> str:
        """A fresh access token, without the round through the token endpoint."""
        pair = tokens.new_pair()
        self.db.write(
            lambda session: tokens.issue(
                session,
                pair,
                client_id=self.oauth.id,
                user_id=self.ids[username],
                scope=scope,
                seconds=3600,
            )
        )
        return pair.access

    def call(
        self,
        method: str,
        path: str,
        user: str | None = None,
        *,
        token: str | None = None,
        **kw: Any,
    ) -> TestResponse:
        """One request, as ``user``, with ``token``, or as nobody. Paths start after ``/api/v1``,
        unless they start with ``//``.
        """
        if user is not None:
            token = self.tokens.setdefault(user, "") or self.login(user)
            self.tokens[user] = token
        headers = dict(kw.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = path[1:] if path.startswith("//") else f"/api/v1{path}"
        return self.client.open(url, method=method, headers=headers, **kw)

    def get(self, path: str, user: str | None = None, **kw: Any) -> TestResponse:
        return self.call("GET", path, user, **kw)

    def post(self, path: str, user: str | None = None, **kw: Any) -> TestResponse:
        return self.call("POST", path, user, **kw)

    def put(self, path: str, user: str | None = None, **kw: Any) -> TestResponse:
        return self.call("PUT", path, user, **kw)

    def delete(self, path: str, user: str | None = None, **kw: Any) -> TestResponse:
        return self.call("DELETE", path, user, **kw)

    def token_request(self, **form: str) -> TestResponse:
        """The token endpoint, as the registered client."""
        return self.client.post(
            "/oauth2/token/", data=form, auth=(self.oauth.client_id, self.oauth_secret)
        )


def _people(session: Session) -> list[User]:
    made = [
        users.register_manager(
            session, username=name, email=f"{name}@club.example", password_hash=HASH
        )
        for name in ("ada", "ben")
    ]
    made[0].extra_permissions = [CAN_CREATE_MANAGED_ATHLETES]
    made += [
        users.register_athlete(
            session, username=name, email=f"{name}@club.example", password_hash=HASH
        )
        for name in ("noe", "lea")
    ]
    made.append(users.create_administrator(session, "admin", "admin@club.example", PASSWORD))
    return made


def _ids(session: Session) -> dict[str, int]:
    return {user.username: user.id for user in session.scalars(select(User))}


@pytest.fixture
def world(app: Flask, db: Database) -> World:
    """The platform with its people."""
    return inhabited(app, db)


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, redis_url: str, registry: Any
) -> Iterator[World]:
    """One platform for all tests of a module, on SQLite; they make people and things of their own
    in it. For pages, which look the same on both engines.
    """
    folder = tmp_path_factory.mktemp("shared")
    db = Database(f"sqlite:///{folder / 'touchline.db'}")
    migrate.upgrade(db.engine)
    with application(db, settings(folder, redis_url), registry) as made:
        yield inhabited(made, db)
    db.close()


def inhabited(app: Flask, db: Database) -> World:
    """The platform with its people, who may be there already, and a client of theirs."""
    if not (ids := db.read(_ids)):
        db.write(_people)
        ids = db.read(_ids)
    oauth, secret = db.write(
        lambda session: clients.create(session, Actor.operator(), "tests", ["password"])
    )
    assert secret is not None
    return World(db, app.test_client(), oauth, secret, ids=ids)
