"""Live messages in the shapes of the streams. One is made once and serves all readers."""

from collections.abc import Callable
from functools import lru_cache
from math import inf
from typing import Any

import orjson

from core.channels import Live

from .wire import frame

Shape = Callable[[int, int, bytes], bytes]


def own(key: int, seq: int, data: bytes) -> bytes:
    """The object itself, ``seq`` in it: streams of one time frame or one device."""
    return b'{"seq":%d%b%b' % (seq, b"," if len(data) > 2 else b"", data[1:])


def of_frame(key: int, seq: int, data: bytes) -> bytes:
    """One of an activity's time frames."""
    return b'{"timeframe":%d,"seq":%d,"data":%b}' % (key, seq, data)


@lru_cache(1000)
def of_activity(activity: int) -> Shape:
    """The activity's own, the same shape for all of its readers."""

    def shape(key: int, seq: int, data: bytes) -> bytes:
        return b'{"activity":%d,"seq":%d,"data":%b}' % (activity, seq, data)

    return shape


class Shaped:
    """An update in one shape, as ``core.live.wire`` sends it. What holds state is merged with older
    state that still waits; increments never are.
    """

    __slots__ = ("frame", "shape", "topic", "update")

    def __init__(self, update: "Update", shape: Shape) -> None:
        self.update, self.shape = update, shape
        self.topic = update.key if update.state else None
        self.frame = frame(shape(update.key, update.seq, update.data))

    def after(self, older: "Shaped") -> "Shaped":
        return self.update.merged(older.update).shaped(self.shape)


class Update:
    """News of one time frame, activity (key 0) or device, at ``seq``. ``state``: the keys of a
    newer one stand for those of an older one; else each is an increment.
    """

    __slots__ = ("_first", "_members", "_merged", "_shaped", "data", "key", "seq", "since", "state")

    def __init__(self, live: Live, *, state: bool, since: int | None = None) -> None:
        self.key, self.seq, self.data = live
        self.state = state
        self.since = self.seq if since is None else since
        self._shaped: dict[Shape, Shaped] = {}
        self._merged: dict[tuple[int, int], Update] = {}
        self._first: float | None = None
        self._members: frozenset[int] | None = None

    @property
    def first(self) -> float:
        """The oldest time, Unix ms, in an increment of a device; infinity where it has none."""
        if self._first is None:
            groups = orjson.loads(self.data).values()
            times = [group["timestamp"] for group in groups]
            self._first = min((min(t) if isinstance(t, list) else t for t in times), default=inf)
        return self._first

    @property
    def members(self) -> frozenset[int]:
        """Of a summary: the time frames that it speaks of."""
        if self._members is None:
            self._members = frozenset(orjson.loads(self.data).get("timeframes", ()))
        return self._members

    def shaped(self, shape: Shape) -> Shaped:
        made = self._shaped.get(shape)
        if made is None:
            made = self._shaped[shape] = Shaped(self, shape)
        return made

    def merged(self, older: "Update") -> "Update":
        """What stands for both. Readers who are slow together share it."""
        known = self._merged.get((older.since, older.seq))
        if known is None:
            keys = {**orjson.loads(older.data), **orjson.loads(self.data)}
            live = Live(self.key, self.seq, orjson.dumps(keys))
            known = Update(live, state=True, since=older.since)
            self._merged[older.since, older.seq] = known
        return known


def snapshot(key: int, seq: int, document: dict[str, Any]) -> Update:
    """A whole document as an update."""
    return Update(Live(key, seq, orjson.dumps(document)), state=True, since=0)


def withheld(update: Update) -> Update:
    """An increment of which only the number is told, so that it is not taken for lost."""
    return Update(Live(update.key, update.seq, b"{}"), state=False)
