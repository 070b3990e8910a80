"""Soccer: the vendor's keys first, in their order, then ours (design/metrics.md 3.1)."""

from collections.abc import Mapping
from typing import Any

from core.sport import (
    ACCELERATION_METRICS,
    EFFORT_EXTRAS,
    EFFORT_METRICS,
    HEART_EXTRAS,
    HEART_METRICS,
    INTENSITY_METRICS,
    METABOLIC_METRICS,
    MOVING_METRICS,
    PEAK_METRICS,
    RANGE_METRICS,
    TRACK_EXTRAS,
    TRACK_METRICS,
    Sport,
    load_schema,
)


def activity_defaults(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    """The terrain factor 1.29 was measured on grass; elsewhere it is 1."""
    return {} if activity.get("surface", "grass") == "grass" else {"terrain_factor": 1.0}


SOCCER = Sport(
    name="soccer",
    version=1,
    title="Soccer",
    activity_schema=load_schema("plugins.soccer", "schemas/activity_soccer.json"),
    timeframe_schema=load_schema("plugins.soccer", "schemas/timeframe_soccer.json"),
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
        *METABOLIC_METRICS,
        *PEAK_METRICS,
        *HEART_EXTRAS,
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
    activity_defaults=activity_defaults,
)
