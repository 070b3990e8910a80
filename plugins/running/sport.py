"""Running: pace, laps, best efforts, the flat's terms (design/metrics.md 3.4)."""

from core.sport import ENDURANCE_DEFINITION, RUNNING_METRICS, Sport, load_schema

RUNNING = Sport(
    name="running",
    version=1,
    title="Running",
    activity_schema=load_schema("plugins.running", "schemas/activity_running.json"),
    timeframe_schema=load_schema("plugins.running", "schemas/timeframe_running.json"),
    metrics=RUNNING_METRICS,
    definition=ENDURANCE_DEFINITION,
)
