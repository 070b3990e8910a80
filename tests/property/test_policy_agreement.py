"""The renderings of the rule book agree with each other, and with the rules told once more by
brute force: moment by moment, over worlds small enough to look at every one.
"""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock, policy
from core.intervals import Window, contains, covers
from core.models import (
    Activity,
    Device,
    DeviceOwnership,
    Event,
    Job,
    JsonSchema,
    Permission,
    Team,
    TimeFrame,
    User,
    Webhook,
)
from core.models.db import Database
from core.policy import Actor, Samples, Stretch
from tests.property import announcing
from workers import sequencer

LAST = 6
MANAGERS, ATHLETES, DEVICES, ACTIVITIES = (1, 2), (3, 4), (1, 2), (1, 2)
ACTORS = [
    *(Actor(user, "MANAGER") for user in MANAGERS),
    *(Actor(user, "ATHLETE") for user in ATHLETES),
    Actor(5, "ADMINISTRATOR"),
    Actor.operator(),
    Actor(None, "DEVICE", device_id=1),
    Actor(1, "MANAGER", scopes=frozenset({"read"})),
    Actor(1, "MANAGER", scopes=frozenset()),
]
# Action → the classes of the things that it is asked about here.
ASKED = {
    "athlete.read": User,
    "athlete.change": User,
    "athlete.upload": User,
    "athlete.change_managed": User,
    "athlete.delete": User,
    "athlete.delete_managed": User,
    "athlete.export": User,
    "athlete.create_managed": User,
    "manager.read": User,
    "manager.change": User,
    "parameter.read": User,
    "permission.read": User,
    "permission.change": User,
    "permission.share": Permission,
    "activity.read": Activity,
    "activity.change": Activity,
    "timeframe.read": TimeFrame,
    "timeframe.delete": TimeFrame,
    "timeframe.change": TimeFrame,
    "computed.read": TimeFrame,
    "computed.stream": TimeFrame,
    "samples.place": TimeFrame,
    "device.uplink": Device,
    "device.list": Device,
    "device.read": Device,
    "device.change": Device,
    "ownership.read": DeviceOwnership,
    "schema.read": JsonSchema,
    "job.read": Job,
    "access_log.read": User,
    "administration.read": Device,
    "team.read": Team,
    "team.change": Team,
    "webhook.read": Webhook,
    "webhook.change": Webhook,
}

spans = st.tuples(st.integers(0, LAST - 1), st.integers(1, 4)).map(lambda t: (t[0], t[0] + t[1]))


actors = st.one_of(st.just(ACTORS[0]), st.sampled_from(ACTORS))


@dataclass(frozen=True)
class World:
    managed_by: dict[int, int | None]
    extra: frozenset[int]
    permissions: list[tuple[int, int, str, tuple[int, int]]]
    ownerships: list[tuple[int, int, tuple[int, int]]]
    frames: list[tuple[int, int, int, tuple[int, int]]]


worlds = st.builds(
    World,
    managed_by=st.fixed_dictionaries({a: st.sampled_from([None, *MANAGERS]) for a in ATHLETES}),
    extra=st.frozensets(st.sampled_from(MANAGERS)),
    permissions=st.lists(
        st.tuples(
            # Weighted, so that rows of one pair often adjoin.
            st.sampled_from([3, 3, 3, 4]),
            st.sampled_from([1, 1, 1, 2]),
            st.sampled_from(["READ", "READ", "READ", "WRITE", "WRITE", "SHARE"]),
            spans,
        ),
        min_size=3,
        max_size=12,
    ),
    ownerships=st.lists(
        st.tuples(st.sampled_from(DEVICES), st.sampled_from([1, 1, 2]), spans), max_size=6
    ),
    frames=st.lists(
        st.tuples(
            st.sampled_from([3, 3, 4]), st.sampled_from(DEVICES), st.sampled_from([1, 1, 2]), spans
        ),
        min_size=1,
        max_size=4,
    ),
)


def disjoint(rows: list[tuple[int, int, tuple[int, int]]]) -> list[Any]:
    """Ownerships as the database lets them stand: of one device they never overlap."""
    kept: list[Any] = []
    for device, manager, (start, stop) in rows:
        if all(d != device or stop <= s or e <= start for d, _, (s, e) in kept):
            kept.append((device, manager, (start, stop)))
    return kept


def build(session: Session, world: World) -> None:
    for user in MANAGERS:
        extra = ["can_create_managed_athletes"] if user in world.extra else []
        session.add(
            User(id=user, username=f"m{user}", role="MANAGER", created=0, extra_permissions=extra)
        )
    session.add(User(id=5, username="admin", role="ADMINISTRATOR", created=0))
    session.flush()
    for user in ATHLETES:
        managed = world.managed_by[user]
        session.add(
            User(id=user, username=f"a{user}", role="ATHLETE", created=0, managed_by_id=managed)
        )
    session.add(JsonSchema(id=1, name="s", type="ACTIVITY", sport="x", schema={}))
    session.add_all(Device(id=d, device_name=f"d{d}", serial_number=f"{d}") for d in DEVICES)
    session.flush()
    for a in ACTIVITIES:
        session.add(
            Activity(id=a, name="a", json={}, json_schema_id=1, owner_id=MANAGERS[a - 1], created=0)
        )
        session.add(
            Job(id=a, job_id=f"j{a}", kind="x", details={}, arguments={}, submitter_id=a, created=0)
        )
    session.add_all(Team(id=m, name="t", owner_id=m, created=0) for m in MANAGERS)
    session.add_all(
        Webhook(
            id=m,
            activity_id=1,
            owner_id=m,
            webhook_url="https://club.example/",
            secret_sealed="",
            activity_events=True,
            timeframes_events=True,
            created=0,
        )
        for m in MANAGERS
    )
    session.flush()
    for athlete, manager, right, (start, stop) in world.permissions:
        session.add(
            Permission(
                athlete_id=athlete,
                manager_id=manager,
                permission=right,
                start_time=start,
                expiration_time=stop,
            )
        )
    for device, manager, (start, stop) in disjoint(world.ownerships):
        session.add(
            DeviceOwnership(device_id=device, manager_id=manager, start_time=start, end_time=stop)
        )
    for athlete, device, owner, (start, stop) in world.frames:
        session.add(
            TimeFrame(
                start_time=start,
                end_time=stop,
                params={},
                device_id=device,
                activity_id=owner,
                athlete_id=athlete,
                owner_id=owner,
                json_schema_id=1,
            )
        )
    session.flush()


class Oracle:
    """insiders.md section 7 once more, in plain sentences over single moments."""

    def __init__(self, world: World, actor: Actor, now: int) -> None:
        self.world, self.actor, self.now = world, actor, now
        self.ownerships = disjoint(world.ownerships)

    def permitted(self, right: str, athlete: int, moment: int) -> bool:
        return any(
            (a, m, r) == (athlete, self.actor.user_id, right) and start <= moment < stop
            for a, m, r, (start, stop) in self.world.permissions
        )

    def held(self, athlete: User, actor: Actor) -> bool:
        """Somebody who ever held READ, or manages them, is told that an athlete has gone."""
        return athlete.managed_by_id == actor.user_id or any(
            (a, m, r) == (athlete.id, actor.user_id, "READ")
            for a, m, r, _ in self.world.permissions
        )

    def owns(self, device: int, moment: int) -> bool:
        return any(
            (d, m) == (device, self.actor.user_id) and start <= moment < stop
            for d, m, (start, stop) in self.ownerships
        )

    def framed(self, device: int, moment: int) -> bool:
        return any(
            (a, d) == (self.actor.user_id, device) and start <= moment < stop
            for a, d, _, (start, stop) in self.world.frames
        )

    def may(self, action: str, thing: Any) -> bool:
        reads = policy.RULES[action].reads
        if "all" not in self.actor.scopes and not (reads and "read" in self.actor.scopes):
            return False
        role = {"OPERATOR": "ADMINISTRATOR"}.get(self.actor.role, self.actor.role)
        if role == "ADMINISTRATOR":
            if action == "job.read":  # what a person submits stays theirs
                return thing.submitter_id == self.actor.user_id
            return reads and action != "samples.place"  # it is for the frame's owner
        return getattr(self, f"{role.lower()}_may")(action, thing, self.actor.user_id)

    def device_may(self, action: str, thing: Any, _me: None) -> bool:
        return action == "device.uplink" and thing.id == self.actor.device_id

    def athlete_may(self, action: str, thing: Any, me: int) -> bool:
        match action:
            case (
                "athlete.read" | "athlete.change" | "athlete.upload"
                | "parameter.read" | "permission.read" | "permission.change" | "access_log.read"
                | "athlete.delete" | "athlete.export"
            ):  # fmt: skip
                return thing.id == me
            case "timeframe.read" | "computed.read":
                return thing.athlete_id == me
            case "parameter.change":
                return thing.athlete_id == me
            case "samples.read":
                return all(self.framed(thing.device_id, t) for t in range(thing.start, thing.stop))
            case "job.read":
                return thing.submitter_id == me
        return False

    def manager_may(self, action: str, thing: Any, me: int) -> bool:  # noqa: C901 -- a table
        now = self.now
        match action:
            case "manager.read" | "manager.change":
                return thing.id == me
            case "athlete.create_managed":
                return thing.id == me and me in self.world.extra
            case "athlete.read" | "parameter.read":
                return self.permitted("READ", thing.id, now)
            case "parameter.change":
                moments = [now, *range(thing.start, thing.stop)]
                return all(self.permitted("WRITE", thing.athlete_id, t) for t in moments)
            case "athlete.upload":
                return self.permitted("WRITE", thing.id, now)
            case (
                "permission.read" | "permission.change" | "access_log.read"
                | "athlete.delete_managed" | "athlete.export"
            ):  # fmt: skip
                return thing.managed_by_id == me
            case "athlete.change_managed":
                return thing.managed_by_id == me and me in self.world.extra
            case "team.read" | "team.change" | "webhook.read" | "webhook.change":
                return thing.owner_id == me
            case "permission.share":
                moments = [now, *range(thing.start_time, thing.expiration_time)]
                return all(self.permitted("SHARE", thing.athlete_id, t) for t in moments)
            case "activity.read" | "activity.change" | "timeframe.read" | "timeframe.delete":
                return thing.owner_id == me
            case "samples.place":
                return thing.owner_id == me
            case "timeframe.change":
                return thing.owner_id == me and all(
                    self.permitted("WRITE", thing.athlete_id, t) and self.owns(thing.device_id, t)
                    for t in range(thing.start_time, thing.end_time)
                )
            case "computed.read":
                return all(
                    self.permitted("READ", thing.athlete_id, t)
                    for t in range(thing.start_time, thing.end_time)
                )
            case "computed.stream":
                return self.permitted("READ", thing.athlete_id, now)
            case "samples.read":
                return all(self.owns(thing.device_id, t) for t in range(thing.start, thing.stop))
            case "samples.latest":
                return self.owns(thing.device_id, now)
            case "device.uplink" | "device.read" | "device.change":
                return self.owns(thing.id, now)
            case "device.list":
                return any(self.owns(thing.id, t) for t in range(LAST + 5))
            case "ownership.read":
                return thing.manager_id == me
            case "schema.read":
                return True
            case "job.read":
                return thing.submitter_id == me
        return False


def judged(rule: policy.Rule, windows: list[Window], thing: Any, now: int) -> bool:
    """What the windows mean under the rule."""
    names = policy.FIELDS[type(thing)]
    if rule.now and not contains(windows, now):
        return False
    if rule.interval:
        asked = Window(getattr(thing, names["start"]), getattr(thing, names["stop"]))
        return covers(windows, asked)
    return bool(windows)


def test_every_rule_is_asked() -> None:
    otherwise = {
        "samples.read", "samples.latest", "parameter.change", "event.own", "event.told"
    }  # fmt: skip
    assert set(ASKED) | otherwise == set(policy.RULES)


def check(session: Session, world: World, actor: Actor, now: int) -> None:
    build(session, world)
    oracle = Oracle(world, actor, now)
    for action, model in ASKED.items():
        listed = set(
            session.scalars(select(model.id).where(policy.clause(actor, action, model, now=now)))
        )
        for thing in session.scalars(select(model)).unique().all():
            expected = oracle.may(action, thing)
            where = (action, actor, now, thing.id)
            assert policy.allowed(session, actor, action, thing, now=now) == expected, where
            assert (thing.id in listed) == expected, where
            windows = policy.windows(session, actor, action, thing)
            assert judged(policy.RULES[action], windows, thing, now) == expected, where
    for device in DEVICES:
        for start in range(0, LAST, 2):
            thing = Samples(device, start, start + 2)
            for action in ("samples.read", "samples.latest"):
                expected = oracle.may(action, thing)
                assert policy.allowed(session, actor, action, thing, now=now) == expected
    for athlete in ATHLETES:
        for start in range(0, LAST, 2):
            stretch = Stretch(athlete, start, start + 2)
            expected = oracle.may("parameter.change", stretch)
            assert policy.allowed(session, actor, "parameter.change", stretch, now=now) == expected


def check_events(session: Session, oracle: Oracle, actor: Actor, now: int) -> None:
    """An event is seen by who may see what it speaks of."""
    listed = set(session.scalars(select(Event.number).where(policy.event_clause(actor, now=now))))
    for event in session.scalars(select(Event)):
        expected = may_see(session, oracle, event)
        where = (event.type, event.resource_id, actor, now)
        assert policy.event_allowed(session, actor, event, now=now) == expected, where
        assert (event.number in listed) == expected, where


def may_see(session: Session, oracle: Oracle, event: Event) -> bool:
    """The rules of docs/api/changes.md, over the things themselves."""
    actor = oracle.actor
    if not actor.scopes or actor.role == "DEVICE":
        return False
    if actor.administers:
        return True
    thing = session.get(announcing.MODELS[event.kind], event.resource_id)
    match event.kind, event.type:
        case "permission", _:
            athlete = session.get_one(User, thing.athlete_id)
            return thing.manager_id == actor.user_id or oracle.may("permission.read", athlete)
        case _, "timeframe.deleted":
            return oracle.may("timeframe.read", thing) or oracle.may("computed.read", thing)
        case _, "timeframe.computed" | "timeframe.restated":
            return oracle.may("computed.read", thing)
        case "user", _:
            return thing.id == actor.user_id
        case "device", "device.updated":
            return oracle.may("device.list", thing)
        case "device", "device.deleted":
            return actor.role == "MANAGER" and oracle.owns(thing.id, clock.now())
        case "athlete", "athlete.deleted":
            return thing.id == actor.user_id or oracle.held(thing, actor)
    return oracle.may(f"{event.kind}.read", thing)


@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 60), ("postgres", 15)])
def test_the_renderings_agree(engine: str, examples: int, request: pytest.FixtureRequest) -> None:
    db: Database = request.getfixturevalue(f"db_{engine}")

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(world=worlds, actor=actors, now=st.integers(0, LAST + 2))
    def agree(world: World, actor: Actor, now: int) -> None:
        with Session(db.engine) as session:
            check(session, world, actor, now)  # never committed

    agree()


@pytest.mark.parametrize(("engine", "examples"), [("sqlite", 12), ("postgres", 3)])
def test_events_are_seen_by_who_may_see_what_they_speak_of(
    engine: str, examples: int, request: pytest.FixtureRequest
) -> None:
    db: Database = request.getfixturevalue(f"db_{engine}")

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(world=worlds, now=st.integers(0, LAST + 2))
    def agree(world: World, now: int) -> None:
        with Session(db.engine) as session:
            build(session, world)
            announcing.of_everything(session)
            while sequencer.assign(session):
                continue
            for actor in ACTORS:
                check_events(session, Oracle(world, actor, now), actor, now)

    agree()
