"""Live messages: what of a computed document leaves for the sockets, after its commit.

Best effort: nothing is stored, a Redis that is away is logged, and who missed a message reads the
document. The form is contract/touchline.md section 7; why a reader that merges the keys of what it
got ends up with the document is in docs/internals/live-compute.md.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis
import structlog

from core.channels import LIVE_ACTIVITY, LIVE_REPLAY, Live

# Grow with the session and are told at most every WHOLE_EVERY.
SERIES = frozenset({"hr_plot", "heat_map", "series"})
WHOLE_EVERY = 10_000  # ms

log = structlog.get_logger(__name__)

Document = Mapping[str, Any]


@dataclass
class Told:
    """What this process told of a frame. ``changed``: when each key last changed, in ms;
    ``efforts``: how many closed ones each event list told had. ``whole_at`` and ``before_at`` are
    when the last two whole documents were told, ``series_at`` when the series were.
    """

    document: Document
    whole_at: int
    before_at: int
    series_at: int
    changed: dict[str, int] = field(default_factory=dict)
    efforts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def nothing(cls, at: int, *, final: bool = False) -> "Told":
        """Before the first message, which leaves the series out (they count as told now) unless it
        is also the last.
        """
        return cls({}, at, at, at - WHOLE_EVERY if final else at)


def message(told: Told, document: Document, at: int, *, whole: bool) -> dict[str, Any]:
    """The next message of a frame, and ``told`` brought up to it.

    A whole one has every key, the series when they are due. Any other has the keys that changed
    since the whole one before the last, and an event list only when one of its efforts closed.
    """
    for key, value in document.items():
        if key not in told.document or told.document[key] != value:
            told.changed[key] = at
    keys = [key for key in document if _due(told, document, key, at, whole)]
    gone = [key for key in told.document if key not in document]
    if whole:
        told.before_at, told.whole_at = told.whole_at, at
        if at - told.series_at >= WHOLE_EVERY:
            told.series_at = at
    told.document = document
    for key in keys:
        count = closed(document[key])
        if count is not None:
            told.efforts[key] = count
    return {key: document[key] for key in keys} | dict.fromkeys(gone)


def _due(told: Told, document: Document, key: str, at: int, whole: bool) -> bool:
    if key in SERIES:
        return whole and at - told.series_at >= WHOLE_EVERY
    if whole:
        return True
    count = closed(document[key])
    if count is not None:
        return count != told.efforts.get(key)
    return told.changed[key] > told.before_at


def closed(value: Any) -> int | None:
    """How many closed efforts an event list holds; None for anything else. A plain list is one
    while its last item (a lap, a climb) is under way.
    """
    if isinstance(value, list):
        last = value[-1] if value else None
        return len(value) - 1 if isinstance(last, Mapping) and "open" in last else None
    if not isinstance(value, Mapping) or "threshold_1" not in value:
        return None
    lists = [item["values"] for item in value.values()]
    return sum(len(efforts) - sum("open" in e for e in efforts[-1:]) for efforts in lists)


@dataclass(frozen=True)
class Message:
    """One message of a frame of an activity, or of the activity itself (frame ``TEAM``).
    ``revision`` is its ``seq``.
    """

    activity: int
    frame: int
    revision: int
    data: Document


def packed(data: Document) -> bytes:
    return orjson.dumps(data)


class Publisher:
    """Sends messages to whoever subscribed to a channel, and counts who did."""

    def __init__(self, client: redis.Redis) -> None:
        self._client = client

    def send(self, messages: Iterable[Message]) -> bool:
        """All in one round trip. False, and a line in the log, when Redis did not take them."""
        return self._publish(
            (f"{LIVE_ACTIVITY}{one.activity}", Live(one.frame, one.revision, packed(one.data)))
            for one in messages
        )

    def tell(self, replay: str, messages: Iterable[Live]) -> None:
        """Messages of a replay."""
        self._publish((LIVE_REPLAY + replay, live) for live in messages)

    def listeners(self, replay: str) -> int:
        """How many subscribed to a replay; none when Redis is away."""
        try:
            ((_, count),) = self._client.pubsub_numsub(LIVE_REPLAY + replay)
        except redis.RedisError as error:
            log.warning("listeners are not known", reason=str(error))
            return 0
        return int(count)

    def _publish(self, messages: Iterable[tuple[str, Live]]) -> bool:
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for channel, live in messages:
                    pipeline.publish(channel, live.pack())
                pipeline.execute()
        except redis.RedisError as error:
            log.warning("live messages were not sent", reason=str(error))
            return False
        return True
