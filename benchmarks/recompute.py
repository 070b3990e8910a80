"""A season computed anew, after a metric of soccer was given its next version.

Run ``python -m benchmarks.recompute``. A season is 30 players with 100 sessions of 90 minutes at
10 Hz, 54,000 samples each. A tenth of it is generated, stored as sealed blocks in a SQLite database
on disk, and computed once; then what `touchline metrics recompute` does is measured, the reading of
blocks, the fold, the document, the new edition with its events and one commit a frame included. One
process; CPU time of the process, so that others on the machine matter little, and wall time beside
it. The ratio is to folding the same samples in memory, in turn with it.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from benchmarks.store import DAY, T0, session
from core.models import (
    Activity,
    AthleteProfile,
    ComputeState,
    Device,
    JsonSchema,
    TimeFrame,
    UplinkBatch,
    User,
    migrate,
)
from core.models.db import Database
from core.pipeline import compute, recompute, stale, store
from core.pipeline.columns import Columns
from core.pipeline.preprocess import chunk
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold, warm
from tests.unit.pipeline.test_stale import Raised

PLAYERS, SESSIONS, SAMPLES = 30, 100, 54_000
MEASURED = 10  # sessions of each player
CHANNELS = ("t", "gnss.latitude", "gnss.longitude", "gnss.altitude", "gnss.speed", "ecg.hr")
PARAMS = {"max_hr": 195, "rest_hr": 55}
IN_MEMORY = 30  # sessions folded in memory, for the ratio

Clock = tuple[float, float]  # CPU and wall seconds


def samples(player: int, number: int) -> Columns:
    columns = session(player * SESSIONS + number, SAMPLES)
    columns["t"] -= player * SESSIONS * DAY  # every player on the same days
    return {name: columns[name] for name in CHANNELS}


def people(session: Session) -> None:
    session.add(User(id=1, username="manager", role="MANAGER", created=0))
    session.add(JsonSchema(id=1, name="a", type="ACTIVITY", sport="soccer", schema={}))
    session.flush()
    sport = {"sport": "soccer"}
    session.add(Activity(id=1, name="a", json=sport, json_schema_id=1, owner_id=1, created=0))
    for k in range(PLAYERS):
        user, device = 2 + k, 1 + k
        session.add(User(id=user, username=f"player {k}", role="ATHLETE", created=0))
        session.add(Device(id=device, device_name=f"d{k}", serial_number=str(k)))
        session.flush()
        session.add(AthleteProfile(user_id=user, weight=70.0, height=1.8, gender="M"))


def record(db: Database, player: int, number: int) -> int:
    """Store one session and its time frame; the frame's id."""
    columns = samples(player, number)
    blocks, t = store.seal({"samples": columns}), columns["t"]
    frame = TimeFrame(
        start_time=int(t[0]),
        end_time=int(t[-1]) + 1,
        params=PARAMS,
        device_id=1 + player,
        activity_id=1,
        athlete_id=2 + player,
        owner_id=1,
        json_schema_id=1,
    )

    def add(session: Session) -> int:
        store.append_blocks(session, frame.device_id, number + 1, blocks)
        session.add(
            UplinkBatch(
                device_id=frame.device_id,
                seq=number + 1,
                batch=str(number),
                content_hash="0" * 64,
                t0=frame.start_time,
                t1=int(t[-1]),
                n=SAMPLES,
                received=T0,
                response={},
            )
        )
        session.get_one(Device, frame.device_id).ingest_seq = number + 1
        session.add(frame)
        session.flush()
        session.add(ComputeState(timeframe_id=frame.id))
        return frame.id

    return db.write(add)


def timed(run: Callable[[], object]) -> Clock:
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


def in_memory(columns: Columns) -> None:
    """The fold and its document, alone."""
    sport = registry().sport("soccer")
    resolved = resolve_parameters(sport, {}, PARAMS, {"weight": 70.0, "height": 1.8, "sex": "M"})
    t = columns["t"]
    fold = FrameFold(sport, resolved, int(t[0]), int(t[-1]) + 1)
    fold.advance(chunk(columns))
    fold.document(final=True)


def measure(say: Callable[[str], Any] = print) -> bool:
    """Say the figures; whether every frame was computed anew, once."""
    warm()
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'touchline.db'}")
        migrate.upgrade(db.engine)
        db.write(people)
        frames = [record(db, k, n) for n in range(MEASURED) for k in range(PLAYERS)]
        for frame in frames:
            compute.refold(db, registry(), frame)
        raised = Raised()
        db.write(lambda s: stale.extend(s, raised))
        done: list[recompute.Done] = []
        every = len(frames) // IN_MEMORY
        ours, alone = [], []
        for n in range(IN_MEMORY):
            ours.append(timed(lambda: done.append(_some(db, raised, every))))
            alone.append(timed(partial(in_memory, samples(n % PLAYERS, n % MEASURED))))
        left = db.read(lambda s: stale.progress(s, raised))
        db.close()
    cpu, wall = (sum(times) for times in zip(*ours, strict=True))
    ratio = float(np.median([o[0] / every / a[0] for o, a in zip(ours, alone, strict=True)]))
    count, season = sum(one.recomputed for one in done), PLAYERS * SESSIONS
    say(
        f"data: {count} of a season's {season} sessions ({PLAYERS} players x {SESSIONS} sessions x"
        f" 90 minutes at 10 Hz), generated, soccer, {SAMPLES} samples each, sealed blocks, SQLite"
    )
    say("method: one process; CPU time; wall time is of this machine, as busy as it was")
    say(f"sessions per core-minute: {60 * count / cpu:.0f} (wall: {60 * count / wall:.0f})")
    say(f"million samples per core-minute: {60 * count * SAMPLES / cpu / 1e6:.0f}")
    say(f"the whole season: {season * cpu / count / 60:.1f} core-minutes")
    say(f"recompute / fold and document in memory: {ratio:.1f}")
    return count == len(frames) and left == {"waiting": 0, "done": count, "failed": 0}


def _some(db: Database, raised: Raised, limit: int) -> recompute.Done:
    return recompute.run(db, raised, limit=limit, stop=lambda: False, tell=lambda _: None)


def main() -> int:
    """Print the figures; exit code 1 when a frame was left out."""
    return 0 if measure() else 1


if __name__ == "__main__":
    sys.exit(main())
