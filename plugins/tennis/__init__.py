"""Tennis."""

from core.sport import Sport, hookimpl
from plugins.tennis.sport import TENNIS


@hookimpl
def sport() -> Sport:
    return TENNIS
