"""``/live/{activity}/``: an activity as it happens. The page lists who takes part; its script
follows the same public sockets that any client may follow, with a read token of the session.
"""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import send_from_directory

from core.api.platform import platform
from core.auth import web
from core.services import roster
from core.sport import geometry

blueprint = web.blueprint("live", __name__)

# uPlot's files lie in a package of which nothing is imported.
CHARTS = ("uPlot.iife.js", "uPlot.min.css")
_spec = find_spec("uplot")
_PACKAGE = Path((_spec.submodule_search_locations or ["."])[0] if _spec else ".")


@blueprint.get("/live/<int:activity>/")
def live(activity: int) -> Any:
    actor = web.actor()
    if actor is None:
        return web.to_login()
    row, places = platform().db.read(lambda s: roster.of_activity(s, actor, activity))
    return web.moving_page(
        "live.html",
        activity=row,
        sport=row.json_schema.sport,
        places=places,
        zone=row.json.get("timezone", "UTC"),
        pitch=json.dumps(pitch_of(row.json)),
    )


@blueprint.get("/static/charts/<any(" + ", ".join(f'"{name}"' for name in CHARTS) + "):name>")
def charts(name: str) -> Any:
    return send_from_directory(_PACKAGE / "static", name, max_age=86_400)


def pitch_of(activity: dict[str, Any]) -> dict[str, Any] | None:
    """What the script needs to place a fix on the field, in metres and degrees (Field.place); None
    for an activity without corners.
    """
    given = geometry.corners_of(activity)
    if given is None:
        return None
    kind, corners = given
    fitted = geometry.fit(corners)
    plane = fitted.plane
    return {
        "kind": "court" if kind == "court_corners" else "pitch",
        "origin": [plane.latitude, plane.longitude],
        "metres_per_degree": [float(plane.north), float(plane.east)],
        "along": fitted.along.tolist(),
        "across": fitted.across.tolist(),
        "length": fitted.length,
        "width": fitted.width,
    }
