"""The sport contract: all that a sport's author imports.

A sport is data (`Sport`) about metrics: `Fold`, read off a kernel's state, `Derived`, a function of
other metrics, or `Batch`, a function of all of a frame's samples. Kernels and batch functions are
named by string, so importing this package never imports numba.
"""

from core.sport import codes, columns
from core.sport.contract import (
    NO_EVENT,
    ActivityMetrics,
    Batch,
    Combined,
    Derived,
    Fold,
    Kernel,
    Member,
    Metric,
    Reading,
    Sport,
    Summary,
    Table,
    Values,
)
from core.sport.errors import MetricError, SportError, StateMismatch, UnknownSport
from core.sport.geometry import field_of
from core.sport.hooks import hookimpl
from core.sport.metrics.accelerations import ACCELERATION_METRICS
from core.sport.metrics.beats import HRV_METRICS
from core.sport.metrics.efforts import EFFORT_EXTRAS, EFFORT_METRICS, SPRINT
from core.sport.metrics.elevation import LEVEL_ELEVATION_METRICS
from core.sport.metrics.endurance import (
    BIKING_METRICS,
    ENDURANCE_DEFINITION,
    RUNNING_METRICS,
    TRAIL_RUNNING_METRICS,
)
from core.sport.metrics.field import FIELD_DEFINITION, FIELD_METRICS
from core.sport.metrics.heart import HEART_EXTRAS, HEART_METRICS
from core.sport.metrics.intensity import INTENSITY_METRICS
from core.sport.metrics.loads import LOAD_METRICS
from core.sport.metrics.metabolic import METABOLIC_METRICS, terrain_defaults
from core.sport.metrics.moving import MOVING_METRICS
from core.sport.metrics.peaks import DISTANCE_PEAK_METRICS, PEAK_METRICS
from core.sport.metrics.pitch import heat_map, pitch_kernel, thirds
from core.sport.metrics.ranges import RANGE_METRICS
from core.sport.metrics.shape import SHAPE_METRICS, middle, of_teams, spread
from core.sport.metrics.spans import span_metric
from core.sport.metrics.track import TRACK_EXTRAS, TRACK_METRICS, no_speed
from schemas import load as load_schema

__all__ = [
    "ACCELERATION_METRICS",
    "BIKING_METRICS",
    "DISTANCE_PEAK_METRICS",
    "EFFORT_EXTRAS",
    "EFFORT_METRICS",
    "ENDURANCE_DEFINITION",
    "FIELD_DEFINITION",
    "FIELD_METRICS",
    "HEART_EXTRAS",
    "HEART_METRICS",
    "HRV_METRICS",
    "INTENSITY_METRICS",
    "LEVEL_ELEVATION_METRICS",
    "LOAD_METRICS",
    "METABOLIC_METRICS",
    "MOVING_METRICS",
    "NO_EVENT",
    "PEAK_METRICS",
    "RANGE_METRICS",
    "RUNNING_METRICS",
    "SHAPE_METRICS",
    "SPRINT",
    "TRACK_EXTRAS",
    "TRACK_METRICS",
    "TRAIL_RUNNING_METRICS",
    "ActivityMetrics",
    "Batch",
    "Combined",
    "Derived",
    "Fold",
    "Kernel",
    "Member",
    "Metric",
    "MetricError",
    "Reading",
    "Sport",
    "SportError",
    "StateMismatch",
    "Summary",
    "Table",
    "UnknownSport",
    "Values",
    "codes",
    "columns",
    "field_of",
    "heat_map",
    "hookimpl",
    "load_schema",
    "middle",
    "no_speed",
    "of_teams",
    "pitch_kernel",
    "span_metric",
    "spread",
    "terrain_defaults",
    "thirds",
]
