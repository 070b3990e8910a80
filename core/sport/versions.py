"""Which versions of its metrics a result of a sport is of."""

import hashlib
from collections.abc import Mapping
from functools import lru_cache

import rfc8785

from core.sport.contract import Sport
from core.sport.registry import Registry


def of(sport: Sport) -> dict[str, int]:
    """Key → version of every metric, in document order."""
    return {metric.key: metric.version for metric in sport.metrics}


def stamp_of(name: str, versions: Mapping[str, int]) -> str:
    """SHA-256 (hex) of the canonical JSON of a sport's name and its metrics' versions."""
    return hashlib.sha256(rfc8785.dumps({"sport": name, "metrics": dict(versions)})).hexdigest()


@lru_cache
def stamp(sport: Sport) -> str:
    """What a result of this sport, as it is installed here, is stamped with."""
    return stamp_of(sport.name, of(sport))


def stamps(registry: Registry) -> set[str]:
    """Of every enabled sport. A result with another stamp is stale."""
    return {stamp(sport) for sport in registry.sports.values()}
