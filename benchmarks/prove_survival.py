"""Proof: kill -9 and an emptied Redis lose no acknowledged sample and change no result.

Method. A squad's match (with drop-outs, duplicates and late batches) goes through the uplink of a
`touchline up`, half of the devices by POST and half over the socket. At random moments a random one
of web, workers and relay is killed with SIGKILL, and at others Redis is emptied. When all frames
are closed, the stored samples are counted against the acknowledged ones, and each final document's
digest is compared with that of the same match on a platform that nobody disturbed. Five rounds of
ten kills and one emptied Redis each.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import redis
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from benchmarks import proof
from core.clock import from_iso, to_iso
from core.commands import accounts
from core.config import Config
from core.models import ComputedData, ComputeState, Outbox, UplinkBatch
from core.models.db import Database
from core.pipeline import store
from core.squad import POST, SOCKET, Plan, Squad
from tests.platform import Platform, one_box

ROUNDS, KILLS, FLUSHES = 5, 10, 1
PLAYERS = 6
KICK_OFF = 1_772_377_200_000  # 2026-03-01T15:00:00Z
OWNED = from_iso("2026-01-01T00:00:00Z"), from_iso("2027-01-01T00:00:00Z")
SPEED, UNDISTURBED_SPEED = 60.0, 240.0
FAULTS = frozenset({"dropout", "duplicate", "late"})
BETWEEN = (0.3, 4.0)  # seconds from one blow to the next
ROLES = ("web", "worker", "relay")
CLOSE_SECONDS = 120
PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Match:
    """What was set up: the devices' tokens, and the frames in the same order."""

    devices: list[dict[str, Any]]
    frames: list[int]


def set_up(platform: Platform, seconds: float) -> Match:
    """A manager with managed athletes and backdated devices; one activity, a frame for each."""
    # What the commands do, without a process for each.
    config = Config.load(platform.environment)
    with httpx.Client(base_url=platform.url, timeout=30) as http:
        coach = _log_in(platform, http)
        schemas = _call(http, "GET", "/api/v1/json-schemas/", params={"search": "soccer"})
        schema = {row["type"]: row["id"] for row in schemas["results"]}
        match = {
            "name": "proof",
            "json": {"sport": "soccer", "type": "match"},
            "json_schema": schema["ACTIVITY"],
            "owner": coach,
        }
        activity = _call(http, "POST", "/api/v1/activities/", json=match)["id"]
        devices, frames = [], []
        for k in range(PLAYERS):
            device = accounts.create_device(config, f"d{k}", f"{k}")
            accounts.own_device(config, device["id"], coach, *OWNED)
            player = {"managed_by": coach}
            athlete = _call(http, "POST", "/api/v1/athletes/create-managed/", json=player)
            frame = {
                "start_time": to_iso(KICK_OFF),
                "end_time": to_iso(KICK_OFF + round(seconds * 1000)),
                "params": {"max_hr": 195},
                "device": device["id"],
                "activity": activity,
                "athlete": athlete["id"],
                "owner": coach,
                "json_schema": schema["TIMEFRAME"],
            }
            devices.append(device)
            frames.append(_call(http, "POST", "/api/v1/timeframes/", json=frame)["id"])
    return Match(devices, frames)


def _log_in(platform: Platform, http: httpx.Client) -> int:
    """A manager who may keep athletes, logged in on ``http``; their id."""
    client = platform.cli("client", "create", "--name", "proof", "--grant", "password")
    account = {"username": "coach", "email": "coach@club.example", "password": PASSWORD}
    coach = _call(http, "POST", "/api/v1/managers/", json=account)["id"]
    platform.cli("user", "permit", "coach", "can_create_managed_athletes")
    form = {"grant_type": "password", "username": "coach", "password": PASSWORD}
    auth = (client["client_id"], client["client_secret"])
    token = _call(http, "POST", "/oauth2/token/", data=form, auth=auth)["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return coach


def _call(http: httpx.Client, method: str, path: str, **body: Any) -> Any:
    return http.request(method, path, **body).raise_for_status().json()


def victims(platform: Platform, role: str) -> list[psutil.Process]:
    """The supervised processes of a role: children of `touchline up` itself."""
    children = psutil.Process(platform.process.pid).children()
    found = []
    for child in children:
        words = child.cmdline()
        if role in words:
            found.append(child)
    return found


def strike(platform: Platform, rng: random.Random) -> str | None:
    """kill -9 one process; None when the chosen one is just being started again."""
    role = rng.choice(ROLES)
    found = victims(platform, role)
    if not found:
        return None
    rng.choice(found).kill()
    return role


def empty_redis(platform: Platform) -> None:
    for child in psutil.Process(platform.process.pid).children():
        url = child.environ().get("TOUCHLINE_REDIS_URL")
        if url:
            redis.Redis.from_url(url).flushall()
            return
    raise RuntimeError("no process of the platform knows a Redis")


def disturb(
    platform: Platform, squad: Squad, kills: int, flushes: int, rng: random.Random
) -> dict[str, int]:
    """Blows at random moments until their number is reached or the match is over."""
    blows = ["kill"] * kills + ["flush"] * flushes
    rng.shuffle(blows)
    done = dict.fromkeys((*ROLES, "redis"), 0)
    while blows and squad.playing():
        time.sleep(rng.uniform(*BETWEEN))
        if blows[0] == "flush":
            empty_redis(platform)
            done["redis"] += 1
            blows.pop(0)
        elif role := strike(platform, rng):
            done[role] += 1
            blows.pop(0)
    return done


def wait_closed(db: Database, frames: list[int]) -> float:
    """Until every frame is closed and no fold is owed; returns the seconds it took."""
    began = time.monotonic()
    folds = ("tick", "refold", "close")
    while time.monotonic() - began < CLOSE_SECONDS:
        closed, owed = db.read(
            lambda s: (
                s.scalar(
                    select(func.count()).where(
                        ComputeState.timeframe_id.in_(frames), ComputeState.closed
                    )
                ),
                s.scalar(select(func.count()).where(Outbox.topic.in_(folds))),
            )
        )
        if closed == len(frames) and not owed:
            return time.monotonic() - began
        time.sleep(0.5)
    raise AssertionError(f"frames were not closed within {CLOSE_SECONDS} s")


def play(
    folder: Path,
    seed: int,
    seconds: float,
    speed: float,
    trouble: Callable[[Platform, Squad], dict[str, int]] | None = None,
) -> dict[str, Any]:
    """One match on a platform of its own: what was acknowledged, stored and computed."""
    with one_box(folder) as platform:
        match = set_up(platform, seconds)
        plan = Plan(seed, KICK_OFF, seconds, speed, FAULTS)
        squad = Squad(platform.url, match.devices, plan, by=(POST, SOCKET))
        squad.start()
        blows = trouble(platform, squad) if trouble else {}
        tally = squad.join()
        db = Database(f"sqlite:///{folder / 'touchline.db'}")
        wait_closed(db, match.frames)
        stored = db.read(lambda s: sum(store.count(s, d["id"], 0, 2**60) for d in match.devices))
        current = select(ComputedData).join(
            ComputeState,
            (ComputeState.timeframe_id == ComputedData.timeframe_id)
            & (ComputeState.edition == ComputedData.edition),
        )
        digests = db.read(lambda s: {row.timeframe_id: row.digest for row in s.scalars(current)})
        numbers = {d["id"]: db.read(lambda s, d=d: _numbers(s, d["id"])) for d in match.devices}
        db.close()
    assert all(own == list(range(1, len(own) + 1)) for own in numbers.values()), numbers
    return {
        "numbered": sum(map(len, numbers.values())),
        "blows": blows,
        "acknowledged": tally["samples"],
        "stored": stored,
        "repeated_batches": tally["repeated"],
        "digests": [digests[frame] for frame in match.frames],
    }


def _numbers(session: Session, device_id: int) -> list[int]:
    """The numbers that a device gave its batches, in the order of the commits."""
    rows = select(UplinkBatch.number).where(
        UplinkBatch.device_id == device_id, UplinkBatch.number.is_not(None)
    )
    return list(session.scalars(rows.order_by(UplinkBatch.seq)))


def run_round(seed: int, kills: int = KILLS, flushes: int = FLUSHES) -> proof.Round:
    """One match disturbed and undisturbed; raises AssertionError when they differ."""
    mean = sum(BETWEEN) / 2
    seconds = (kills + flushes + 2) * mean * SPEED
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="touchline-proof-") as name:
        folder = Path(name)
        calm = play(folder / "calm", seed, seconds, UNDISTURBED_SPEED)
        hit = play(
            folder / "hit", seed, seconds, SPEED, lambda p, s: disturb(p, s, kills, flushes, rng)
        )
    lost = hit["acknowledged"] - hit["stored"]
    assert lost == 0, f"{lost} acknowledged samples were lost"
    assert hit["stored"] == calm["stored"]
    assert hit["digests"] == calm["digests"], "a final document differs from the undisturbed one"
    return {
        **hit["blows"],
        "acknowledged": hit["acknowledged"],
        "lost": lost,
        "repeated_batches": hit["repeated_batches"],
        "numbered_batches": hit["numbered"],
        "digests_equal": len(hit["digests"]),
    }


def main() -> None:
    rounds = proof.prove("survival", range(1, ROUNDS + 1), run_round)
    kills = sum(row[role] for row in rounds for role in ROLES)
    print(
        f"survival: {kills} kills -9, Redis emptied {sum(r['redis'] for r in rounds)} times, "
        f"{sum(r['acknowledged'] for r in rounds)} samples acknowledged, "
        f"{sum(r['lost'] for r in rounds)} lost, "
        f"{sum(r['digests_equal'] for r in rounds)} final digests equal to the undisturbed run's"
    )


if __name__ == "__main__":
    sys.exit(main())
