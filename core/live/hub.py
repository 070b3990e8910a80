"""The hub: one Redis subscription per process, whatever the number of readers.

A channel is subscribed to with its first reader here and dropped with its last. Whoever joins is
first held, then given what the database knows, then what came meanwhile: numbers never go back and
none is given twice. The keeper asks the database every second, and at once when rights change, who
may still read, and gives from there what Redis did not bring: it may have been away, or emptied.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import redis
import structlog
from sqlalchemy.orm import Session

from core.channels import RIGHTS, TEAM, Live
from core.models.db import Database
from core.sport.registry import Registry

from . import facts, opening
from .facts import Facts
from .messages import Update
from .reader import Group, Kind, Reader
from .wire import FORBIDDEN, NOT_FOUND, UNAUTHORIZED

KEEPER_SECONDS = 1.0
LOG_SECONDS = 60.0
_SOONEST = 0.2  # between two looks at the database, however often rights change
_CONFIRM_SECONDS = 2.0  # for Redis to confirm a subscription; after that the keeper has to do
_RETRY_SECONDS = 0.5

log = structlog.get_logger(__name__)


class _Channel:
    """The readers of one channel, by the key they follow; those of None follow every key.
    ``state``: newer messages stand for older ones. ``heard``: the newest number of each key that
    all of its readers were given, or hold.
    """

    def __init__(self, *, state: bool) -> None:
        self.state = state
        self.readers: dict[int | None, dict[Reader, None]] = {}
        self.heard: dict[int, int] = {}
        self.confirmed = threading.Event()

    def all(self) -> list[Reader]:
        return [reader for group in self.readers.values() for reader in group]


def _key(reader: Reader) -> int | None:
    return None if reader.kind is Kind.ACTIVITY else reader.subject


class Hub:
    """One per process; its two threads (greenlets under gevent) start with the first reader."""

    def __init__(self, db: Database, client: redis.Redis, registry: Registry) -> None:
        self._db, self._client, self._registry = db, client, registry
        self._lock = threading.RLock()
        self._channels: dict[str, _Channel] = {}
        self._groups: dict[Group, dict[Reader, None]] = {}
        self._logged = time.monotonic()
        self._pubsub: Any = None
        self._look = threading.Event()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._before: Facts | None = None  # what the keeper found the last time

    @property
    def count(self) -> int:
        """How many readers follow something here."""
        return sum(len(readers) for readers in self._groups.values())

    def follow(self, reader: Reader, after: Mapping[int, int], welcome: Callable[[], None]) -> None:
        """Let the reader begin: ``welcome`` is called once it may, then it gets what is newer than
        ``after`` (by key; what is not named there, as far as there is a state), then what comes.

        Raises NotFound and Forbidden. Whoever calls this calls ``leave`` in the end.
        """
        channel = self._join(reader)
        channel.confirmed.wait(_CONFIRM_SECONDS)
        known = self._db.read(lambda session: opening.begin(session, self._registry, reader, after))
        with self._lock:
            welcome()
            reader.begin(known)

    def leave(self, reader: Reader) -> None:
        with self._lock:
            mates = self._groups.get(reader.group, {})
            mates.pop(reader, None)
            if not mates:
                self._groups.pop(reader.group, None)
            channel = self._channels.get(reader.channel)
            if channel is None:
                return
            group = channel.readers.get(_key(reader), {})
            group.pop(reader, None)
            if not group:
                channel.readers.pop(_key(reader), None)
            if not channel.readers:
                del self._channels[reader.channel]
                self._tell_redis("unsubscribe", reader.channel)

    def close(self) -> None:
        """Stop; readers are not told (their sockets are closed by core.live.opened)."""
        self._stopping = True
        self._look.set()
        for thread in self._threads:
            thread.join(_CONFIRM_SECONDS)

    def _join(self, reader: Reader) -> _Channel:
        with self._lock:
            if not self._threads:
                for name, run in (("live pump", self._pump), ("live keeper", self._keep)):
                    self._threads.append(threading.Thread(target=run, name=name, daemon=True))
                for thread in self._threads:
                    thread.start()
            self._groups.setdefault(reader.group, {})[reader] = None
            channel = self._channels.get(reader.channel)
            if channel is None:
                channel = self._channels[reader.channel] = _Channel(
                    state=reader.kind is not Kind.DEVICE
                )
                self._tell_redis("subscribe", reader.channel)
            channel.readers.setdefault(_key(reader), {})[reader] = None
            return channel

    def _tell_redis(self, what: str, channel: str) -> None:
        """Where it fails, or there is no connection, the pump makes one for all channels."""
        if self._pubsub is not None:
            try:
                getattr(self._pubsub, what)(channel)
            except (redis.RedisError, OSError) as error:
                log.debug("no word to Redis", what=what, reason=str(error))

    def _pump(self) -> None:
        """Everything that Redis says, to whom it is for."""
        while not self._stopping:
            try:
                if self._pubsub is None:
                    self._connect()
                message = self._pubsub.get_message(timeout=1.0)
            except (redis.RedisError, OSError) as error:
                log.warning("live messages are not heard", reason=str(error))
                with self._lock:
                    pubsub, self._pubsub = self._pubsub, None
                if pubsub is not None:
                    pubsub.close()
                time.sleep(_RETRY_SECONDS)
                continue
            if message is not None:
                self._hear(message["type"], message["channel"].decode(), message["data"])
        if self._pubsub is not None:
            self._pubsub.close()

    def _connect(self) -> None:
        with self._lock:
            pubsub = self._client.pubsub()
            pubsub.subscribe(RIGHTS, *self._channels)
            self._pubsub = pubsub

    def _hear(self, kind: str, name: str, data: Any) -> None:
        if name == RIGHTS:
            self._look.set()
            return
        with self._lock:
            channel = self._channels.get(name)
            if channel is None:
                return
            if kind == "message":
                self._spread(channel, Live.unpack(data))
            elif kind == "subscribe":
                channel.confirmed.set()
                self._missed(channel.all())

    def _spread(self, channel: _Channel, live: Live) -> None:
        update = Update(live, state=channel.state)
        channel.heard[live.key] = max(live.seq, channel.heard.get(live.key, 0))
        for key in (live.key, None):
            for reader in tuple(channel.readers.get(key, ())):
                if not reader.take(update):
                    self._look.set()

    def _missed(self, readers: Iterable[Reader]) -> None:
        """Messages may have been lost before this moment: ask the database."""
        for reader in readers:
            if reader.begun:
                for key in reader.seqs:
                    if key != TEAM:
                        reader.hold(key)
                self._look.set()

    def _keep(self) -> None:
        while not self._stopping:
            self._look.wait(KEEPER_SECONDS)
            self._look.clear()
            try:
                self._round()
            except Exception as error:
                # Whatever it is, the next round tries again: sockets must not outlive their rights.
                log.error("live readers were not checked", exc_info=error)
            time.sleep(_SOONEST)

    def _round(self) -> None:
        """What it costs is for groups and channels; a reader costs something when it is behind."""
        with self._lock:
            groups = {group: tuple(readers) for group, readers in self._groups.items()}
        if not groups:
            self._before = None
            return
        everybody = [reader for readers in groups.values() for reader in readers]
        due = time.monotonic() - self._logged > LOG_SECONDS

        def ask(session: Session) -> Facts:
            if due:
                facts.log(session, everybody, int(2000 * LOG_SECONDS))
            return facts.gather(session, groups)

        found = self._db.read(ask)
        if due:
            self._logged = time.monotonic()
        before, self._before = self._before, found
        with self._lock:
            for group, readers in groups.items():
                _judge(group, readers, found)
            if before is not None:
                for channel in self._channels.values():
                    _hold_behind(channel, before)
            held = [r for r in everybody if r.held and r.begun and r.wire.open]
        if held:
            self._catch_up(held)

    def _catch_up(self, readers: list[Reader]) -> None:
        known = self._db.read(lambda session: opening.missing(session, self._registry, readers))
        with self._lock:
            for reader in readers:
                for key in list(reader.held):
                    what = known.get((reader, key))
                    if what is not None and key in reader.seqs:
                        reader.release(key, what)


def _hold_behind(channel: _Channel, before: Facts) -> None:
    """Hold what was there a round ago and has not come: a message was lost."""
    numbers = before.revisions if channel.state else before.numbers
    follow_all = channel.readers.get(None, {})
    activity = next((reader.subject for reader in follow_all), None)
    keys = {key for key in channel.readers if key is not None} | before.frames.get(
        activity or 0, set()
    )
    for key in keys:
        newest = numbers.get(key, 0)
        if newest <= channel.heard.get(key, 0):
            continue
        readers = [*channel.readers.get(key, ()), *follow_all]
        for reader in readers:
            if reader.seqs.get(key, newest) < newest:
                reader.hold(key)
        # Who has not begun knows what the database knew, maybe before this.
        if all(reader.begun for reader in readers):
            channel.heard[key] = newest


def _judge(group: Group, readers: Iterable[Reader], found: Facts) -> None:
    """Close the sockets whose right has ended."""
    refusal = _refusal(group, found)
    if refusal is None and group.kind is not Kind.ACTIVITY:
        return
    frames = found.frames.get(group.subject, set())
    permitted = {frame for frame in frames if (group.actor, frame) in found.may_frames}
    for reader in readers:
        if reader.begun and reader.wire.open:
            closing = refusal or _later_frames(reader, frames, permitted)
            if closing is not None:
                reader.wire.close(*closing)


def _refusal(group: Group, found: Facts) -> tuple[int, str] | None:
    kind, subject, actor, token = group
    if token not in found.bearers:
        return UNAUTHORIZED, "the token has expired or was revoked"
    if kind is Kind.DEVICE:
        if subject not in found.numbers:
            return NOT_FOUND, "the device was deleted"
        if (actor, subject) not in found.may_devices:
            return FORBIDDEN, "the ownership of this device has ended"
    elif kind is Kind.FRAME:
        if subject not in found.revisions:
            return NOT_FOUND, "the time frame was deleted"
        if (actor, subject) not in found.may_frames:
            return FORBIDDEN, "the right to follow this time frame has ended"
    elif subject not in found.activities:
        return NOT_FOUND, "the activity was deleted"
    return None


def _later_frames(reader: Reader, frames: set[int], permitted: set[int]) -> tuple[int, str] | None:
    """Time frames that came later join, if they are permitted; a right that is lost ends it all."""
    reader.withheld = len(permitted) < len(frames)
    for frame in reader.seqs.keys() - permitted - {TEAM}:
        if frame in frames:
            return FORBIDDEN, f"the right to follow time frame {frame} has ended"
        del reader.seqs[frame]
        reader.held.pop(frame, None)
    for frame in permitted - reader.seqs.keys():
        reader.seqs[frame] = 0
        reader.hold(frame)
    return None
