"""Swimming."""

from core.sport import Sport, hookimpl
from plugins.swimming.sport import SWIMMING


@hookimpl
def sport() -> Sport:
    return SWIMMING
