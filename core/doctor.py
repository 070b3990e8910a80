"""Is this installation whole? Each check looks at one thing and says what it found."""

import os
import shutil
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from core.config import Config
from core.doorbell import ALIVE_DELIVERER, ALIVE_RELAY, ALIVE_WORKER, connect
from core.embedded import redis_server, socket_path
from core.process import kernel_cache
from core.secret import NAME as SECRET_NAME

PACKAGES = ("core", "plugins", "workers", "schemas")
LEAST_FREE_MB = 500

Check = Callable[[Config], str]


class Wrong(Exception):
    """What is wrong, and what to do about it."""


def examine(config: Config) -> list[dict[str, Any]]:
    """Run every check; each gives ``{"name", "ok", "detail"}``. One that fails stops no other."""
    return [_run(name, check, config) for name, check in CHECKS.items()]


def _run(name: str, check: Check, config: Config) -> dict[str, Any]:
    try:
        return {"name": name, "ok": True, "detail": check(config)}
    except Wrong as wrong:
        return {"name": name, "ok": False, "detail": str(wrong)}
    except Exception as error:  # a check that breaks is a finding too
        return {"name": name, "ok": False, "detail": f"{type(error).__name__}: {error}"}


def packages(_config: Config) -> str:
    """Top-level names so common may be shadowed by a folder or another wheel."""
    try:
        installed = distribution("touchline")
    except PackageNotFoundError:
        raise Wrong("touchline is not installed: pip install it") from None
    homes = {}
    for name in PACKAGES:
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            raise Wrong(f"the package {name} is missing: install touchline again")
        homes[name] = Path(next(iter(spec.submodule_search_locations))).parent
    if len(set(homes.values())) > 1:
        raise Wrong(f"packages come from different places: {homes}")
    missing = [
        str(file)
        for file in installed.files or []
        if file.parts[0] in PACKAGES and not Path(str(file.locate())).exists()
    ]
    if missing:
        raise Wrong(f"files are missing: {', '.join(missing[:5])}: install touchline again")
    return f"touchline {installed.version} in {homes['core']}"


def data_dir(config: Config) -> str:
    folder = config.data_dir
    if not folder.exists():
        return f"{folder} does not exist yet; the first start makes it"
    if not os.access(folder, os.W_OK):
        raise Wrong(f"{folder} is not writable")
    if folder.stat().st_mode & 0o077:
        raise Wrong(f"other users may enter {folder}: chmod 700")
    secret = folder / SECRET_NAME
    if secret.exists() and secret.stat().st_mode & 0o077:
        raise Wrong(f"other users may read {secret}: chmod 600")
    free = shutil.disk_usage(folder).free // 2**20
    if free < LEAST_FREE_MB:
        raise Wrong(f"{free} MiB free in {folder}; {LEAST_FREE_MB} are needed")
    return f"{folder}, {free} MiB free"


def database(config: Config) -> str:
    from core.models import migrate
    from core.models.db import Database

    if (
        config.origin["database_url"] == "default"
        and not (config.data_dir / "touchline.db").exists()
    ):
        return "SQLite, not made yet; the first start makes it"
    db = Database(config.database_url)
    try:
        current, head = migrate.current(db.engine), migrate.head()
    finally:
        db.close()
    if current != head:
        raise Wrong(f"stands at {current}, the code expects {head}: touchline db upgrade")
    return f"{db.engine.dialect.name}, at {current}"


def redis(config: Config) -> str:
    url = config.redis_url
    if config.embedded_redis:
        path = socket_path(config.data_dir)
        if not path.exists():
            return f"not running; touchline up will start {redis_server()}"
        url = f"unix://{path}"
    client = connect(url)
    began = time.perf_counter()
    client.ping()
    took = (time.perf_counter() - began) * 1000
    workers = sum(1 for _ in client.scan_iter(ALIVE_WORKER + "*"))
    relay = "a relay" if client.exists(ALIVE_RELAY) else "no relay"
    deliverers = sum(1 for _ in client.scan_iter(ALIVE_DELIVERER + "*"))
    return (
        f"answers in {took:.1f} ms; {workers} workers and {relay} alive; "
        f"{deliverers or 'nobody'} delivering webhooks"
    )


def sports(_config: Config) -> str:
    from core.sport.registry import registry

    states = registry().states()
    failed = [f"{state.name}: {state.reason}" for state in states if state.state == "failed"]
    if failed:
        raise Wrong("; ".join(failed))
    if not states:
        raise Wrong("no sport is installed")
    return ", ".join(f"{state.name} {state.version}" for state in states)


def kernels(config: Config) -> str:
    """numba refuses to be imported where it cannot write its cache."""
    cache = kernel_cache(config.data_dir)
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(existing, os.W_OK):
        raise Wrong(f"{existing} is not writable: set NUMBA_CACHE_DIR to a folder that is")
    return str(cache)


CHECKS: dict[str, Check] = {
    "packages": packages,
    "data directory": data_dir,
    "database": database,
    "redis": redis,
    "sports": sports,
    "kernel cache": kernels,
}
