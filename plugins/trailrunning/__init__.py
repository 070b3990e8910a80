"""Trail running."""

from core.sport import Sport, hookimpl
from plugins.trailrunning.sport import TRAILRUNNING


@hookimpl
def sport() -> Sport:
    return TRAILRUNNING
