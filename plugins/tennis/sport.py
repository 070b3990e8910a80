"""Tennis: the family of field sports, with activity and rest (design/metrics.md 3.2)."""

from collections.abc import Mapping
from typing import Any

from core.sport import (
    FIELD_DEFINITION,
    FIELD_METRICS,
    METABOLIC_METRICS,
    Sport,
    load_schema,
    span_metric,
    terrain_defaults,
)
from plugins.tennis.court import COURT_METRICS
from plugins.tennis.metrics import BOUT_METRICS


def activity_defaults(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    return terrain_defaults(activity.get("surface", "hard"))


TENNIS = Sport(
    name="tennis",
    version=1,
    title="Tennis",
    activity_schema=load_schema("plugins.tennis", "schemas/activity_tennis.json"),
    timeframe_schema=load_schema("plugins.tennis", "schemas/timeframe_tennis.json"),
    metrics=(
        *FIELD_METRICS,
        *METABOLIC_METRICS,
        *BOUT_METRICS,
        *COURT_METRICS,
        span_metric("sets", "Sets"),
    ),
    definition=FIELD_DEFINITION,
    activity_defaults=activity_defaults,
)
