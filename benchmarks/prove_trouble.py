"""Proof: a day of trouble loses no event, invents none and keeps their order.

Method. On a `touchline up` activities and time frames are changed without a pause, each activity
with a webhook to a receiver that answers well half of the time, and else fails, stalls, redirects,
asks for time, takes a message and forgets to answer, or says 410. Meanwhile a random one of web,
workers, deliverer and relay is killed with SIGKILL, Redis is emptied, and the clock of all of the
platform's processes is stepped forward and back (a module on their PYTHONPATH adds to the time what
a file says; so waits of hours pass, too, and the day ends). Then the receiver is well, the webhooks
that were disabled are enabled and asked for what they missed.

What must hold: the numbers of the events have no gap; of each resource there is an event for each
change that was acknowledged, and none that nobody asked for; every event arrived at least once at
the webhook of its activity and nothing else did; per resource they arrived first in their order;
the feed, the webhooks' own proof (reconcile) and the receiver's book agree item by item. And a
device sends all day: who follows its stream and who follows the feed, connecting again and again,
saw each number once; who follows the computed data saw rising numbers and the newest at the end.
"""

import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from benchmarks import proof
from benchmarks.followers import Followers
from benchmarks.prove_survival import PASSWORD, ROLES, empty_redis, strike
from core.clock import to_iso
from core.events import WEBHOOK_TYPES
from core.models import ComputeState, Event, Outbox, TimeFrame
from core.models.db import Database
from tests.platform import Platform, one_box
from tests.receivers import Call, Reply, receiver

ROUNDS, KILLS, FLUSHES, STEPS = 5, 20, 2, 6
ACTIVITIES = 3
BETWEEN = (0.3, 3.0)  # seconds from one blow to the next
HOURS = (-1.0, 2.0)  # by how much the clock is stepped
LEAST = 40  # changes, however slow the machine
SETTLE_SECONDS = 240
BEGIN = 1_772_377_200_000  # 2026-03-01T15:00:00Z
HOUR = 3_600_000

# On the PYTHONPATH of the platform: the time is what it is, and what the file says.
CLOCK = """
import os, time
_real, _file = time.time_ns, os.environ["PROOF_CLOCK"]
def time_ns():
    with open(_file) as file:
        return _real() + int(file.read() or 0) * 1_000_000
time.time_ns = time_ns
"""


@dataclass
class Clock:
    """The platform's clock: ``ahead`` ms of the real one."""

    folder: Path
    ahead: int = 0

    def install(self) -> dict[str, str]:
        """Returns the variables that the platform's processes need."""
        self.folder.mkdir()
        (self.folder / "sitecustomize.py").write_text(CLOCK)
        self.step(0)
        return {"PYTHONPATH": str(self.folder), "PROOF_CLOCK": str(self.folder / "ahead")}

    def step(self, by: int) -> None:
        self.ahead += by
        fresh = self.folder / "fresh"
        fresh.write_text(str(self.ahead))
        fresh.replace(self.folder / "ahead")  # never half of it


@dataclass
class Moody:
    """The receiver's answers. ``well``: it has recovered. ``book``: (path, message) in the order of
    arrival, each time it came.
    """

    rng: random.Random
    stalls: int
    well: bool = False
    book: list[tuple[str, str, bytes]] = field(default_factory=list)
    moods: Counter[str] = field(default_factory=Counter)

    def __call__(self, call: Call) -> Reply:
        self.book.append((call.path, call.headers["webhook-id"], call.body))
        choices = ["well"] * 8 + ["fails", "redirects", "asks", "forgets", "fails", "stalls"]
        mood = "well" if self.well else self.rng.choice(choices)
        if mood == "stalls" and self.moods["stalls"] >= self.stalls:
            mood = "fails"
        if call.path == "/0" and not self.well and len(self.book) > 20 and not self.moods["gone"]:
            mood = "gone"
        self.moods[mood] += 1
        return {
            "well": Reply(),
            "fails": Reply(500),
            "redirects": Reply(307, {"Location": "http://169.254.169.254/"}),
            "asks": Reply(429, {"Retry-After": "600"}),
            "forgets": Reply(0),
            "stalls": Reply(wait=11.0),
            "gone": Reply(410),
        }[mood]


@dataclass
class Club:
    """What is changed, and what was answered: ``sure`` and ``unsure`` changes by resource."""

    platform: Platform
    http: httpx.Client
    frame: dict[str, Any]
    activities: list[dict[str, Any]]
    frames: list[dict[str, Any]] = field(default_factory=list)
    sure: Counter[tuple[str, int]] = field(default_factory=Counter)
    unsure: Counter[tuple[str, int]] = field(default_factory=Counter)
    unsure_births: int = 0

    def ask(self, method: str, path: str, body: Any = None) -> Any | None:
        """The answer's body; None where nobody knows whether it was done."""
        try:
            answer = self.http.request(method, path, json=body)
        except httpx.TransportError:
            return None
        if answer.status_code >= 500:
            return None
        answer.raise_for_status()
        return answer.json() if answer.content else {}

    def change(self, rng: random.Random) -> None:
        """One change of something, chosen at random."""
        kind = rng.choice(("rename", "create", "patch", "patch", "delete"))
        if kind == "rename":
            activity = rng.choice(self.activities)
            body = {**activity, "name": f"n{rng.random()}"}
            self._change("activity", activity["id"], "PUT", body)
        elif kind == "create" or not self.frames:
            body = {**self.frame, "activity": rng.choice(self.activities)["id"]}
            made = self.ask("POST", "/timeframes/", body)
            if made is None:
                self.unsure_births += 1
                return
            self.frames.append(made)
            self.sure["timeframe", made["id"]] += 1
        elif kind == "patch":
            frame = rng.choice(self.frames)
            body = {"params": {"max_hr": rng.uniform(150, 220)}}  # the same again is no change
            self._change("timeframe", frame["id"], "PATCH", body)
        else:
            frame = self.frames.pop(rng.randrange(len(self.frames)))
            self._change("timeframe", frame["id"], "DELETE")

    def _change(self, kind: str, number: int, method: str, body: Any = None) -> None:
        nouns = {"activity": "activities", "timeframe": "timeframes"}
        answer = self.ask(method, f"/{nouns[kind]}/{number}/", body)
        (self.unsure if answer is None else self.sure)[kind, number] += 1


def logged_in(platform: Platform, http: httpx.Client) -> tuple[int, str]:
    """A manager's id and access token, which ``http`` uses from now on."""
    account = {"username": "coach", "email": "coach@club.example", "password": PASSWORD}
    coach = http.post("/managers/", json=account).raise_for_status().json()["id"]
    platform.cli("user", "permit", "coach", "can_create_managed_athletes")
    client = platform.cli("client", "create", "--name", "proof", "--grant", "password")
    form = {"grant_type": "password", "username": "coach", "password": PASSWORD}
    auth = (client["client_id"], client["client_secret"])
    answer = http.post(f"{platform.url}/oauth2/token/", data=form, auth=auth)
    token = answer.raise_for_status().json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return coach, token


def found(platform: Platform, url: str) -> tuple[Club, list[int], Followers]:
    """A manager with an athlete, devices, activities and their webhooks; and those who follow one
    more activity, which nobody changes: its one time frame is of the device that sends.
    """
    http = httpx.Client(base_url=f"{platform.url}/api/v1", timeout=30)

    def call(method: str, path: str, **body: Any) -> Any:
        return http.request(method, path, **body).raise_for_status().json()

    coach, token = logged_in(platform, http)
    devices = []
    for name in ("changed", "followed"):
        made = platform.cli("device", "create", "--device-name", name, "--serial-number", name)
        devices.append(made["id"])
        platform.cli(
            "device", "own", str(made["id"]), str(coach),
            "--from", "2026-01-01T00:00:00Z", "--to", "2027-12-31T00:00:00Z",
        )  # fmt: skip
    athlete = call("POST", "/athletes/create-managed/", json={"managed_by": coach})["id"]
    rows = call("GET", "/json-schemas/", params={"search": "soccer"})["results"]
    schema = {row["type"]: row["id"] for row in rows}

    def activity(name: str) -> dict[str, Any]:
        body = {
            "name": name,
            "json": {"sport": "soccer", "type": "match"},
            "json_schema": schema["ACTIVITY"],
            "owner": coach,
        }
        return dict(call("POST", "/activities/", json=body))

    activities = [activity(f"changed {number}") for number in range(ACTIVITIES)]
    webhooks = []
    for number, changed in enumerate(activities):
        hook = {
            "webhook_url": f"{url}/{number}",
            "secret_token": "a secret",
            "activity_events": True,
            "timeframes_events": True,
            "events": list(WEBHOOK_TYPES),
        }
        webhooks.append(call("POST", f"/activities/{changed['id']}/webhooks/", json=hook)["id"])
    frame = {
        "start_time": to_iso(BEGIN),
        "end_time": to_iso(BEGIN + HOUR),
        "params": {},
        "device": devices[0],
        "athlete": athlete,
        "owner": coach,
        "json_schema": schema["TIMEFRAME"],
    }
    club = Club(platform, http, frame, activities)
    followed = activity("followed")["id"]
    body = {**frame, "device": devices[1], "activity": followed}
    club.sure["timeframe", call("POST", "/timeframes/", json=body)["id"]] += 1
    return club, webhooks, Followers(http, platform.url, token, devices[1], followed, BEGIN)


@contextmanager
def changing(club: Club, seed: int) -> Iterator[None]:
    """Change things in a thread of its own, until the end of the block."""
    over = threading.Event()
    failure: list[Exception] = []

    def work() -> None:
        rng = random.Random(seed)
        try:
            while not over.wait(0.1):
                club.change(rng)
        except Exception as error:
            failure.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if failure:
        raise failure[0]


def beat(
    platform: Platform, clock: Clock, rng: random.Random, kills: int, flushes: int, steps: int
) -> dict[str, int]:
    """Blows at random moments."""
    blows = ["kill"] * kills + ["flush"] * flushes + ["step"] * steps
    rng.shuffle(blows)
    done = dict.fromkeys((*ROLES, "redis", "clock"), 0)
    while blows:
        time.sleep(rng.uniform(*BETWEEN))
        if blows[0] == "flush":
            empty_redis(platform)
            done["redis"] += 1
        elif blows[0] == "step":
            clock.step(round(rng.uniform(*HOURS) * HOUR))
            done["clock"] += 1
        elif role := strike(platform, rng):
            done[role] += 1
        else:
            continue  # it is just being started again
        blows.pop(0)
    return done


def again(http: httpx.Client) -> httpx.Client:
    """The same client with fresh connections."""
    return httpx.Client(base_url=http.base_url, headers=http.headers, timeout=30)


def quiet(session: Session) -> bool:
    """Nothing is going to happen any more by itself."""
    folds = exists().where(Outbox.topic.in_(("tick", "refold", "close")))
    unnumbered = exists().where(Event.sequence.is_(None))
    return not session.scalar(select(folds | unnumbered))


def settle(club: Club, clock: Clock, webhooks: list[int], db: Database) -> list[list[Any]]:
    """The day ends: enable, ask for what was missed, and let hours pass until all is settled.
    Returns each webhook's reconciliation.
    """
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        clock.step(3 * HOUR)
        time.sleep(1.0)
        still = db.read(quiet)
        pages = [reconciled(club, webhook) for webhook in webhooks]
        if still and all(page["summary"]["delivered"] == page["count"] for page in pages):
            return [page["results"] for page in pages]
    raise AssertionError(f"not settled within {SETTLE_SECONDS} s: {[p['summary'] for p in pages]}")


def reconciled(club: Club, webhook: int) -> dict[str, Any]:
    """A webhook's proof of what arrived; what did not is asked for."""
    path, first = f"/webhooks/{webhook}", "1970-01-01T00:00:00Z"
    page = club.ask("GET", f"{path}/reconcile/?from={first}&limit=3000")
    assert page is not None, "the platform is not well"
    assert page["next"] is None, "more events than a page"
    summary = page["summary"]
    if summary["missing"] + summary["failed"] and not summary["pending"]:
        club.ask("POST", f"{path}/enable/")
        club.ask("POST", f"{path}/redeliver/", {"from": first, "to": "2999-01-01T00:00:00Z"})
    return page


def feed_of(club: Club) -> list[dict[str, Any]]:
    """The change feed as the manager sees it, from its beginning."""
    items: list[dict[str, Any]] = []
    page = club.ask("GET", "/changes/?limit=3000")
    while page is not None and page["results"]:
        items += page["results"]
        page = club.ask("GET", f"/changes/?limit=3000&cursor={page['cursor']}")
    assert page is not None, "the platform is not well"
    return items


def revisions(session: Session, activity: int) -> dict[int, int]:
    """How far the computed data of each of an activity's time frames has come."""
    wanted = select(ComputeState).join(TimeFrame, TimeFrame.id == ComputeState.timeframe_id)
    states = session.scalars(wanted.where(TimeFrame.activity_id == activity))
    return {state.timeframe_id: state.revision for state in states}


def await_followers(club: Club, followers: Followers, db: Database) -> dict[str, int]:
    """Wait until they have what there is, then judge them."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        feed, newest = (
            feed_of(club),
            db.read(lambda session: revisions(session, followers.activity.activity)),
        )
        if followers.done(len(feed), newest) or time.monotonic() > deadline:
            return followers.judge(feed, newest)
        time.sleep(0.5)


def judge(
    club: Club, events: list[Event], told: list[list[dict[str, Any]]], moody: Moody
) -> dict[str, int]:
    """Raises AssertionError where what must hold does not."""
    assert [event.sequence for event in events] == list(range(1, len(events) + 1)), "a gap"
    by_resource = Counter((event.kind, event.resource_id) for event in events)
    asked = ("timeframe.computed", "timeframe.restated", "activity.created")
    changes = Counter((e.kind, e.resource_id) for e in events if e.type not in asked)
    for resource, sure in club.sure.items():
        least, most = sure, sure + club.unsure[resource]
        assert least <= changes[resource] <= most, (resource, least, changes[resource], most)
    born = {e.resource_id for e in events if e.type == "timeframe.created"}
    known = {number for kind, number in club.sure if kind == "timeframe"}
    assert len(born - known) <= club.unsure_births, "time frames that nobody asked for"
    everything = feed_of(club)
    for number, (activity, items) in enumerate(zip(club.activities, told, strict=True)):
        feed = {
            item["id"]: item
            for item in everything
            if item["activity"] == activity["id"] and item["type"] in WEBHOOK_TYPES
        }
        book = [(key, body) for path, key, body in moody.book if path == f"/{number}"]
        assert [item["id"] for item in items] == list(feed), "the feed and the proof differ"
        bodies = {key: orjson.loads(body) for key, body in book}
        assert bodies == feed, "the feed and the receiver's book differ"
        assert all(orjson.loads(body) == bodies[key] for key, body in book), "two of one id differ"
        last: dict[tuple[str, int], int] = {}
        for body in bodies.values():  # in the order of first arrival
            resource = (body["resource"]["kind"], body["resource"]["id"])
            assert body["sequence"] > last.get(resource, 0), (resource, "out of order")
            last[resource] = body["sequence"]
    return {"events": len(events), "resources": len(by_resource)}


def run_round(
    seed: int, kills: int = KILLS, flushes: int = FLUSHES, steps: int = STEPS, stalls: int = 5
) -> proof.Round:
    rng = random.Random(seed)
    moody = Moody(random.Random(seed + 1), stalls)
    with tempfile.TemporaryDirectory(prefix="touchline-proof-") as name, receiver(moody) as hook:
        folder, clock = Path(name), Clock(Path(name) / "clock")
        settings = {"net_allow": "127.0.0.0/8", "token_seconds": "100000000", "throttle": "1000"}
        with one_box(folder / "data", extra=clock.install(), **settings) as platform:
            club, webhooks, followers = found(platform, hook.url.removesuffix("/hook"))
            db = Database(f"sqlite:///{folder / 'data' / 'touchline.db'}")
            with followers.reading():
                with closing(club.http), followers.sender.running(), changing(club, seed):
                    blows = beat(platform, clock, rng, kills, flushes, steps)
                    while club.sure.total() < LEAST:
                        time.sleep(0.1)
                club.http = again(club.http)
                moody.well = True
                told = settle(club, clock, webhooks, db)
                followed = await_followers(club, followers, db)
            every = select(Event).order_by(Event.sequence)
            events = list(db.read(lambda s: s.scalars(every).all()))
            db.close()
            judged = judge(club, events, told, moody)
            club.http.close()
    return {
        **blows,
        **judged,
        **followed,
        "delivered": sum(map(len, told)),
        "requests": len(moody.book),
        "moods": dict(moody.moods),
        "changes": club.sure.total(),
        "unsure": club.unsure.total() + club.unsure_births,
    }


def main() -> None:
    rounds = proof.prove("trouble", range(1, ROUNDS + 1), run_round)
    print(
        f"trouble: {sum(row[role] for row in rounds for role in ROLES)} kills -9, Redis emptied "
        f"{sum(r['redis'] for r in rounds)} times, {sum(r['clock'] for r in rounds)} clock steps; "
        f"{sum(r['events'] for r in rounds)} events without a gap, "
        f"{sum(r['delivered'] for r in rounds)} delivered in {sum(r['requests'] for r in rounds)} "
        "requests, none lost, none invented, each resource's in order; "
        f"{sum(r['device_numbers'] for r in rounds)} numbers of a device each seen once over "
        f"{sum(r['connections'] for r in rounds)} connections"
    )


if __name__ == "__main__":
    sys.exit(main())
