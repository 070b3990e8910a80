"""Soccer: the vendor's keys first, in their order, then ours (design/metrics.md 3.1)."""

from collections.abc import Mapping
from typing import Any

from core.sport import (
    FIELD_DEFINITION,
    FIELD_METRICS,
    METABOLIC_METRICS,
    Sport,
    heat_map,
    load_schema,
    pitch_kernel,
    span_metric,
    terrain_defaults,
    thirds,
)
from plugins.soccer.metrics import SOCCER_METRICS

CORNERS = "field_corners"
PITCH = pitch_kernel(CORNERS, 1.0, (0.0, 0.0), ("periods", "attack_direction", "team"))


def activity_defaults(activity: Mapping[str, Any]) -> Mapping[str, Any]:
    return terrain_defaults(activity.get("surface", "grass"))


SOCCER = Sport(
    name="soccer",
    version=1,
    title="Soccer",
    activity_schema=load_schema("plugins.soccer", "schemas/activity_soccer.json"),
    timeframe_schema=load_schema("plugins.soccer", "schemas/timeframe_soccer.json"),
    metrics=(
        *FIELD_METRICS,
        *METABOLIC_METRICS,
        *SOCCER_METRICS,
        heat_map(PITCH, CORNERS, "It covers the field in cells of 1 m."),
        thirds(PITCH, CORNERS),
        span_metric("periods", "Periods of play"),
    ),
    definition=FIELD_DEFINITION,
    activity_defaults=activity_defaults,
)
