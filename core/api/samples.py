"""The device uplink: batches of samples, acknowledged only when they are committed."""

from collections.abc import Callable

import orjson
from flask import Response, request

from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.clock import now
from core.errors import UnsupportedMedia
from core.models.users import MANAGER
from core.pipeline import uplink, uplink_arrow
from core.policy import DEVICE, Actor, is_itself
from core.services import samples

# How a batch may come, and what reads it.
READERS: dict[str, Callable[[bytes, int], uplink.Batch]] = {
    "application/json": uplink.parse,
    uplink_arrow.MEDIA_TYPE: uplink_arrow.parse,
}

blueprint = Blueprint(
    "samples",
    __name__,
    url_prefix="/api/v1/devices/<int:device>",
    description="Devices send with their own uplink token, or their owner now sends for them.",
)

_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["batch"],
                "properties": {
                    "batch": {"type": "string", "minLength": 1, "maxLength": 64},
                    "sent": {"type": "integer", "description": "the device's clock, Unix ms"},
                    "n": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "the device's number of the batch, as on the socket:"
                        " above the highest that is committed",
                    },
                    "columns": {
                        "type": "object",
                        "additionalProperties": {"type": "array", "items": {"type": "number"}},
                    },
                    "streams": {
                        "type": "object",
                        "description": "what is not sampled with the position: rr, imu, lengths,"
                        " events, each with `timestamp` and its columns",
                    },
                },
            },
            "example": {
                "batch": "7f0c",
                "sent": 1590868801000,
                "columns": {"gnss.timestamp": [1590868800000], "gnss.speed": [3.2]},
            },
        },
        uplink_arrow.MEDIA_TYPE: {
            "schema": {
                "type": "string",
                "format": "binary",
                "description": "The same content as Arrow IPC: one stream for the samples, then one"
                " for each further stream, named by `stream` in its schema's metadata. `batch`, and"
                " maybe `sent` and `n`, in the metadata of the first schema.",
            },
        },
    },
}

_ANSWER = {
    "type": "object",
    "required": ["batch", "accepted", "duplicate", "offset_ms"],
    "properties": {
        "batch": {"type": "string"},
        "accepted": {"type": "integer", "description": "samples, of all streams"},
        "duplicate": {"type": "boolean", "description": "the batch was here already"},
        "offset_ms": {"type": ["number", "null"], "description": "the device's clock over ours"},
    },
}


@blueprint.route("/samples/", methods=["POST"])
@authenticated(MANAGER, DEVICE)
@blueprint.doc(requestBody=_BODY)
@blueprint.response(200, _ANSWER)
def send_samples(actor: Actor, device: int) -> Response:
    """Send a batch.

    The same batch again is answered as the first time, with ``duplicate`` true; the same id with
    other content is a 409.
    """
    received = now()
    read = READERS.get(request.mimetype)
    if read is None:
        raise UnsupportedMedia(f"samples come as {' or '.join(READERS)}")
    app = platform()
    if not is_itself(actor, device):
        app.db.read(lambda session: samples.require_uplink(session, actor, device))
    body = request.get_data(cache=False)
    batch = uplink.aside(app.offload, len(body), lambda: read(body, received))
    answer = app.writer.submit(device, batch, received)
    return Response(orjson.dumps(answer), mimetype="application/json")
