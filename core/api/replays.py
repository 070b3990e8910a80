"""Replays: a finished time frame on the live streams' protocol, at the caller's pace.

The socket has a subscription of its own: the channel is one reader's. What it sends was made by a
worker (core.pipeline.replay); nothing is computed here.
"""

import threading
from typing import Any

import flask
import marshmallow as ma
import redis
import structlog
from marshmallow import fields

from core.api import sockets
from core.api.guard import authenticated
from core.api.parsing import Blueprint
from core.api.platform import platform
from core.api.shapes import Id, Real, Shape
from core.api.sockets import Socket
from core.api.streams import listen
from core.channels import LIVE_REPLAY, Live
from core.live.messages import Update, own
from core.live.wire import NORMAL, TRY_LATER, Wire
from core.models.users import ADMINISTRATOR, ATHLETE, MANAGER
from core.pipeline.pace import FASTEST, SLOWEST
from core.policy import Actor
from core.services import replays

POLL_SECONDS = 0.5  # between two looks whether the socket is still there

log = structlog.get_logger(__name__)

blueprint = Blueprint(
    "replays",
    __name__,
    url_prefix="/api/v1/timeframes",
    description="A finished time frame told again on a socket, four at once for each user.",
)
socket_blueprint = flask.Blueprint("replay_socket", __name__, url_prefix="/api/v1/ws/replay")


class ReplayRequestShape(Shape):
    speed = Real(
        SLOWEST,
        FASTEST,
        load_default=1.0,
        metadata={"description": "Times real time.", "example": 10.0},
    )


class ReplayShape(ma.Schema):
    """``path`` is the socket's. The replay begins with the first reader, who comes before
    ``begin_before`` (Unix ms), and ends when nobody listened for ten seconds.
    """

    replay = fields.String(metadata={"example": "0Jq3YvBq9mXo4bq2cQW5rA"})
    timeframe = Id()
    speed = fields.Float(metadata={"example": 10.0})
    path = fields.String(metadata={"example": "/api/v1/ws/replay/0Jq3YvBq9mXo4bq2cQW5rA/"})
    begin_before = fields.Integer(metadata={"example": 1_590_868_860_000})


@blueprint.route("/<int:timeframe>/replay/", methods=["POST"])
@authenticated(MANAGER, ATHLETE, ADMINISTRATOR)
@blueprint.arguments(ReplayRequestShape)
@blueprint.response(201, ReplayShape)
def create(actor: Actor, body: dict[str, Any], timeframe: int) -> dict[str, Any]:
    """Ask for a replay of a time frame that has ended, at 0.1 to 100 times its pace."""
    replay = platform().db.write(lambda s: replays.create(s, actor, timeframe, body["speed"]))
    return replays.told(replay)


@sockets.route(socket_blueprint, "/<string:replay>/")
def stream(socket: Socket, replay: str) -> None:
    """The replay's messages, ``seq`` in each, until it has ended (close code 1000)."""
    parts = platform()
    parts.db.read(lambda s: replays.follow(s, socket.actor, replay))
    pump = threading.Thread(
        target=_pump, args=(parts.redis, LIVE_REPLAY + replay, socket.wire), daemon=True
    )
    socket.authorized()
    pump.start()
    listen(socket)


def _pump(client: redis.Redis, channel: str, wire: Wire) -> None:
    """What a worker tells, to the one reader."""
    try:
        with client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(channel)
            while wire.open:
                message = pubsub.get_message(timeout=POLL_SECONDS)
                if message is None:
                    continue
                live = Live.unpack(message["data"])
                if not live.data:
                    wire.close(NORMAL, "the replay has ended")
                    return
                wire.offer(Update(live, state=True).shaped(own))
    except (redis.RedisError, OSError) as error:
        log.warning("a replay is not heard", reason=str(error))
        wire.close(TRY_LATER, "the replay cannot be followed now; ask for another")
