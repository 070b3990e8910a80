"""What a batch brings to the readers of its device: the groups of contract/insiders.md section 4.4.

``gnss`` is columnar; the slower sensors tell their newest value with its own time.
"""

import math
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson
import redis
import structlog

from core.channels import LIVE_DEVICE, Live

from .columns import CHANNELS, Columns

GNSS = "gnss"
_WAITING = 1000  # groups of batches that may wait for Redis; beyond, readers read the database
AWAY_SECONDS = 5.0  # how long Redis is left alone after it did not answer

_GROUPS: dict[str, list[str]] = {}
for _name in CHANNELS:
    _GROUPS.setdefault(_name.split(".")[0], []).append(_name)

log = structlog.get_logger(__name__)


class Increment(NamedTuple):
    """An accepted batch: ``seq`` is its ingest number."""

    device_id: int
    seq: int
    streams: Mapping[str, Columns]

    def live(self) -> Live:
        return Live(self.device_id, self.seq, document(self.streams.get("samples")))


def document(samples: Columns | None) -> bytes:
    """``{group: {key: …}}`` as JSON; a group without a value is left out."""
    groups: dict[str, Any] = {}
    if samples is not None:
        for group, names in _GROUPS.items():
            present = [name for name in names if name in samples]
            found = _columns(samples, present) if group == GNSS else _newest(samples, present)
            if found:
                groups[group] = found
    return orjson.dumps(groups, option=orjson.OPT_SERIALIZE_NUMPY)


def _columns(samples: Columns, names: Sequence[str]) -> dict[str, Any]:
    """The rows in which any of the columns has a value."""
    if not names:
        return {}
    some = ~np.isnan([samples[name] for name in names]).all(axis=0)
    if not some.any():
        return {}
    rows = {_key(name): np.ascontiguousarray(samples[name][some]) for name in names}
    return {"timestamp": np.ascontiguousarray(samples["t"][some]), **rows}


def _newest(samples: Columns, names: Sequence[str]) -> dict[str, Any]:
    """The newest value of each column, and the time of the newest row that has one."""
    found: dict[str, Any] = {}
    newest = -1
    for name in names:
        rows = np.flatnonzero(~np.isnan(samples[name]))
        if len(rows) and not name.endswith(".timestamp"):
            newest = max(newest, int(rows[-1]))
            found[_key(name)] = _number(samples[name][rows[-1]])
    if not found:
        return {}
    clock = samples.get(f"{names[0].split('.')[0]}.timestamp")
    own = math.nan if clock is None else float(clock[newest])
    at = int(samples["t"][newest]) if math.isnan(own) else int(own)
    return {"timestamp": at, **found}


def _key(name: str) -> str:
    return name.split(".", 1)[1]


def _number(value: float) -> int | float:
    return int(value) if float(value).is_integer() else float(value)


class Announcer:
    """Publishes accepted batches, if anybody reads their device. Best effort: who misses one sees
    it by the number and reads the database. The writer never waits for it.
    """

    def __init__(self, client: redis.Redis) -> None:
        self._client = client
        self._queue: queue.Queue[Sequence[Increment] | None] = queue.Queue(_WAITING)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def tell(self, increments: Sequence[Increment]) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="announcer", daemon=True)
                self._thread.start()
        try:
            self._queue.put_nowait(increments)
        except queue.Full:
            log.warning("accepted batches were not announced, Redis is slow")

    def close(self) -> None:
        """Announce what waits, and stop."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._queue.put(None)
            thread.join()

    def _run(self) -> None:
        away_until = 0.0
        while (increments := self._queue.get()) is not None:
            if time.monotonic() < away_until:
                continue
            try:
                self._publish(increments)
            except redis.RedisError as error:
                away_until = time.monotonic() + AWAY_SECONDS
                log.warning("accepted batches were not announced", reason=str(error))

    def _publish(self, increments: Sequence[Increment]) -> None:
        channels = sorted({f"{LIVE_DEVICE}{each.device_id}" for each in increments})
        readers: dict[Any, int] = dict(self._client.pubsub_numsub(*channels))
        with self._client.pipeline(transaction=False) as pipeline:
            for each in increments:
                channel = f"{LIVE_DEVICE}{each.device_id}"
                if readers.get(channel.encode()):
                    pipeline.publish(channel, each.live().pack())
            if len(pipeline):
                pipeline.execute()
