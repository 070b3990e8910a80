"""A simulated squad through the real uplink, by POST or by socket (core.lines).

One thread per device sends its batches in order, each when its moment of play has come, and gives
none up.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.clock import now
from core.errors import TouchlineError
from core.lines import Line, Numbered, Posts
from core.simulate import Batch, batches

POST, SOCKET = "post", "socket"


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
        by: Sequence[str] = (POST,),
    ) -> None:
        """``devices``: what ``device create`` answers; at least ``id`` and ``uplink_token``. They
        take the ways of ``by`` in turn.
        """
        self.tally = Tally()
        self.error: TouchlineError | None = None
        self._plan = plan
        self._acknowledged = acknowledged
        self._stopping = threading.Event()
        limits = httpx.Limits(max_connections=len(devices), max_keepalive_connections=len(devices))
        self._http = httpx.Client(base_url=url, timeout=10.0, limits=limits)
        lines: list[Line] = [
            Numbered(url, device) if by[player % len(by)] == SOCKET else Posts(self._http, device)
            for player, device in enumerate(devices)
        ]
        self._threads = [
            threading.Thread(target=self._play, args=(player, line), daemon=True)
            for player, line in enumerate(lines)
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

    def _play(self, player: int, line: Line) -> None:
        plan = self._plan
        try:
            for batch in batches(
                plan.seed, player, plan.start, plan.seconds, plan.span, plan.faults
            ):
                due = self._kick_off + batch.sent / 1000 / plan.speed
                if self._stopping.wait(max(0.0, due - time.monotonic())):
                    return
                self._send(player, line, batch)
        except TouchlineError as error:
            self.error = error
            self.stop()
        finally:
            line.close()

    def _send(self, player: int, line: Line, batch: Batch) -> None:
        times = batch.columns["gnss.timestamp"]
        self.tally.count(batches=1, samples=len(times))
        began = time.monotonic()
        body = {"batch": batch.id, "sent": now() + batch.offset, "columns": batch.columns}
        known = line.send(body, batch.repeats)
        self.tally.count(acknowledged=1, repeated=sum(known))
        if self._acknowledged is not None:
            self._acknowledged(player, int(times[-1]), began)
