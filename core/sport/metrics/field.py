"""What all field and court sports share (design/metrics.md 3.1): the vendor's keys first."""

from core.sport.metrics.accelerations import ACCELERATION_METRICS
from core.sport.metrics.beats import HRV_METRICS
from core.sport.metrics.efforts import EFFORT_EXTRAS, EFFORT_METRICS
from core.sport.metrics.elevation import FIELD_ELEVATION_METRICS
from core.sport.metrics.heart import HEART_EXTRAS, HEART_METRICS
from core.sport.metrics.intensity import INTENSITY_METRICS
from core.sport.metrics.loads import LOAD_METRICS
from core.sport.metrics.moving import MOVING_METRICS
from core.sport.metrics.peaks import PEAK_METRICS
from core.sport.metrics.ranges import RANGE_METRICS
from core.sport.metrics.track import TRACK_EXTRAS, TRACK_METRICS

FIELD_METRICS = (
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
    *HRV_METRICS,
    *FIELD_ELEVATION_METRICS,
    *LOAD_METRICS,
)
# Parameters that stand in each document's ``definition``: counts compare only beside them.
FIELD_DEFINITION = (
    "smoothing",
    "effort_boundary",
    "acceleration_min_duration",
    "sprint_min_duration",
    "sprint_exit_percent",
    "sprint_merge_gap",
    "stationary_speed",
    "max_gap",
    "max_speed",
)
