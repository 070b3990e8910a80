"""The hooks a sport plugin implements."""

import pluggy

from core.sport.contract import ActivityMetrics, Sport

PROJECT = "touchline"
GROUP = "touchline.sports"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def sport() -> Sport:  # type: ignore[empty-body]
    """The sport that this plugin adds."""


@hookspec
def activity_metrics() -> ActivityMetrics:  # type: ignore[empty-body]
    """What the sport says of an activity as a whole; a plugin may leave this out."""
