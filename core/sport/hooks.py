"""The hooks a sport plugin implements."""

import pluggy

from core.sport.contract import Sport

PROJECT = "touchline"
GROUP = "touchline.sports"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def sport() -> Sport:  # type: ignore[empty-body]
    """The sport that this plugin adds."""
