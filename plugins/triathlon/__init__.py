"""Triathlon."""

from core.sport import Sport, hookimpl
from plugins.triathlon.sport import TRIATHLON


@hookimpl
def sport() -> Sport:
    return TRIATHLON
