"""Throttling: token buckets in Redis, shared by all web processes, each of which takes from them by
the handful.

A request with a token that is known counts for its OAuth client, in the client's class; a device's
for the device; any other for its address. What is over the limit is answered 429 with
``Retry-After``. If Redis is away, requests are served: that is logged and counted.
"""

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import redis
import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core import clock, metrics
from core.api.platform import platform
from core.errors import TooManyRequests
from core.models import ClientUsage, OAuthClient
from core.models.db import Database
from core.policy import Actor
from core.services.clients import THROTTLE_CLASSES

# Requests a second that may be kept up, and how many at once.
UPLINK = (200.0, 4000.0)
ADDRESS = (100.0, 1000.0)
UNLIMITED = ("/healthz", "/readyz", "/metrics")
PREFIX = "touchline:throttle:"
KEY = "touchline-throttle"

CLASS_SECONDS = 5.0  # how long a change of a client's class may take to be seen
AWAY_SECONDS = 5.0  # how long Redis is left alone after it did not answer
FLUSH_SECONDS = 10.0  # how often usage is written down

# How long tokens that a process took at once may be used, and how many those may be: what comes in
# so many seconds. A busy caller costs a trip to Redis for each handful, not for each request.
HANDFUL_SECONDS = 0.1
LARGEST_HANDFUL_SECONDS = 0.05
# Who asks for less than this share of what flows into a bucket that was half full is not asked
# about in Redis each time, but within so many seconds; what was used meanwhile is paid then.
UNHURRIED_SHARE = 0.05
UNHURRIED_SECONDS = 30.0
KNOWN_HANDFULS = 10_000

# As many tokens of one bucket as are wanted and there, by the clock of Redis. Gives: how many were
# taken, how many are left.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = burst
if kept[1] then
  left = math.min(burst, tonumber(kept[1]) + math.max(0, now - tonumber(kept[2])) * rate)
end
local taken = math.min(math.floor(left), tonumber(ARGV[3]))
left = left - taken
redis.call('HSET', KEYS[1], 'left', tostring(left), 'at', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 1)
return {taken, tostring(left)}
"""

log = structlog.get_logger(__name__)


class Bucket(NamedTuple):
    """``rate``: tokens that come in a second; ``burst``: how many it holds."""

    name: str
    rate: float
    burst: float


class Verdict(NamedTuple):
    taken: bool
    left: float
    bucket: Bucket

    @property
    def retry_after(self) -> int:
        """Whole seconds until there is a token again, at least 1."""
        return max(1, math.ceil((1 - self.left) / self.bucket.rate))

    def headers(self) -> dict[str, str]:
        missing = self.bucket.burst - self.left
        return {
            "RateLimit-Limit": str(int(self.bucket.burst)),
            "RateLimit-Remaining": str(max(0, int(self.left))),
            "RateLimit-Reset": str(math.ceil(missing / self.bucket.rate)),
        }


@dataclass
class Handful:
    """Tokens of one bucket that this process has taken and not used yet. ``size``: how many it took
    at once; ``shared``: how many were left then; ``lent``: how many it has used since without
    taking them.
    """

    size: int
    left: int
    shared: float
    taken: float  # when, by time.monotonic
    lent: int = 0

    def fresh(self, moment: float) -> bool:
        return moment < self.taken + HANDFUL_SECONDS

    def lends(self, bucket: Bucket, moment: float) -> bool:
        """May one more be used before it is taken?"""
        age = moment - self.taken
        if self.shared < bucket.burst / 2 or age > UNHURRIED_SECONDS:
            return False
        flowed = min(age * UNHURRIED_SHARE, LARGEST_HANDFUL_SECONDS) * bucket.rate
        return self.lent + 1 <= flowed

    def remaining(self, bucket: Bucket, moment: float) -> float:
        """What is in the bucket, as far as is known here."""
        flowed = (moment - self.taken) * bucket.rate
        return min(bucket.burst, self.shared + flowed) - self.lent


class Throttle:
    """The buckets, and what each client asked for. ``unjudged`` counts the requests that were
    served because Redis was away.
    """

    def __init__(self, connection: redis.Redis, db: Database, factor: float) -> None:
        self._take = connection.register_script(_TAKE)
        self._db, self._factor = db, factor
        self._lock = threading.Lock()
        self._classes: dict[int, tuple[str, float]] = {}
        self._away_until = 0.0
        self._handfuls: dict[str, Handful] = {}
        self._usage: dict[tuple[int, str], list[int]] = {}
        self._flushed = time.monotonic()
        self.unjudged = 0

    def of_address(self, address: str) -> Verdict | None:
        return self._judge(f"address:{address}", ADDRESS)

    def of_actor(self, actor: Actor) -> Verdict | None:
        """None where there is nothing to say: Redis is away, or the actor has no client."""
        if actor.device_id is not None:
            return self._judge(f"device:{actor.device_id}", UPLINK)
        if actor.client_id is None:
            return None
        limits = THROTTLE_CLASSES[self._class(actor.client_id)]
        verdict = self._judge(f"client:{actor.client_id}", limits)
        self._count(actor.client_id, refused=verdict is not None and not verdict.taken)
        return verdict

    def _judge(self, name: str, limits: tuple[float, float]) -> Verdict | None:
        bucket = Bucket(name, limits[0] * self._factor, limits[1] * self._factor)
        # With other limits it is another bucket, and a full one.
        key = f"{PREFIX}{name}:{bucket.burst:g}"
        moment = time.monotonic()
        hand = self._handfuls.get(key)
        if hand is not None and hand.left > 0 and hand.fresh(moment):
            hand.left -= 1
            return Verdict(True, hand.shared + hand.left, bucket)
        if hand is not None and hand.lends(bucket, moment):
            hand.lent += 1
            return Verdict(True, hand.remaining(bucket, moment), bucket)
        if moment >= self._away_until:
            owed = 0 if hand is None else hand.lent
            try:
                hand = self._grab(key, bucket, _next_size(hand, bucket, moment), owed)
                return Verdict(hand.left >= 0, hand.shared + max(0, hand.left), bucket)
            except redis.RedisError as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning(
                    "not throttling, Redis does not answer",
                    reason=str(error),
                    served_unjudged=self.unjudged + 1,
                )
        self.unjudged += 1
        metrics.UNJUDGED.inc()
        return None

    def _grab(self, key: str, bucket: Bucket, size: int, owed: int) -> Handful:
        """Take ``size`` tokens and the ``owed``, and use one: its ``left`` is negative where there
        was none. Raises RedisError."""
        taken, left = self._take([key], [bucket.rate, bucket.burst, size + owed])
        hand = Handful(size, int(taken) - owed - 1, float(left), time.monotonic())
        if len(self._handfuls) >= KNOWN_HANDFULS:
            self._handfuls.clear()
        self._handfuls[key] = hand
        return hand

    def _class(self, client_id: int) -> str:
        known, until = self._classes.get(client_id, ("standard", 0.0))
        if time.monotonic() < until:
            return known
        wanted = select(OAuthClient.throttle_class).where(OAuthClient.id == client_id)
        found = self._db.read(lambda session: session.scalar(wanted)) or "standard"
        self._classes[client_id] = (found, time.monotonic() + CLASS_SECONDS)
        return found

    def _count(self, client_id: int, *, refused: bool) -> None:
        day = clock.to_iso(clock.now())[:10]
        with self._lock:
            self._usage.setdefault((client_id, day), [0, 0])[refused] += 1

    def flush(self, *, now: bool = True) -> None:
        """Write down what was counted; ``now`` false: only if that is due."""
        with self._lock:
            due = now or time.monotonic() >= self._flushed + FLUSH_SECONDS
            if not due or not self._usage:
                return
            counted, self._usage = self._usage, {}
            self._flushed = time.monotonic()
        rows = [
            {"client_id": client, "day": day, "requests": served, "refused": refused}
            for (client, day), (served, refused) in counted.items()
        ]
        self._db.aside(lambda session: _add_usage(session, rows))


def _next_size(last: Handful | None, bucket: Bucket, moment: float) -> int:
    """One token; twice as many as last time for who used those up at once."""
    if last is None or last.left < 0 or not last.fresh(moment):
        return 1
    return max(1, min(last.size * 2, int(bucket.rate * LARGEST_HANDFUL_SECONDS)))


def _add_usage(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    insert = dialect.insert(ClientUsage)
    more = {
        name: getattr(ClientUsage, name) + getattr(insert.excluded, name)
        for name in ("requests", "refused")
    }
    upsert = insert.on_conflict_do_update(index_elements=["client_id", "day"], set_=more)
    session.execute(upsert, list(rows))


def bearer_token() -> str | None:
    """What stands in the request's ``Authorization: Bearer``."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def of_actor(actor: Actor) -> None:
    """Charge who was found behind the token, once per request. Raises TooManyRequests."""
    if "charged" not in g:
        g.charged = True
        _settle(throttle().of_actor(actor))


def throttle() -> Throttle:
    return current_app.extensions[KEY]


def _begin() -> None:
    if request.path in UNLIMITED or request.method == "OPTIONS":
        return
    token = bearer_token()
    known = None if token is None else platform().tokens.known(token)
    if known is not None:
        g.known = known
        of_actor(known)
    else:
        _settle(throttle().of_address(request.remote_addr or "unknown"))


def _settle(verdict: Verdict | None) -> None:
    if verdict is None:
        return
    g.verdict = verdict
    if not verdict.taken:
        metrics.THROTTLED.labels(verdict.bucket.name.partition(":")[0]).inc()
        raise TooManyRequests(f"too many requests; again in {verdict.retry_after} s")


def _end(response: Response) -> Response:
    verdict: Verdict | None = g.get("verdict")
    if verdict is not None:
        response.headers.update(verdict.headers())
        if not verdict.taken:
            response.headers["Retry-After"] = str(verdict.retry_after)
    throttle().flush(now=False)
    return response


def register(app: Flask) -> None:
    app.before_request(_begin)
    app.after_request(_end)
