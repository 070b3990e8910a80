"""The rule book's edges that a random world seldom meets, on both databases."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import policy
from core.errors import Forbidden, NotFound
from core.intervals import Window
from core.models import (
    Activity,
    Device,
    DeviceOwnership,
    Job,
    JsonSchema,
    Permission,
    TimeFrame,
    User,
)
from core.models.db import Database
from core.policy import ALWAYS, Actor, Samples

COACH, OTHER, ATHLETE, TWIN = 1, 2, 3, 4
coach = Actor(COACH, "MANAGER")
athlete = Actor(ATHLETE, "ATHLETE")


@pytest.fixture
def session(db: Database):
    """A coach with a device, an activity and two athletes; nothing is committed."""
    with Session(db.engine) as session:
        session.add_all(
            User(id=n, username=f"u{n}", role=role, created=0)
            for n, role in ((1, "MANAGER"), (2, "MANAGER"), (3, "ATHLETE"), (4, "ATHLETE"))
        )
        session.add(JsonSchema(id=1, name="s", type="ACTIVITY", sport="x", schema={}))
        session.add(Device(id=1, device_name="d", serial_number="1"))
        session.flush()
        session.add(Activity(id=1, name="a", json={}, json_schema_id=1, owner_id=COACH, created=0))
        session.add(DeviceOwnership(device_id=1, manager_id=COACH, start_time=0, end_time=1000))
        session.flush()
        yield session


def frame(start: int, stop: int, who: int = ATHLETE, **more: int) -> TimeFrame:
    facts = {"device_id": 1, "activity_id": 1, "owner_id": COACH, "json_schema_id": 1, **more}
    return TimeFrame(start_time=start, end_time=stop, athlete_id=who, params={}, **facts)


def permit(session: Session, right: str, *spans: tuple[int, int], who: int = ATHLETE) -> None:
    session.add_all(
        Permission(
            athlete_id=who, manager_id=COACH, permission=right, start_time=a, expiration_time=b
        )
        for a, b in spans
    )
    session.flush()


def test_adjoining_rows_cover_and_gaps_do_not(session: Session) -> None:
    permit(session, "READ", (200, 300), (100, 200), (400, 500))
    assert policy.windows(session, coach, "computed.read", frame(0, 1)) == [
        Window(100, 300),
        Window(400, 500),
    ]
    policy.require(session, coach, "computed.read", frame(100, 300))
    for start, stop in ((99, 300), (100, 301), (250, 450), (300, 400)):
        with pytest.raises(Forbidden, match="READ on athlete 3 over the whole interval"):
            policy.require(session, coach, "computed.read", frame(start, stop))


def test_another_athletes_rows_close_no_gap_in_a_list(session: Session) -> None:
    permit(session, "WRITE", (0, 200), (400, 900))
    permit(session, "WRITE", (0, 900), who=TWIN)
    gap, whole = frame(100, 500), frame(100, 500, TWIN)
    session.add_all([gap, whole])
    session.flush()
    listed = select(TimeFrame.id).where(policy.clause(coach, "timeframe.change", TimeFrame))
    assert session.scalars(listed).all() == [whole.id]
    assert not policy.allowed(session, coach, "timeframe.change", gap)


def test_a_right_that_has_lapsed_opens_what_lies_inside_it(session: Session) -> None:
    permit(session, "READ", (100, 200))
    policy.require(session, coach, "computed.read", frame(100, 200), now=10**12)
    with pytest.raises(Forbidden):
        policy.require(session, coach, "computed.stream", frame(100, 200), now=200)
    policy.require(session, coach, "computed.stream", frame(100, 200), now=199)


def test_the_refusal_says_what_is_missing(session: Session) -> None:
    with pytest.raises(Forbidden, match="WRITE on athlete 3"):
        policy.require(session, coach, "timeframe.change", frame(100, 200))
    permit(session, "WRITE", (0, 5000))
    policy.require(session, coach, "timeframe.change", frame(100, 200))
    with pytest.raises(Forbidden, match="ownership of device 1"):
        policy.require(session, coach, "timeframe.change", frame(900, 1001))
    with pytest.raises(Forbidden, match="owner"):
        policy.require(session, coach, "timeframe.change", frame(100, 200, owner_id=OTHER))


def test_an_athlete_reads_their_own_and_no_more(session: Session) -> None:
    session.add_all([frame(100, 200), frame(200, 300), frame(100, 900, TWIN)])
    session.flush()
    policy.require(session, athlete, "computed.read", frame(100, 200))
    policy.require(session, athlete, "samples.read", Samples(1, 100, 300))
    for span in ((100, 301), (99, 200)):
        with pytest.raises(Forbidden, match="time frame of yours on device 1"):
            policy.require(session, athlete, "samples.read", Samples(1, *span))
    with pytest.raises(Forbidden):
        policy.require(session, athlete, "computed.read", frame(100, 200, TWIN))


def test_what_is_hidden_is_not_found(session: Session) -> None:
    job = Job(job_id="j", kind="x", details={}, arguments={}, submitter_id=COACH, created=0)
    policy.require(session, coach, "job.read", job)
    with pytest.raises(NotFound):
        policy.require(session, Actor(OTHER, "MANAGER"), "job.read", job)


def test_a_scope_only_narrows(session: Session) -> None:
    activity = session.get_one(Activity, 1)
    reader = Actor(COACH, "MANAGER", scopes=frozenset({"read"}))
    policy.require(session, reader, "activity.read", activity)
    assert policy.windows(session, reader, "activity.read", activity) == [ALWAYS]
    assert policy.windows(session, reader, "activity.change", activity) == []
    with pytest.raises(Forbidden, match="scope"):
        policy.require(session, reader, "activity.change", activity)
    with pytest.raises(Forbidden, match="scope"):
        policy.require_manager(reader)
    stranger = Actor(OTHER, "MANAGER", scopes=frozenset({"all", "read"}))
    assert not policy.allowed(session, stranger, "activity.read", activity)


def test_roles(session: Session) -> None:
    policy.require_manager(coach)
    policy.require_administrator(Actor.operator())
    policy.require_administrator(Actor(9, "ADMINISTRATOR"))
    policy.require_schema_reader(coach)
    for refused in (
        lambda: policy.require_administrator(coach),
        lambda: policy.require_manager(Actor.operator()),
        lambda: policy.require_manager(athlete),
        lambda: policy.require_schema_reader(athlete),
        lambda: policy.require_manager(Actor(None, "DEVICE", device_id=1)),
    ):
        with pytest.raises(Forbidden):
            refused()


def test_an_empty_interval_is_never_covered(session: Session) -> None:
    permit(session, "READ", (0, 1000))
    assert not policy.allowed(session, coach, "computed.read", frame(100, 100))
    assert policy.allowed(session, coach, "computed.read", frame(100, 101))
