"""Running."""

from core.sport import Sport, hookimpl
from plugins.running.sport import RUNNING


@hookimpl
def sport() -> Sport:
    return RUNNING
