"""Tennis: the family of field sports, with activity and rest (design/metrics.md 3.2)."""

from core.sport import (
    FIELD_DEFINITION,
    FIELD_METRICS,
    Sport,
    load_schema,
    span_metric,
)
from plugins.tennis.court import COURT_METRICS
from plugins.tennis.metrics import BOUT_METRICS

TENNIS = Sport(
    name="tennis",
    version=1,
    title="Tennis",
    activity_schema=load_schema("plugins.tennis", "schemas/activity_tennis.json"),
    timeframe_schema=load_schema("plugins.tennis", "schemas/timeframe_tennis.json"),
    metrics=(
        *FIELD_METRICS,
        *BOUT_METRICS,
        *COURT_METRICS,
        span_metric("sets", "Sets"),
    ),
    definition=FIELD_DEFINITION,
)
