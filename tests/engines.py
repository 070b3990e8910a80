"""One memory of compiled statements for all databases of a kind: a test has a database of its own,
and to compile every statement for each anew takes longer than most tests.
"""

from typing import Any

from sqlalchemy import Engine
from sqlalchemy.util import LRUCache

from core.models import db

STATEMENTS = 3000

_make_engine = db.make_engine
_known: dict[str, tuple[Any, dict[str, Any]]] = {}


def _sharing(url: str, **options: Any) -> Engine:
    engine = _make_engine(url, **options)
    known = _known.get(engine.driver)
    if known is not None:
        # What is compiled is kept by dialect, and this one has met its database.
        engine.dialect, kept = known
        engine.update_execution_options(**kept)
    return engine


def share(first: Engine) -> None:
    """Engines made from now on share with this one, which has been connected."""
    kept = {"compiled_cache": LRUCache(STATEMENTS)}
    _known.setdefault(first.driver, (first.dialect, kept))
    db.make_engine = _sharing
