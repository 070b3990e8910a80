"""Soccer."""

from core.sport import Sport, hookimpl
from plugins.soccer.sport import SOCCER


@hookimpl
def sport() -> Sport:
    return SOCCER
