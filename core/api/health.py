"""``/healthz`` lives; ``/readyz`` can serve: database, Redis and at least one worker answer."""

import redis
import structlog
from flask import Blueprint, Response, jsonify
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core.api.platform import Platform, platform
from core.doorbell import ALIVE_WORKER

blueprint = Blueprint("health", __name__)

log = structlog.get_logger(__name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    missing = _missing(platform())
    if missing:
        return jsonify(status="unavailable", missing=missing), 503
    return jsonify(status="ready", missing=[]), 200


def _missing(parts: Platform) -> list[str]:
    missing = []
    try:
        parts.db.read(lambda session: session.execute(text("SELECT 1")))
    except SQLAlchemyError as error:
        log.warning("the database does not answer", reason=str(error))
        missing.append("database")
    try:
        parts.redis.ping()
        if next(parts.redis.scan_iter(f"{ALIVE_WORKER}*", count=1000), None) is None:
            missing.append("worker")
    except redis.RedisError as error:
        log.warning("Redis does not answer", reason=str(error))
        missing += ["redis", "worker"]
    return missing
