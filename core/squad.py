"""A simulated squad through the real uplink: HTTP, kept connections, and no batch given up.

One thread per device sends its batches in order, each when its moment of play has come. A batch
that is not acknowledged (the server was killed, is restarting, is busy) is sent again with the same
id until it is: the server answers a repeat as it answered the first.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from core.clock import now
from core.errors import TouchlineError, Unavailable
from core.simulate import Batch, batches

PATIENCE = 60.0  # seconds for one batch, all its repeats together
_PAUSES = (0.1, 0.2, 0.5, 1.0)  # seconds between repeats; the last one stays


class Refused(TouchlineError):
    """The platform will never take this batch; the sentence has its answer."""

    code = "refused"


@dataclass
class Tally:
    """What was sent and acknowledged so far. ``batches`` and ``samples`` count each batch once;
    ``acknowledged`` the batches that were committed, ``repeated`` the answers that said the batch
    was known already."""

    batches: int = 0
    samples: int = 0
    acknowledged: int = 0
    repeated: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, **more: int) -> None:
        with self._lock:
            for name, value in more.items():
                setattr(self, name, getattr(self, name) + value)

    def as_dict(self) -> dict[str, int]:
        names = ("batches", "samples", "acknowledged", "repeated")
        with self._lock:
            return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Plan:
    """What the squad plays. ``start`` is the first sample (Unix ms), ``seconds`` the length of
    play, ``speed`` how many seconds of play pass in one."""

    seed: int
    start: int
    seconds: float
    speed: float = 1.0
    faults: frozenset[str] = frozenset()

    @property
    def span(self) -> float:
        """Seconds of play in one batch: a second at real time, ten at 60 times."""
        return min(60.0, max(1.0, self.speed / 6))


Acknowledged = Callable[[int, int, float], None]  # player, newest sample's time, moment of sending


class Squad:
    """The devices of one squad, sending."""

    def __init__(
        self,
        url: str,
        devices: Sequence[Mapping[str, Any]],
        plan: Plan,
        acknowledged: Acknowledged | None = None,
    ) -> None:
        """``devices``: what ``device create`` answers; at least ``id`` and ``uplink_token``."""
        self.tally = Tally()
        self.error: TouchlineError | None = None
        self._plan = plan
        self._devices = devices
        self._acknowledged = acknowledged
        self._stopping = threading.Event()
        limits = httpx.Limits(max_connections=len(devices), max_keepalive_connections=len(devices))
        self._http = httpx.Client(base_url=url, timeout=10.0, limits=limits)
        self._threads = [
            threading.Thread(target=self._play, args=(player,), daemon=True)
            for player in range(len(devices))
        ]

    def start(self) -> None:
        self._kick_off = time.monotonic()
        for thread in self._threads:
            thread.start()

    def playing(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """Send nothing more; batches in the air are awaited."""
        self._stopping.set()

    def join(self) -> dict[str, int]:
        """Wait for the end. Returns the tally; raises what ended a device's sending early."""
        for thread in self._threads:
            thread.join()
        self._http.close()
        if self.error is not None:
            raise self.error
        return self.tally.as_dict()

    def _play(self, player: int) -> None:
        plan = self._plan
        try:
            for batch in batches(
                plan.seed, player, plan.start, plan.seconds, plan.span, plan.faults
            ):
                due = self._kick_off + batch.sent / 1000 / plan.speed
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                self._send_all(player, batch)
        except TouchlineError as error:
            self.error = error
            self.stop()

    def _send_all(self, player: int, batch: Batch) -> None:
        times = batch.columns["gnss.timestamp"]
        self.tally.count(batches=1, samples=len(times))
        began = time.monotonic()
        # Made once: a repeat with another ``sent`` would be other content under the same id.
        body = orjson.dumps(
            {"batch": batch.id, "sent": now() + batch.offset, "columns": batch.columns},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        for copy in range(batch.repeats):
            known = self._send(player, batch.id, body)
            self.tally.count(acknowledged=int(copy == 0), repeated=int(known))
        if self._acknowledged is not None:
            self._acknowledged(player, int(times[-1]), began)

    def _send(self, player: int, batch_id: str, body: bytes) -> bool:
        """Send until it is acknowledged; True when the platform knew the batch already."""
        device = self._devices[player]
        headers = {
            "Authorization": f"Bearer {device['uplink_token']}",
            "Content-Type": "application/json",
        }
        path = f"/api/v1/devices/{device['id']}/samples/"
        deadline, reason = time.monotonic() + PATIENCE, ""
        for attempt in range(1_000_000):
            try:
                answer = self._http.post(path, content=body, headers=headers)
            except httpx.TransportError as error:
                reason = f"{type(error).__name__}: {error}"
            else:
                if answer.status_code == 200:
                    return bool(answer.json()["duplicate"])
                reason = f"{answer.status_code} {answer.text[:300]}"
                if answer.status_code < 500 and answer.status_code != 429:
                    raise Refused(f"batch {batch_id}: {reason}")
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSES[min(attempt, len(_PAUSES) - 1)])
        raise Unavailable(f"batch {batch_id} was not acknowledged: {reason}")
