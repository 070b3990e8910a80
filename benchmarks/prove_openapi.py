"""Proof: no request gets an answer outside the OpenAPI document.

Method. schemathesis asks every operation, as nobody, a manager, an athlete and an administrator,
both what the document allows and what it forbids, over a seeded world that forgets every change
(tests/contract/seeded.py), throttling high, on SQLite. No 5xx, no undocumented status or media
type, no body outside its schema; what is not checked stands with its reason in
tests/contract/fuzz.py (DISABLED). Rounds with other seeds until at least 20,000 requests.
"""

import multiprocessing
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks import proof
from core import logs
from core.models import migrate
from core.models.db import make_engine
from core.sport.registry import registry
from tests.contract.fuzz import DISABLED, ask_everything
from tests.contract.seeded import Seeded, seeded
from tests.redis_server import redis_server

ROLES = (None, "owner", "athlete", "admin")
ROUNDS, EXAMPLES, REQUESTS = 6, 6, 20_000


@contextmanager
def world() -> Iterator[Seeded]:
    with tempfile.TemporaryDirectory() as name, redis_server() as redis_url:
        folder = Path(name)
        url = f"sqlite:///{folder / 'touchline.db'}"
        engine = make_engine(url)
        migrate.upgrade(engine)
        engine.dispose()
        with seeded(url, folder, redis_url, registry()) as made:
            yield made


def ask_as(role: str | None, seed: int) -> Counter[int]:
    """One role over a world of its own; in a process of its own."""
    logs.configure("critical", "json")  # a line for each request would hide the rounds
    with world() as asked:
        return ask_everything(asked, role, EXAMPLES, seed)


def round_of(seed: int) -> proof.Round:
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(ask_as, ROLES, [seed] * len(ROLES)))
    statuses: Counter[int] = sum(found, Counter())
    return {"requests": statuses.total(), "statuses": dict(sorted(statuses.items()))}


def main() -> int:
    done = proof.prove("openapi", range(1, ROUNDS + 1), round_of)
    requests = sum(found["requests"] for found in done)
    print(f"{requests:,} requests, none answered outside the document (goal {REQUESTS:,})")
    for check, reason in DISABLED.items():
        print(f"  not checked: {check} ({reason})")
    return 0 if requests >= REQUESTS else 1


if __name__ == "__main__":
    sys.exit(main())
