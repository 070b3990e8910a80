"""The web application: wires rooms together, and nothing else."""

from collections.abc import Callable, Iterable
from types import MethodType
from typing import Any, ClassVar

import redis
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask
from flask_smorest import Api
from werkzeug.middleware.proxy_fix import ProxyFix

from core.api import (
    access_log,
    account,
    account_pages,
    activities,
    activity_page,
    admin,
    admin_accounts,
    admin_pages_audit,
    admin_pages_clients,
    admin_pages_deliveries,
    admin_pages_devices,
    admin_pages_schemas,
    admin_pages_second_factor,
    admin_pages_users,
    admin_pages_work,
    answers,
    athlete_pages,
    athletes,
    bluetooth,
    bulk_load,
    changes,
    computed,
    contract,
    cors,
    deliveries,
    devices,
    docs,
    etags,
    files,
    health,
    idempotency,
    jobs,
    json_schemas,
    link_pages,
    live_page,
    managers,
    metrics,
    openapi,
    ownerships,
    pages,
    parameters,
    permission_pages,
    permissions,
    preprocessed,
    problems,
    replays,
    requests,
    samples,
    series,
    sockets,
    streams,
    summaries,
    teams,
    throttle,
    timeframes,
    uplink_socket,
    webhooks,
)
from core.api.aliases import Aliases
from core.api.platform import KEY, Platform, directly
from core.auth import pages as auth_pages
from core.auth import server, web
from core.auth.attempts import Attempts
from core.auth.secrets import use_key
from core.auth.tokens import TokenCache
from core.config import Config
from core.live.hub import Hub
from core.live.uplinks import Uplinks
from core.models.db import Database
from core.net import Caller, networks
from core.services import second_factor
from core.waiting import Bell

MEBIBYTE = 2**20

# For administrators. Each has a blueprint of its own.
ADMIN_PAGES = (
    admin_pages_work,
    admin_pages_users,
    admin_pages_devices,
    admin_pages_clients,
    admin_pages_schemas,
    admin_pages_deliveries,
    admin_pages_audit,
    admin_pages_second_factor,
)

# For everybody else.
PAGES = (pages, permission_pages, athlete_pages, account_pages)

RESOURCES = (
    account,
    managers,
    athletes,
    parameters,
    access_log,
    permissions,
    devices,
    ownerships,
    bluetooth,
    bulk_load,
    json_schemas,
    activities,
    replays,
    webhooks,
    deliveries,
    timeframes,
    computed,
    summaries,
    preprocessed,
    series,
    samples,
    files,
    jobs,
    changes,
    teams,
    admin,
    admin_accounts,
)


class DocumentedApi(Api):
    """flask-smorest's; errors are ours (core.api.problems). The document hangs on the code alone,
    so a process that makes many applications, as tests do, writes it once.
    """

    DEFAULT_ERROR_RESPONSE_NAME = None
    spec: APISpec
    _written: ClassVar[APISpec | None] = None

    def add(self, resources: Iterable[Any]) -> None:
        """Serve the resources, and describe them."""
        if DocumentedApi._written is None:
            openapi.declare(self.spec)
            for resource in resources:
                self.register_blueprint(resource.blueprint)
            return
        served = self._app.extensions["flask-smorest"]["blp_name_to_api"]
        for resource in resources:
            served[resource.blueprint.name] = self
            self._app.register_blueprint(resource.blueprint)

    def complete(self) -> None:
        """Finish the document; once every path is served."""
        if DocumentedApi._written is None:
            openapi.complete(self._app, self.spec)
            DocumentedApi._written = self.spec
        self.spec = DocumentedApi._written

    def _register_error_handlers(self) -> None:
        problems.register(self._app)


class Application(Flask):
    """Flask's. Nothing here is a coroutine, so nothing is asked sixteen times a request whether it
    is one.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(
    config: Config,
    *,
    db: Database,
    redis: redis.Redis,
    registry: Any,
    writer: Any,
    objects: Any,
    offload: Callable[[Callable[[], Any]], Any] = directly,
) -> Flask:
    """The application over parts that the caller has made (see core.api.platform.Platform)."""
    app = routed()
    tokens, caller = TokenCache(db), Caller(networks(config.net_allow))
    equip(app, Platform(config, db, redis, registry, writer, objects, tokens, caller, offload))
    return app


def routed() -> Flask:
    """What hangs on the code alone: every route, filter and error. Its parts come by ``equip``."""
    app = Application(__name__, static_folder=None)
    app.config.update(
        API_TITLE="Touchline",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX="/api/v1",
        OPENAPI_JSON_PATH="openapi.json",
    )
    app.json = answers.Json(app)
    # Both forms of every path answer, with and without the last slash. Before any rule is added.
    app.url_map.strict_slashes = False
    for room in (requests, metrics, throttle, cors, idempotency, etags):
        room.register(app)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(docs.blueprint)
    app.register_blueprint(link_pages.blueprint)
    server.register(app)
    auth_pages.register(app)
    for part in (*ADMIN_PAGES, *PAGES):
        app.register_blueprint(part.blueprint)
    app.register_blueprint(live_page.blueprint)
    app.register_blueprint(activity_page.blueprint)
    names = MarshmallowPlugin(schema_name_resolver=openapi.name_of)
    api = DocumentedApi(app, spec_kwargs={"marshmallow_plugin": names})
    api.add(RESOURCES)
    app.register_blueprint(uplink_socket.blueprint)
    sockets.register(app)
    app.register_blueprint(streams.blueprint)
    app.register_blueprint(replays.socket_blueprint)
    contract.add_aliases(app)
    api.complete()
    return app


def equip(app: Flask, parts: Platform) -> None:
    """Give the routes their parts, in place of any that they had: nothing of those is kept."""
    config, db, connection = parts.config, parts.db, parts.redis
    use_key(config.secret_key)
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_mb * MEBIBYTE
    app.extensions[KEY] = parts
    app.extensions[throttle.KEY] = throttle.Throttle(connection, db, config.throttle)
    app.extensions[cors.KEY] = cors.Origins()
    app.extensions[web.KEY] = server.Server(
        db,
        parts.tokens,
        config.token_seconds,
        parts.offload,
        Attempts(connection),
        second_factor.use,
    )
    app.extensions[changes.KEY] = Bell(connection)
    app.extensions[sockets.KEY] = sockets.Opened()
    app.extensions[streams.KEY] = Hub(db, connection, parts.registry)
    app.extensions[uplink_socket.KEY] = Uplinks(db)
    app.wsgi_app = Aliases(MethodType(Flask.wsgi_app, app))  # type: ignore[method-assign]  # as Flask has it done
    if config.proxies:
        trusted = config.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, trusted, trusted, x_host=trusted)  # type: ignore[method-assign]  # as Flask has it done
