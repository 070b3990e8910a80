"""Swimming, in pools and in open water (design/metrics.md 3.5)."""

from core.sport import (
    ENDURANCE_DEFINITION,
    HEART_EXTRAS,
    HEART_METRICS,
    HRV_METRICS,
    LEVEL_ELEVATION_METRICS,
    Sport,
    load_schema,
)
from plugins.swimming.open_water import OPEN_WATER_METRICS
from plugins.swimming.pool import POOL_METRICS
from plugins.swimming.way import EXTRAS_LIKE, INTENSITY_LIKE, PEAKS_LIKE, SWIM_METRICS, TRACK_LIKE

SWIMMING = Sport(
    name="swimming",
    version=1,
    title="Swimming",
    activity_schema=load_schema("plugins.swimming", "schemas/activity_swimming.json"),
    timeframe_schema=load_schema("plugins.swimming", "schemas/timeframe_swimming.json"),
    metrics=(
        *TRACK_LIKE,
        *INTENSITY_LIKE,
        *HEART_METRICS,
        *EXTRAS_LIKE,
        *PEAKS_LIKE,
        *SWIM_METRICS,
        *POOL_METRICS,
        *OPEN_WATER_METRICS,
        *HEART_EXTRAS,
        *HRV_METRICS,
        *LEVEL_ELEVATION_METRICS,
    ),
    definition=(*ENDURANCE_DEFINITION, "stroke_counting"),
)
