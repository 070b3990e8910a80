"""Redis keys by which the processes of one platform notice each other. Nothing here is a promise:
what must not be lost is a row in the database (core.models.outbox).
"""

from collections.abc import Callable

import redis
import structlog
from redis.backoff import NoBackoff
from redis.retry import Retry

WAKE = "touchline:wake"  # channel: somebody owes work, look now
EPOCH = "touchline:epoch"  # written by the relay; gone means that Redis was emptied
ALIVE_WORKER = "touchline:alive:worker:"  # + the worker's name
ALIVE_DELIVERER = "touchline:alive:deliverer:"  # + its name
ALIVE_RELAY = "touchline:alive:relay"
ALIVE_SECONDS = 15  # life of an alive key; refreshed every HEARTBEAT_SECONDS
HEARTBEAT_SECONDS = 5

_PATIENCE = 2.0  # seconds; a caller that only rings a bell must not hang on it

log = structlog.get_logger(__name__)


def connect(url: str, patience: float = _PATIENCE) -> redis.Redis:
    """A client that gives up after ``patience`` seconds instead of hanging. Connects on use, and
    again at once where a kept connection was closed; the package's own retries would wait 4 s.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 1),
    )


def bell(client: redis.Redis, channel: str = WAKE) -> Callable[[], None]:
    """A function for ``Database.wake``: tells the relay that work is owed, and never raises. Or
    whoever listens on another channel.
    """

    def ring() -> None:
        try:
            client.publish(channel, "")
        except redis.RedisError as error:
            log.debug("no wake-up sent", channel=channel, reason=str(error))

    return ring
