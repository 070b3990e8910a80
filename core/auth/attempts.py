"""Guessing passwords and codes is slow: attempts are counted by account and by address, in Redis.

Every attempt counts before the secret is looked at, so that many at once gain nothing; a right one
takes its count back. Codes of a second factor have a count of their own, which no right password
takes back. Without Redis nobody is kept out, and the log says so.
"""

import redis
import structlog

from core.auth.secrets import hash_token

WINDOW_SECONDS = 900
PER_ACCOUNT = 10
CODES_PER_ACCOUNT = 5  # six digits, three of them good at a time
PER_ADDRESS = 100
PREFIX = "touchline:login:"
PASSWORD, CODE = "account", "code"

log = structlog.get_logger(__name__)


class Attempts:
    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def wait(self, username: str, address: str, kind: str = PASSWORD) -> int:
        """Count one attempt; seconds to wait before the next may be made, 0: go on."""
        account, origin = _keys(kind, username, address)
        most = PER_ACCOUNT if kind == PASSWORD else CODES_PER_ACCOUNT
        try:
            pipe = self._redis.pipeline()
            for key in (account, origin):
                pipe.incr(key)
                pipe.expire(key, WINDOW_SECONDS, nx=True)
                pipe.ttl(key)
            tried, _, rest, tried_there, _, rest_there = pipe.execute()
        except redis.RedisError as error:
            log.warning("attempts to log in are not counted", reason=str(error))
            return 0
        over = [
            max(left, 1)
            for count, limit, left in (
                (tried, most, rest),
                (tried_there, PER_ADDRESS, rest_there),
            )
            if count > limit
        ]
        if over:
            log.warning("too many attempts to log in", address=address, username=username)
        return max(over, default=0)

    def succeeded(self, username: str, address: str, kind: str = PASSWORD) -> None:
        account, origin = _keys(kind, username, address)
        try:
            pipe = self._redis.pipeline()
            pipe.delete(account)
            pipe.decr(origin)
            pipe.expire(origin, WINDOW_SECONDS, nx=True)
            pipe.execute()
        except redis.RedisError as error:
            log.warning("attempts to log in are not counted", reason=str(error))


def _keys(kind: str, username: str, address: str) -> tuple[str, str]:
    """Names of people and addresses do not stand in Redis."""
    return (
        f"{PREFIX}{kind}:{hash_token(username)}",
        f"{PREFIX}address:{hash_token(address)}",
    )
