"""What biking, running and trail running share (design/metrics.md 3.3, 3.4, 3.6)."""

from core.sport.contract import Metric
from core.sport.metrics.balance import BALANCE_METRICS
from core.sport.metrics.beats import HRV_METRICS
from core.sport.metrics.cadence import PEDAL_METRICS, STEP_METRICS
from core.sport.metrics.elevation import (
    ELEVATION,
    TRAIL_ELEVATION,
    TRAIL_METRICS,
    VERTICAL_SPEED,
    climb_metrics,
    elevation_metrics,
)
from core.sport.metrics.graded import graded_metrics
from core.sport.metrics.heart import HEART_EXTRAS, HEART_METRICS
from core.sport.metrics.intensity import INTENSITY_METRICS
from core.sport.metrics.moving import RIDE, RUN, moving_metrics
from core.sport.metrics.pace import PACE_METRICS
from core.sport.metrics.peaks import DISTANCE_PEAK_METRICS
from core.sport.metrics.power import POWER_METRICS
from core.sport.metrics.ranges import RANGE_METRICS
from core.sport.metrics.track import TRACK_EXTRAS, TRACK_METRICS


def common(moving_from: float) -> tuple[Metric, ...]:
    """The vendor's keys first, in their order, then ours."""
    return (
        *TRACK_METRICS,
        *RANGE_METRICS,
        *INTENSITY_METRICS,
        *HEART_METRICS,
        *TRACK_EXTRAS,
        *moving_metrics(moving_from),
        *DISTANCE_PEAK_METRICS,
        *HEART_EXTRAS,
        *HRV_METRICS,
    )


BIKING_METRICS = (
    *common(RIDE),
    *elevation_metrics(ELEVATION),
    *POWER_METRICS,
    *BALANCE_METRICS,
    *PEDAL_METRICS,
    *climb_metrics(ELEVATION),
)
RUNNING_METRICS = (
    *common(RUN),
    *elevation_metrics(ELEVATION),
    VERTICAL_SPEED,
    *PACE_METRICS,
    *graded_metrics(ELEVATION),
    *STEP_METRICS,
)
TRAIL_RUNNING_METRICS = (
    *common(RUN),
    *elevation_metrics(TRAIL_ELEVATION),
    VERTICAL_SPEED,
    *PACE_METRICS,
    *graded_metrics(TRAIL_ELEVATION),
    *STEP_METRICS,
    *TRAIL_METRICS,
)
# Parameters that stand in each document's ``definition``: values compare only beside them.
ENDURANCE_DEFINITION = (
    "smoothing",
    "stationary_speed",
    "max_gap",
    "bridge_gaps",
    "max_bridge",
    "max_speed",
)
