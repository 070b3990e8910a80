"""A private Redis for tests, started as `touchline up` starts its own."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.embedded import redis_command, wait_for_redis
from core.supervisor import Child


@contextmanager
def redis_server() -> Iterator[str]:
    """Yield the URL of a fresh server; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="touchline-redis-") as folder:
        path = Path(folder) / "redis.sock"
        child = Child("redis", redis_command(path), os.environ)
        child.start()
        try:
            wait_for_redis(path)
            yield f"unix://{path}"
        finally:
            assert child.process is not None
            child.process.kill()
            child.process.wait()
