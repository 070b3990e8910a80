"""Tennis: the family of field sports, with activity and rest (design/metrics.md 3.2)."""

from core.sport import (
    ACCELERATION_METRICS,
    EFFORT_EXTRAS,
    EFFORT_METRICS,
    HEART_EXTRAS,
    HEART_METRICS,
    INTENSITY_METRICS,
    MOVING_METRICS,
    PEAK_METRICS,
    RANGE_METRICS,
    TRACK_EXTRAS,
    TRACK_METRICS,
    Sport,
    load_schema,
)
from plugins.tennis.metrics import BOUT_METRICS

TENNIS = Sport(
    name="tennis",
    version=1,
    title="Tennis",
    activity_schema=load_schema("plugins.tennis", "schemas/activity_tennis.json"),
    timeframe_schema=load_schema("plugins.tennis", "schemas/timeframe_tennis.json"),
    metrics=(
        *TRACK_METRICS,
        *ACCELERATION_METRICS,
        *EFFORT_METRICS,
        *RANGE_METRICS,
        *INTENSITY_METRICS,
        *HEART_METRICS,
        *TRACK_EXTRAS,
        *MOVING_METRICS,
        *EFFORT_EXTRAS,
        *PEAK_METRICS,
        *HEART_EXTRAS,
        *BOUT_METRICS,
    ),
    definition=(
        "smoothing",
        "effort_boundary",
        "acceleration_min_duration",
        "sprint_min_duration",
        "sprint_exit_percent",
        "sprint_merge_gap",
        "stationary_speed",
        "max_gap",
        "max_speed",
    ),
)
