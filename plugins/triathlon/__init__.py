"""Triathlon."""

from core.sport import ActivityMetrics, Sport, hookimpl
from plugins.triathlon.race import RACE_METRICS
from plugins.triathlon.sport import TRIATHLON


@hookimpl
def sport() -> Sport:
    return TRIATHLON


@hookimpl
def activity_metrics() -> ActivityMetrics:
    return RACE_METRICS
