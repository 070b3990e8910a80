"""Biking: power on a series of seconds, climbs, pedalling (design/metrics.md 3.3)."""

from core.sport import BIKING_METRICS, ENDURANCE_DEFINITION, Sport, load_schema

BIKING = Sport(
    name="biking",
    version=1,
    title="Biking",
    activity_schema=load_schema("plugins.biking", "schemas/activity_biking.json"),
    timeframe_schema=load_schema("plugins.biking", "schemas/timeframe_biking.json"),
    metrics=BIKING_METRICS,
    definition=ENDURANCE_DEFINITION,
)
