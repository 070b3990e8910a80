"""Compiled kernels on disk are only as fresh as every source they were compiled from.

numba's cache looks at a kernel's own file. A kernel also compiles in constants and functions
of its neighbours (a threshold in metrics.py, a step in geodesy.py): without this, changing one of
those and restarting would go on computing the old numbers.
"""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from numba.core.caching import InTreeCacheLocator, UserProvidedCacheLocator, UserWideCacheLocator

SHARED = Path(__file__).resolve().parents[1]  # core/sport


@lru_cache
def stamp(folder: Path) -> str:
    """SHA-256 of the shared sources and of a kernel's own package."""
    sources = {*folder.glob("*.py"), SHARED / "columns.py"}
    sources |= {*SHARED.glob("metrics/*.py"), *SHARED.glob("kernels/*.py")}
    found = hashlib.sha256()
    for path in sorted(sources):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


class _Stamped:
    _py_file: str

    def get_source_stamp(self) -> Any:
        own = super().get_source_stamp()  # type: ignore[misc]
        return own, stamp(Path(self._py_file).resolve().parent)


class Provided(_Stamped, UserProvidedCacheLocator):
    """Under NUMBA_CACHE_DIR."""


class InTree(_Stamped, InTreeCacheLocator):
    """Beside the source."""


class UserWide(_Stamped, UserWideCacheLocator):
    """In the user's cache folder, where the source is read-only."""


# As numba's setting takes them, in numba's own order.
LOCATORS = ",".join(f"{__name__}.{cls.__name__}" for cls in (Provided, InTree, UserWide))
