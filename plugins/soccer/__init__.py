"""Soccer."""

from core.sport import ActivityMetrics, Sport, hookimpl
from plugins.soccer.sport import SOCCER
from plugins.soccer.team import TEAM_METRICS


@hookimpl
def sport() -> Sport:
    return SOCCER


@hookimpl
def activity_metrics() -> ActivityMetrics:
    return TEAM_METRICS
