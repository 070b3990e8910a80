"""Trail running: running's metrics, and those of climbs and slopes (design/metrics.md 3.6)."""

from core.sport import ENDURANCE_DEFINITION, TRAIL_RUNNING_METRICS, Sport, load_schema

TRAILRUNNING = Sport(
    name="trailrunning",
    version=1,
    title="Trail running",
    activity_schema=load_schema("plugins.trailrunning", "schemas/activity_trailrunning.json"),
    timeframe_schema=load_schema("plugins.trailrunning", "schemas/timeframe_trailrunning.json"),
    metrics=TRAIL_RUNNING_METRICS,
    definition=(*ENDURANCE_DEFINITION, "elevation_threshold"),
)
