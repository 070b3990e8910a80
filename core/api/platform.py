"""The parts that routes work with, on the Flask application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis
from flask import current_app

from core.auth.tokens import TokenCache
from core.config import Config
from core.models.db import Database
from core.net import Caller

KEY = "touchline"


def directly(work: Callable[[], Any]) -> Any:
    """``offload`` where no event loop has to be kept free."""
    return work()


@dataclass(frozen=True)
class Platform:
    """``registry``: the sports (core.sport.registry). ``writer``: the group-commit writer of
    samples (core.pipeline.writer). ``objects``: uploaded bytes (core.pipeline.objects). ``offload``
    runs a function away from the event loop and returns its result. ``caller`` judges the addresses
    that webhooks are to call.
    """

    config: Config
    db: Database
    redis: redis.Redis
    registry: Any
    writer: Any
    objects: Any
    tokens: TokenCache
    caller: Caller
    offload: Callable[[Callable[[], Any]], Any] = directly


def platform() -> Platform:
    """The running application's parts."""
    return current_app.extensions[KEY]
