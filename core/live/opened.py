"""The sockets that this process has open: how many, whose, and what the clock asks of them."""

import threading
import time
from itertools import count

from core.errors import Unavailable

from .wire import Wire

MOST = 20_000  # in one process
MOST_OF_ONE = 2_000  # of one account or device
_PULSE_SECONDS = 1.0
_QUIET_BEATS = 5  # so often the clock asks something of a socket that nobody waits for


class Opened:
    """One per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wires: dict[Wire, str | None] = {}
        self._held: dict[str, int] = {}
        self._pulse: threading.Thread | None = None
        self._closing = False

    @property
    def count(self) -> int:
        return len(self._wires)

    def add(self, wire: Wire) -> None:
        """Raises Unavailable where there are too many, or the process is stopping."""
        with self._lock:
            if self._closing or len(self._wires) >= MOST:
                why = "the server is stopping" if self._closing else "too many sockets are open"
                raise Unavailable(f"{why}; try again later")
            self._wires[wire] = None
            if self._pulse is None:
                self._pulse = threading.Thread(target=self._beat, name="pulse", daemon=True)
                self._pulse.start()

    def belongs(self, wire: Wire, holder: str) -> None:
        """It is this account's. Raises Unavailable where that has too many."""
        with self._lock:
            held = self._held.get(holder, 0)
            if held >= MOST_OF_ONE:
                raise Unavailable(f"{holder} has {held} sockets open; close some")
            self._held[holder] = held + 1
            self._wires[wire] = holder

    def remove(self, wire: Wire) -> None:
        with self._lock:
            holder = self._wires.pop(wire, None)
            if holder is not None:
                self._held[holder] -= 1
                if not self._held[holder]:
                    del self._held[holder]

    def close_all(self) -> None:
        """Tell every reader to come back later. What opens from now on is turned away."""
        with self._lock:
            self._closing = True
            wires = list(self._wires)
        for wire in wires:
            wire.leave("the server is stopping; connect again")

    def _beat(self) -> None:
        for beat in count():
            time.sleep(_PULSE_SECONDS)
            with self._lock:
                wires = list(self._wires)
                if not wires:
                    self._pulse = None
                    return
            everybody, now = beat % _QUIET_BEATS == 0, time.monotonic()
            for wire in wires:
                if everybody or wire.pressing:
                    wire.pulse(now)
