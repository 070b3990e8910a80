"""Triathlon: legs, each in its own sport (design/metrics.md 3.7).

A time frame of one leg has the metrics of that leg's sport. Those here are of a frame over several
legs, or over the whole race: what does not depend on how one moves.
"""

from core.sport import (
    DISTANCE_PEAK_METRICS,
    ENDURANCE_DEFINITION,
    HEART_EXTRAS,
    HEART_METRICS,
    HRV_METRICS,
    INTENSITY_METRICS,
    LEVEL_ELEVATION_METRICS,
    TRACK_EXTRAS,
    TRACK_METRICS,
    Sport,
    load_schema,
)
from core.sport.metrics.moving import moving_metrics

MOVING_FROM = 0.3  # m/s, that of the slowest leg

TRIATHLON = Sport(
    name="triathlon",
    version=1,
    title="Triathlon",
    activity_schema=load_schema("plugins.triathlon", "schemas/activity_triathlon.json"),
    timeframe_schema=load_schema("plugins.triathlon", "schemas/timeframe_triathlon.json"),
    metrics=(
        *TRACK_METRICS,
        *INTENSITY_METRICS,
        *HEART_METRICS,
        *TRACK_EXTRAS,
        *moving_metrics(MOVING_FROM),
        *DISTANCE_PEAK_METRICS,
        *HEART_EXTRAS,
        *HRV_METRICS,
        *LEVEL_ELEVATION_METRICS,
    ),
    definition=ENDURANCE_DEFINITION,
    legs=("swimming", "biking", "running", "trailrunning"),
)
