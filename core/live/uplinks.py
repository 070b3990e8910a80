"""The devices whose uplink sockets are open in this process.

Once a second, in a handful of statements for all of them, the database is asked whether they may
still send, and whether there is a Bluetooth target that is to be taken at once.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import orjson
import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.auth import tokens
from core.models import BluetoothConfig, Device
from core.models.db import Database
from core.policy import Actor

from .facts import Permitted, permitted
from .wire import FORBIDDEN, NOT_FOUND, UNAUTHORIZED, Plain, Wire, frame

LOOK_SECONDS = 1.0
UPLINK = "device.uplink"

log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Line:
    """A device's connection. ``told``: when the Bluetooth target that it knows was decided."""

    wire: Wire
    actor: Actor
    token: str
    device_id: int
    told: int | None


@dataclass(frozen=True)
class Found:
    """``immediate``: device → the target wanted at once, and when it was decided."""

    bearers: set[str]
    devices: set[int]
    may_send: Permitted
    immediate: Mapping[int, tuple[Mapping[str, Any], int | None]]


class Uplinks:
    """One per process; its thread (a greenlet under gevent) lives while a socket is open."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lock = threading.Lock()
        self._lines: set[Line] = set()
        self._keeper: threading.Thread | None = None

    def add(self, line: Line) -> None:
        with self._lock:
            self._lines.add(line)
            if self._keeper is None:
                self._keeper = threading.Thread(target=self._keep, name="uplinks", daemon=True)
                self._keeper.start()

    def remove(self, line: Line) -> None:
        with self._lock:
            self._lines.discard(line)

    def _keep(self) -> None:
        while True:
            time.sleep(LOOK_SECONDS)
            with self._lock:
                lines = list(self._lines)
                if not lines:
                    self._keeper = None
                    return
            try:
                found = self._db.read(partial(gather, lines=lines))
            except Exception as error:
                # Whatever it is, the next look tries again: no socket may outlive its right.
                log.error("uplinks were not checked", exc_info=error)
                continue
            for line in lines:
                _judge(line, found)


def gather(session: Session, lines: Sequence[Line]) -> Found:
    """What the database says of these connections."""
    asked: dict[Actor, set[int]] = {}
    for line in lines:
        asked.setdefault(line.actor, set()).add(line.device_id)
    ids = {line.device_id for line in lines}
    wanted = select(BluetoothConfig).where(
        BluetoothConfig.device_id.in_(ids), BluetoothConfig.immediate
    )
    return Found(
        tokens.still_good(session, {line.token for line in lines}),
        set(session.scalars(select(Device.id).where(Device.id.in_(ids)))),
        permitted(session, UPLINK, Device, asked),
        {row.device_id: (row.target, row.targeted) for row in session.scalars(wanted)},
    )


def _judge(line: Line, found: Found) -> None:
    if line.device_id not in found.devices:
        line.wire.close(NOT_FOUND, "the device was deleted")
    elif line.token not in found.bearers:
        line.wire.close(UNAUTHORIZED, "the token has expired or was revoked")
    elif (line.actor, line.device_id) not in found.may_send:
        line.wire.close(FORBIDDEN, "the right to send for this device has ended")
    elif line.device_id in found.immediate:
        target, targeted = found.immediate[line.device_id]
        if targeted != line.told:
            line.told = targeted
            line.wire.offer(Plain(frame(orjson.dumps({"bluetooth": target}))))
