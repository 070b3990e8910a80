"""Made sessions in the order of a simulated clock, for the proof that live equals final: players
whose devices lose their connection, the workers that compute, the reader who merges what is told.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import orjson
from sqlalchemy import event, select

from core import clock, simulate
from core.models import (
    Activity,
    AthleteProfile,
    ComputedData,
    ComputeState,
    Device,
    JsonSchema,
    Outbox,
    TimeFrame,
    User,
    migrate,
)
from core.models.db import Database
from core.models.outbox import CLOSE, MERGE, REFOLD, SUMMARY, TICK, owe
from core.pipeline import uplink
from core.pipeline.columns import Columns
from core.pipeline.objects import ObjectStore
from core.pipeline.preprocess import chunk
from core.pipeline.publish import Message
from core.pipeline.store import tail_pieces
from core.pipeline.writer import Waiting, accept
from core.sport import Batch
from core.sport.document import OUTSIDE_DIGEST
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from workers import jobs, relay

START = 1_772_377_200_000  # 2026-03-01T15:00:00Z
FAULTS = ("dropout", "duplicate", "late")
SPORTS = ("soccer", "tennis", "running", "biking", "swimming", "triathlon")
FOLDS = (TICK, REFOLD, CLOSE, SUMMARY, MERGE)
HAND_OVER, DEATH = 0.05, 0.03  # of ticks: by the other worker; by one that has just started


@dataclass
class Clock:
    """The wall clock of everything in a session."""

    at: int = START

    @contextmanager
    def everywhere(self) -> Iterator[None]:
        stand_in = SimpleNamespace(time_ns=lambda: self.at * 1_000_000)
        with patch.object(clock, "time", stand_in):
            yield


@dataclass
class Player:
    """One device, its frame, and how its samples travel. ``arrivals``: when, and which batch."""

    number: int
    start: int
    stop: int
    created: int
    params: dict[str, Any]
    arrivals: list[tuple[int, uplink.Batch]]


@dataclass
class Reader:
    """Merges the messages of each frame; keeps what it had before the last, and all revisions."""

    has: dict[int, dict[str, Any]] = field(default_factory=dict)
    before: dict[int, dict[str, Any]] = field(default_factory=dict)
    revisions: dict[int, list[int]] = field(default_factory=dict)
    messages: int = 0

    def __call__(self, messages: Sequence[Message]) -> bool:
        for one in messages:
            if one.frame in self.has:
                self.before[one.frame] = self.has[one.frame]
            merged = {**self.has.get(one.frame, {}), **orjson.loads(orjson.dumps(one.data))}
            self.has[one.frame] = merged
            self.revisions.setdefault(one.frame, []).append(one.revision)
            self.messages += 1
        return True


class Beside:
    """What a device sends beside its samples: accelerations of the same time, now and then a length
    of a pool, and beats, which come some seconds behind and now and then after newer ones.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng, self.lag = rng, rng.randrange(0, 4_000)
        self.wall = random.Random(self.lag)
        self.next, self.kept = START, np.zeros((0, 2), np.int64)

    def __call__(self, t: Any) -> dict[str, dict[str, list[Any]]]:
        fresh = []
        while self.next <= t[-1] - self.lag:
            fresh.append((self.next, self.rng.randrange(500, 1100)))
            self.next += fresh[-1][1]
        told = np.array(fresh, np.int64).reshape(-1, 2)
        if len(self.kept) and self.rng.random() < 0.5:
            told, self.kept = np.concatenate([self.kept, told]), self.kept[:0]
        elif self.rng.random() < 0.05:
            told, self.kept = told[:0], np.concatenate([self.kept, told])
        streams = {}
        if len(told):
            beats = told[np.argsort(told[:, 0])].T.tolist()
            streams["rr"] = {"timestamp": beats[0], "rr": beats[1]}
        if self.rng.random() < 0.5:
            axes = {axis: [self.rng.gauss(0, 1.2) for _ in t] for axis in ("ax", "ay", "az")}
            streams["imu"] = {"timestamp": list(map(int, t)), **axes}
        if self.wall.random() < 0.2:
            streams["lengths"] = {
                "timestamp": [int(t[0])],
                "duration": [round(self.wall.uniform(15, 40), 3)],
                "strokes": [self.wall.randrange(0, 20)],
                "active": [int(self.wall.random() < 0.8)],
                "stroke_type": ["freestyle"],
            }
        return streams


def play(rng: random.Random, seed: int, number: int) -> Player:
    """A player's session: who they are, when the frame is, and when which batch arrives."""
    seconds = rng.choice((20.0, 30.0, 45.0, 70.0, 100.0))
    faults = frozenset(fault for fault in FAULTS if rng.random() < 0.4)
    length = round(1000 * seconds)
    arrivals, offline_until, waiting = [], 0, []
    beside = Beside(random.Random(f"{seed} {number}"))
    for batch in simulate.batches(seed, number, START, seconds, rng.choice((1.0, 2.0)), faults):
        t = batch.columns["gnss.timestamp"]
        power = np.floor(220 + 150 * np.sin(t / 7_000))
        columns = {**batch.columns, "pwr.pwr_instantpower": power}
        body = orjson.dumps(
            {"batch": batch.id, "columns": columns, "streams": beside(t)},
            option=orjson.OPT_SERIALIZE_NUMPY,
        )
        parsed = uplink.parse(body, now=START + length)
        at = START + batch.sent + rng.randrange(30, 400)
        if at >= offline_until and rng.random() < 0.02:
            offline_until = at + rng.randrange(2_000, 25_000)
        if at < offline_until:
            waiting.append(parsed)
            continue
        if waiting:  # the connection is back; the last before the break is sent once more
            again = [arrivals[-1][1]] if arrivals else []
            arrivals += [(at, one) for one in (*again, *waiting)]
            waiting = []
        arrivals += [(at, parsed)] * batch.repeats
    arrivals += [(max(offline_until, START + length), one) for one in waiting]
    early, whole = rng.random() < 0.3, rng.random() < 0.6
    return Player(
        number,
        start=START if whole else START + rng.randrange(-3_000, 12_000),
        stop=START + (rng.randrange(15_000, length) if early else length + 2_000),
        created=START if rng.random() < 0.8 else START + rng.randrange(5_000, length),
        params={"max_hr": 195, "rest_hr": 55, "ftp": 230, "cp": 220} if rng.random() < 0.5 else {},
        arrivals=arrivals,
    )


class Session:
    """One activity from its first batch to the close of its frames."""

    def __init__(self, db: Database, seed: int) -> None:
        self.rng = random.Random(seed)
        self.seed, self.db, self.clock = seed, db, Clock()
        self.sport = self.rng.choice(SPORTS)
        players = range(1, self.rng.choice((1, 1, 2, 2, 3)) + 1)
        self.players = [play(self.rng, seed, number) for number in players]
        self.reader = Reader()
        self.workers: list[dict[Any, Any]] = [{}, {}]
        self.jobs = dict.fromkeys(FOLDS, 0)

    def run(self) -> dict[str, int]:
        """Raises AssertionError where live, stored and folded differ."""
        events = [(player.created, 0, player, None) for player in self.players]
        for player in self.players:
            events += [(at, 1, player, batch) for at, batch in player.arrivals]
        with self.clock.everywhere():
            self.db.write(self._people)
            for at, _, player, batch in sorted(events, key=lambda event: event[:2]):
                self._work(until=at)
                self.clock.at = max(self.clock.at, at)
                if batch is None:
                    self.db.write(lambda s, p=player: self._frame(s, p))
                else:
                    waiting = Waiting(player.number, batch, at, tail_pieces(batch.streams))
                    self.db.write(lambda s, w=waiting: accept(s, [w]))
                    assert waiting.error is None
            self._work(until=None)
        quiet = sum(self._check(player) for player in self.players)
        return {
            "frames": len(self.players),
            "batches": sum(len(player.arrivals) for player in self.players),
            "messages": self.reader.messages,
            "last_live_is_final": quiet,
            **self.jobs,
        }

    def _people(self, session: Any) -> None:
        session.add(User(id=1, username="manager", role="MANAGER", created=0))
        session.add(User(id=2, username="athlete", role="ATHLETE", created=0))
        session.add(JsonSchema(id=1, name="a", type="ACTIVITY", sport=self.sport, schema={}))
        session.flush()
        session.add(AthleteProfile(user_id=2, weight=70.0, height=1.8))
        json = {"sport": self.sport}
        session.add(Activity(id=1, name="a", json=json, json_schema_id=1, owner_id=1, created=0))
        for player in self.players:
            name = str(player.number)
            session.add(Device(id=player.number, device_name=name, serial_number=name))

    def _frame(self, session: Any, player: Player) -> None:
        session.add(
            TimeFrame(
                id=player.number,
                start_time=player.start,
                end_time=player.stop,
                params=player.params,
                device_id=player.number,
                activity_id=1,
                athlete_id=2,
                owner_id=1,
                json_schema_id=1,
            )
        )
        session.flush()
        session.add(ComputeState(timeframe_id=player.number))
        owe(session, REFOLD, player.number)

    # Work as relay and workers do it

    def _work(self, until: int | None) -> None:
        """Everything that falls due up to a moment; None: until no fold is owed any more."""
        while (due := self._next()) is not None and (until is None or due <= until):
            self.clock.at = max(self.clock.at, due)
            for row in self.db.write(relay.claim):
                self.clock.at += self.rng.randrange(2, 60)
                self._perform(row)

    def _next(self) -> int | None:
        wanted = select(Outbox).where(Outbox.topic.in_(FOLDS))
        rows = self.db.read(lambda s: s.scalars(wanted).all())
        live = [row for row in rows if row.topic != MERGE]
        return min((max(row.due, row.lease) for row in rows), default=None) if live else None

    def _perform(self, row: Outbox) -> None:
        self.jobs[row.topic] += 1
        hot: dict[Any, Any] = {}  # of a forked child
        if row.topic == TICK:
            if self.rng.random() < HAND_OVER:
                self.workers.reverse()
            if self.rng.random() < DEATH:
                self.workers[0].clear()
            hot = self.workers[0]
        objects = ObjectStore(Path("/nowhere"))
        jobs.prepare(jobs.Context(self.db, registry(), objects, hot=hot, send=self.reader))
        jobs.perform(row.id)
        jobs.prepare(None)

    # What it came to

    def _check(self, player: Player) -> bool:
        """True when nothing of the frame came late, and the last live digest was compared."""
        frame = player.number
        state, stored = self.db.read(lambda s: self._stored(s, frame))
        folded = self._folded(player)
        where = f"session {self.seed}, frame {frame}"
        assert (state.closed, state.dirty) == (True, False), f"{where} is not closed"
        if stored is None:
            assert folded["total_distance"] is None, f"{where}: samples without a document"
            return False
        assert state.live is None, f"{where}: the final document is not stored whole"
        inside = {k: v for k, v in stored.items() if k not in OUTSIDE_DIGEST}
        inside["quality"] = {k: v for k, v in stored["quality"].items() if k != "arrival"}
        expected = {k: v for k, v in folded.items() if k not in OUTSIDE_DIGEST}
        assert inside == expected, f"{where}: the stored document is not one fold's"
        assert stored["digest"] == folded["digest"], f"{where}: digests differ"
        has = self.reader.has[frame]
        wrong = sorted(key for key in has | stored if has.get(key) != stored.get(key))
        assert not wrong, f"{where}: a reader does not have {wrong}"
        told = self.reader.revisions[frame]
        assert told == sorted(set(told)), f"{where}: revisions fell or were repeated"
        return self._last_live(frame, stored)

    @staticmethod
    def _stored(session: Any, frame: int) -> tuple[ComputeState, dict[str, Any] | None]:
        state = session.get_one(ComputeState, frame)
        document = session.scalar(
            select(ComputedData.document).where(
                ComputedData.timeframe_id == frame, ComputedData.edition == state.edition
            )
        )
        return state, document

    def _folded(self, player: Player) -> dict[str, Any]:
        """One fold of what the device sent, sorted by time; the store has no part in it."""
        sport = registry().sport(self.sport)
        profile = {"weight": 70.0, "height": 1.8}
        resolved = resolve_parameters(sport, {"sport": self.sport}, player.params, profile)
        fold = FrameFold(sport, resolved, player.start, player.stop)
        batches = [batch for _, batch in player.arrivals]
        rows = {name: chunk(in_order(batches, name), name) for name in fold.streams}
        for stream, columns in rows.items():
            fold.advance(columns, stream)
        fold.batch(rows)
        return fold.document(final=True)

    def _last_live(self, frame: int, stored: dict[str, Any]) -> bool:
        before = self.reader.before.get(frame)
        if before is None or before["quality"]["arrival"]["late"]:
            return False
        if any(before["input"][key] != stored["input"][key] for key in ("samples", "streams")):
            return False  # the rest came in a burst after the end
        # What is computed of all samples at once may be a minute old while the frame goes on.
        metrics = registry().sport(self.sport).metrics
        old = {metric.key for metric in metrics if isinstance(metric, Batch)}
        if any(before[key] != stored[key] for key in old):
            return False
        assert before["digest"] == stored["digest"], f"frame {frame}: the last live digest differs"
        return True


def in_order(batches: Sequence[uplink.Batch], stream: str) -> Columns:
    """All rows of a stream of batches, each time once, by time."""
    streams = [batch.streams[stream] for batch in batches if stream in batch.streams]
    if not streams:
        return {"t": np.zeros(0, np.int64)}
    whole = {name: np.concatenate([one[name] for one in streams]) for name in streams[0]}
    _, first = np.unique(whole["t"], return_index=True)
    return {name: column[first] for name, column in whole.items()}


def run_sessions(seeds: Sequence[int], db: Iterator[Database]) -> dict[str, int]:
    """Sessions, each on the next of ``db`` (empty, migrated); what they came to, summed."""
    total: dict[str, int] = {}
    for seed, database in zip(seeds, db, strict=False):
        for name, count in Session(database, seed).run().items():
            total[name] = total.get(name, 0) + count
        database.close()
    return total


def fresh(folder: Path) -> Iterator[Database]:
    """Empty SQLite databases, copied from one that was migrated."""
    template = folder / "template.db"
    database = Database(f"sqlite:///{template}")
    migrate.upgrade(database.engine)
    database.close()
    while True:
        path = folder / "session.db"
        for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            name.unlink(missing_ok=True)
        path.write_bytes(template.read_bytes())
        database = Database(f"sqlite:///{path}")
        event.listen(database.engine, "connect", _carelessly)
        yield database


def _carelessly(connection: Any, _record: Any) -> None:
    """No power cut is part of this proof."""
    connection.execute("PRAGMA synchronous = OFF")
