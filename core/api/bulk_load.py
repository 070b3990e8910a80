"""Bulk load of a device's own file."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request
from marshmallow import fields

from core.api.files import MEBIBYTE
from core.api.guard import authenticated
from core.api.jobs import JobShape
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Shape
from core.models import Job
from core.models.users import MANAGER
from core.policy import Actor
from core.services import bulk_load, files

blueprint = Blueprint(
    "bulk_load",
    __name__,
    url_prefix="/api/v1/devices/<int:device>/bulk-load",
    description="A device's own file, base64 in a JSON body.",
)


class BulkLoadShape(Shape):
    asi_b64 = fields.String(required=True)


def large_body(route: Callable[..., Any]) -> Callable[..., Any]:
    """Allow a body as large as a file in base64 may be, before anything reads it."""

    @wraps(route)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        largest = platform().config.max_file_mb * MEBIBYTE
        request.max_content_length = largest * 4 // 3 + MEBIBYTE
        return route(*args, **kwargs)

    return wrapped


@blueprint.route("/", methods=["POST"])
@authenticated(MANAGER)
@large_body
@blueprint.arguments(BulkLoadShape)
@blueprint.response(200, JobShape)
def load(actor: Actor, body: dict[str, Any], device: int) -> Job:
    """Load a file of a device that you own now: a Touchline device file, or the vendor's.

    The vendor's format is kept as it came; its job ends in FAILURE with the reason unless a decoder
    for it is installed.
    """
    app = platform()
    app.db.read(lambda session: files.may_add_for_device(session, actor, device))
    data = app.offload(lambda: bulk_load.unwrap(body["asi_b64"]))
    key = app.offload(lambda: app.objects.put(data))
    return app.db.write(lambda session: bulk_load.add(session, actor, device, key, data))
