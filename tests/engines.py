"""One memory of compiled statements for all databases of a kind: a test has a database of its own,
and to compile every statement for each anew takes longer than most tests. And no commit waits for
the disk: what a test holds need not survive a power cut (tests/unit/test_models.py looks that what
the platform makes does).
"""

from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.util import LRUCache

from core.models import db

STATEMENTS = 3000

make_engine = db.make_engine  # the platform's own
_known: dict[str, tuple[Any, dict[str, Any]]] = {}


def _sharing(url: str, **options: Any) -> Engine:
    engine = make_engine(url, **options)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _never_sync)
    known = _known.get(engine.driver)
    if known is not None:
        # What is compiled is kept by dialect, and this one has met its database.
        engine.dialect, kept = known
        engine.update_execution_options(**kept)
    return engine


def _never_sync(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def share(first: Engine) -> None:
    """Engines made from now on share with this one, which has been connected."""
    kept = {"compiled_cache": LRUCache(STATEMENTS)}
    _known.setdefault(first.driver, (first.dialect, kept))
    db.make_engine = _sharing
