"""Waiting for the change feed to grow: one Redis subscription a process, whatever the number of
those who wait.

What is published is only a hint: who waits looks at the database again after ``patience`` seconds
at the latest. Knows no gevent: where threads are patched, the listener is a greenlet.
"""

import threading

import redis
import structlog

from core.channels import CHANGES

LINGER = 30.0  # seconds for which the subscription outlives who used it last
_ALERT, _DEAF = 10.0, 1.0  # seconds between looks at the database, with and without Redis
_TICK = 1.0  # seconds; how often the listener sees whether it is still wanted

log = structlog.get_logger(__name__)


class Bell:
    """``mark`` before looking, then ``wait`` for anything that came after the mark."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client
        self._changed = threading.Condition()
        self._rings = 0
        self._waiting = 0
        self._subscribed = self._listening = self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def patience(self) -> float:
        """For how many seconds to trust that a ring would have been heard."""
        return _ALERT if self._subscribed else _DEAF

    def mark(self) -> int:
        return self._rings

    def wait(self, mark: int, seconds: float) -> bool:
        """Until there was a ring after ``mark``; False when ``seconds`` passed without one."""
        with self._changed:
            if not self._listening and not self._closed:
                self._listening = True
                self._thread = threading.Thread(target=self._listen, name="changes", daemon=True)
                self._thread.start()
            self._waiting += 1
            try:
                return self._changed.wait_for(
                    lambda: self._rings != mark or self._closed, max(0.0, seconds)
                )
            finally:
                self._waiting -= 1

    def close(self) -> None:
        """Let go of who waits, and of the subscription."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(_TICK * 2)

    @property
    def closed(self) -> bool:
        return self._closed

    def _ring(self) -> None:
        with self._changed:
            self._rings += 1
            self._changed.notify_all()

    def _listen(self) -> None:
        """Subscribed, and again when Redis was away, until nobody has waited for a while."""
        idle = 0.0
        while True:
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    pubsub.subscribe(CHANGES)
                    self._subscribed = True
                    self._ring()  # what came before the subscription was not heard
                    while not self._over(idle):
                        if pubsub.get_message(timeout=_TICK):
                            self._ring()
                        idle = 0.0 if self._waiting else idle + _TICK
                    return
            except redis.RedisError as error:
                log.debug("not told of changes", reason=str(error))
            finally:
                self._subscribed = False
            if self._over(idle):
                return
            with self._changed:
                self._changed.wait_for(lambda: self._closed, _TICK)

    def _over(self, idle: float) -> bool:
        with self._changed:
            over = self._closed or (idle >= LINGER and not self._waiting)
            self._listening = not over
            return over
