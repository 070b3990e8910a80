"""Biking."""

from core.sport import Sport, hookimpl
from plugins.biking.sport import BIKING


@hookimpl
def sport() -> Sport:
    return BIKING
