"""``GET /metrics``: what this process counted and what the platform owes, in Prometheus' text form.

For the operator's machines only: nobody logs in here, so it is answered to the addresses of
``METRICS_ALLOW`` alone. A request that a proxy passed on without being believed
(``TOUCHLINE_PROXIES``) has the proxy's address and is refused.
"""

import time
from collections.abc import Iterator
from functools import cache
from ipaddress import ip_address

import redis
import structlog
from flask import Blueprint, Flask, Request, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from sqlalchemy import case, func, select
from sqlalchemy.exc import SQLAlchemyError

from core import clock, metrics
from core.api.platform import Platform, platform
from core.config import Config
from core.doorbell import ALIVE_WORKER
from core.errors import Forbidden
from core.models import Outbox
from core.net import networks

PATH = "/metrics"
# Work that is due for longer is overdue: the relay leases what is due within a second.
OVERDUE_SECONDS = 30
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_PASSED_ON = ("X-Forwarded-For", "Forwarded")

blueprint = Blueprint("metrics", __name__)

log = structlog.get_logger(__name__)


class Platforms:
    """What is asked of database and Redis at each scrape; where one does not answer, its part is
    missing and ``touchline_up`` says 0.
    """

    def __init__(self, app: Platform) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("touchline_up", "Does it answer?", labels=("part",))
        for part, ask in (("database", self._outbox), ("redis", self._workers)):
            try:
                found = list(ask())
            except (SQLAlchemyError, redis.RedisError) as error:
                log.warning("no answer for metrics", part=part, reason=str(error))
                up.add_metric((part,), 0)
            else:
                up.add_metric((part,), 1)
                yield from found
        yield up

    def _outbox(self) -> Iterator[Metric]:
        late = clock.now() - OVERDUE_SECONDS * 1000
        counted = select(
            Outbox.topic, func.count(), func.sum(case((Outbox.due < late, 1), else_=0))
        ).group_by(Outbox.topic)
        owed = GaugeMetricFamily("touchline_outbox_owed", "Work owed.", labels=("topic",))
        overdue = GaugeMetricFamily(
            "touchline_outbox_overdue",
            f"Work owed that has been due for more than {OVERDUE_SECONDS} s.",
            labels=("topic",),
        )
        for topic, number, behind in self._app.db.read(lambda s: s.execute(counted).all()):
            owed.add_metric((topic,), number)
            overdue.add_metric((topic,), behind)
        yield owed
        yield overdue

    def _workers(self) -> Iterator[Metric]:
        alive = sum(1 for _ in self._app.redis.scan_iter(f"{ALIVE_WORKER}*", count=1000))
        yield GaugeMetricFamily("touchline_workers_alive", "Workers that answer.", value=alive)


class _Both:
    """This process's registry and the platform's state, as one registry."""

    def __init__(self, app: Platform) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        yield from metrics.REGISTRY.collect()
        yield from Platforms(self._app).collect()


def _may_look(asked: Request, config: Config) -> bool:
    if not config.proxies and any(name in asked.headers for name in _PASSED_ON):
        return False
    try:
        address = ip_address(asked.remote_addr or "")
    except ValueError:  # a unix socket has no address
        return False
    return any(address in network for network in networks(config.metrics_allow))


@blueprint.get(PATH)
def show() -> Response:
    app = platform()
    if not _may_look(request, app.config):
        raise Forbidden("metrics are for the operator's addresses (TOUCHLINE_METRICS_ALLOW)")
    text = generate_latest(_Both(app))
    return Response(text, content_type=CONTENT_TYPE_LATEST)


def _count(response: Response) -> Response:
    rule = request.url_rule
    route = "unknown" if rule is None else rule.rule
    method = request.method if request.method in METHODS else "other"
    counter, seconds = _counters(route, method, response.status_code)
    counter.inc()
    if "started" in g:
        seconds.observe(time.perf_counter() - g.started)
    return response


@cache
def _counters(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    counter = metrics.REQUESTS.labels(route, method, str(status))
    return counter, metrics.SECONDS.labels(route, method)


def register(app: Flask) -> None:
    app.after_request(_count)
    app.register_blueprint(blueprint)
