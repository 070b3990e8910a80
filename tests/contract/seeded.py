"""One world in which every right occurs, made once per database; nothing that is asked of it stays,
so that thousands of requests meet the same rows.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from uuid import NAMESPACE_OID, uuid5

import numpy as np
import redis
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from core import events
from core.api import changes
from core.app import create_app
from core.auth import secrets, tokens
from core.auth.passwords import hash_password
from core.clock import BEGINNING, FAR_FUTURE, from_iso, now
from core.config import Config
from core.models import (
    AccessEvent,
    Activity,
    AthleteParameter,
    AthleteProfile,
    AuditEvent,
    ComputedData,
    ComputeState,
    Delivery,
    DeliveryAttempt,
    Device,
    DeviceOwnership,
    Event,
    EventLog,
    Job,
    JsonSchema,
    ManagerProfile,
    OAuthClient,
    Permission,
    Team,
    TeamMember,
    TimeFrame,
    UplinkBatch,
    UploadedFile,
    User,
    Webhook,
    announcements,
)
from core.models.db import Database
from core.models.users import CAN_CREATE_MANAGED_ATHLETES
from core.pipeline import store
from core.pipeline.objects import ObjectStore
from core.pipeline.writer import Writer
from core.policy import Actor
from core.services import clients, delivery_plan, json_schemas
from core.services.users import MANAGED_UNTIL
from core.sport.registry import Registry
from workers import sequencer

PASSWORD = "correct horse"  # of ``owner``; the others cannot log in
SECRET_KEY = "a key for tests, of no use anywhere else"
MANAGERS = (
    "owner",
    "former",
    "managing",
    "reader",
    "late_reader",
    "lapsed",
    "writer",
    "sharer",
    "stranger",
)
ATHLETES = ("athlete", "other_athlete", "managed")

MATCH = (from_iso("2020-05-30T20:00:00Z"), from_iso("2020-05-30T22:00:00Z"))
LATER = (from_iso("2022-05-30T20:00:00Z"), from_iso("2022-05-30T22:00:00Z"))
HANDOVER = from_iso("2020-03-01T00:00:00Z")  # the device goes from ``former`` to ``owner``
Y2019, Y2020, Y2021 = (from_iso(f"{year}-01-01T00:00:00Z") for year in (2019, 2020, 2021))


class Rehearsal(Database):
    """A database that forgets: a write runs to its last statement, and is rolled back."""

    def _transaction(self, work: Callable[[Session], Any]) -> Any:
        with Session(self._writer, expire_on_commit=False) as session:
            result = work(session)
            session.flush()
            session.expunge_all()  # the rows stay readable; a rollback would empty them
            return result


@dataclass
class Seeded:
    """``oauth``: the client's id and secret. ``ids`` and ``tokens`` by name: people are users'
    names; ``expired`` and the ``…_read_only`` are further tokens of theirs, ``device`` is the
    device's uplink token.
    """

    client: FlaskClient
    oauth: tuple[str, str]
    ids: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)


@contextmanager
def seeded(
    url: str, folder: Path, redis_url: str, registry: Registry, crowd: int = 0
) -> Iterator[Seeded]:
    """The world in the migrated, empty database at ``url``; ``crowd`` more of each thing."""
    secrets.use_key(SECRET_KEY)
    config = Config.load(
        {}, data_dir=str(folder), secret_key=SECRET_KEY, redis_url=redis_url, throttle="1000000"
    )
    objects = ObjectStore(Path(config.objects_url))
    kept = Database(url)
    made = kept.write(lambda session: _Maker(session, registry, objects).made(crowd))
    kept.close()
    db = Rehearsal(url)
    writer, connection = Writer(db), redis.Redis.from_url(redis_url)
    app = create_app(
        config, db=db, redis=connection, registry=registry, writer=writer, objects=objects
    )
    yield Seeded(app.test_client(), *made)
    app.extensions[changes.KEY].close()
    writer.close()
    connection.close()
    db.close()


class _Maker:
    def __init__(self, session: Session, registry: Registry, objects: ObjectStore) -> None:
        self.session, self.objects = session, objects
        self.ids: dict[str, Any] = {}
        self.tokens: dict[str, str] = {}
        json_schemas.sync(session, registry)

    def made(self, crowd: int) -> tuple[tuple[str, str], dict[str, Any], dict[str, str]]:
        self.people()
        self.rights()
        self.devices()
        self.work()
        oauth = self.credentials()
        for number in range(crowd):
            self.one_more(f"{number:04}")
        self.events()
        return oauth, self.ids, self.tokens

    def add(self, name: str, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        self.ids[name] = row.id
        return row

    def people(self) -> None:
        for name in (*MANAGERS, *ATHLETES, "admin"):
            user = User(
                username=name,
                email=f"{name}@club.example",
                external_id=f"{name}-ext",
                extra_permissions=[],
                created=now(),
                role="MANAGER",
            )
            if name in MANAGERS:
                user.manager_profile = ManagerProfile(first_name=name, last_name="Manager")
            elif name in ATHLETES:
                user.role = "ATHLETE"
                user.athlete_profile = AthleteProfile(
                    first_name=name, last_name="Athlete", gender="F", birth_date="1999-12-31"
                )
            else:
                user.role = "ADMINISTRATOR"
            if name == "managing":
                user.extra_permissions = [CAN_CREATE_MANAGED_ATHLETES]
            if name == "managed":
                user.email, user.managed_by_id = None, self.ids["managing"]
            self.add(name, user)

    def rights(self) -> None:
        for manager, right, start, end in (
            ("owner", "WRITE", Y2020, MANAGED_UNTIL),
            ("reader", "READ", Y2020, MANAGED_UNTIL),
            ("late_reader", "READ", MATCH[0] + 1, MANAGED_UNTIL),
            ("lapsed", "READ", Y2020, Y2021),
            ("writer", "WRITE", Y2020, MANAGED_UNTIL),
            ("sharer", "SHARE", Y2020, MANAGED_UNTIL),
        ):
            self.permit("athlete", manager, right, start, end)
        for right in ("READ", "WRITE", "SHARE"):
            self.permit("managed", "managing", right, BEGINNING, MANAGED_UNTIL)

    def permit(self, athlete: str, manager: str, right: str, start: int, end: int) -> None:
        permission = Permission(
            athlete_id=self.ids[athlete],
            manager_id=self.ids[manager],
            permission=right,
            start_time=start,
            expiration_time=end,
        )
        self.add(f"{right} of {manager}", permission)

    def devices(self) -> None:
        for name in ("device", "free_device", "managed_device"):
            self.tokens[name] = secrets.new_token()
            row = Device(
                serial_number=f"{name}-serial",
                device_name=name,
                device_type="vest",
                custom_name=f"No. {len(self.tokens)}",
                uplink_token_hash=secrets.hash_token(self.tokens[name]),
            )
            self.add(name, row)
        for device, manager, start, end in (
            ("device", "former", Y2019, HANDOVER),
            ("device", "owner", HANDOVER, FAR_FUTURE),
            ("managed_device", "managing", Y2019, FAR_FUTURE),
        ):
            self.session.get_one(Device, self.ids[device]).activation_time = start
            ownership = DeviceOwnership(
                device_id=self.ids[device],
                manager_id=self.ids[manager],
                start_time=start,
                end_time=end,
            )
            self.add(f"ownership of {manager}", ownership)

    def work(self) -> None:
        for kind in ("activity", "timeframe"):
            newest = select(func.max(JsonSchema.id)).where(JsonSchema.name == f"{kind}_tennis")
            self.ids[f"{kind}_schema"] = self.session.scalars(newest).one()
        self.match("match", "owner", "athlete", "device", MATCH)
        self.match("later", "owner", "athlete", "device", LATER)
        self.match("managed", "managing", "managed", "managed_device", MATCH)
        self.webhooks()
        team = Team(
            name="First team", groups=["Defence"], owner_id=self.ids["reader"], created=now()
        )
        self.add("team", team)
        self.add("member", self.member("athlete", Y2020, Y2021))
        job = Job(
            job_id="job-of-the-owner",
            kind="import",
            state="SUCCESS",
            details={},
            arguments={},
            submitter_id=self.ids["owner"],
            created=now(),
        )
        self.add("job", job)
        # A batch that was acknowledged before, of one sample.
        batch = UplinkBatch(
            device_id=self.ids["device"],
            seq=1,
            batch="kept",
            content_hash="0" * 64,
            t0=MATCH[0],
            t1=MATCH[0],
            n=1,
            received=now(),
            response={},
        )
        self.add("batch", batch)
        self.session.get_one(Device, batch.device_id).ingest_seq = batch.seq
        sample = {"t": np.array([MATCH[0]]), "gnss.speed": np.array([3.2])}
        pieces = store.tail_pieces({"samples": sample})
        store.append(self.session, [store.Arrival(batch.device_id, batch.seq, pieces)])
        self.add("reading of the athlete", self.reading("athlete", MATCH[0]))
        self.add("parameter", self.parameter("max_hr", Y2020))
        self.add("older_parameter", self.parameter("max_hr", Y2019))
        change = AuditEvent(
            time=MATCH[0],
            actor_id=self.ids["admin"],
            actor="admin",
            action="device.change",
            kind="device",
            target_id=self.ids["device"],
            before={},
            after={},
        )
        self.add("change of a device", change)
        sha256 = self.objects.put(b"not a recording")
        for name, uploader, of in (
            ("device_file", "former", {"device_id": self.ids["device"]}),
            ("athlete_file", "writer", {"athlete_id": self.ids["athlete"]}),
        ):
            file = UploadedFile(
                name="run.fit",
                sha256=sha256,
                size=15,
                uploader_id=self.ids[uploader],
                created=now(),
                **of,
            )
            self.add(name, file)

    def events(self) -> None:
        """What is told of some of these, numbered; by name ``event of`` and what it speaks of."""
        session, ids = self.session, self.ids
        for name in (*MANAGERS, *ATHLETES, "admin"):
            announcements.of_user(session, "created", session.get_one(User, ids[name]))
            self.event_of(name)
        read = session.get_one(Permission, ids["READ of reader"])
        announcements.of_permissions(session, events.PERMISSION_GRANTED, [read])
        self.event_of("READ of reader")
        device = session.get_one(Device, ids["device"])
        announcements.of_device(session, events.DEVICE_UPDATED, device, ["custom_name"])
        self.event_of("device")
        ownership = session.get_one(DeviceOwnership, ids["ownership of former"])
        announcements.of_ownership(session, events.OWNERSHIP_UPDATED, ownership)
        self.event_of("ownership of former")
        activity = session.get_one(Activity, ids["match_activity"])
        announcements.of_activity(session, events.ACTIVITY_CREATED, activity)
        self.event_of("match_activity")
        frame = session.get_one(TimeFrame, ids["match_frame"])
        announcements.of_timeframe(session, events.TIMEFRAME_CREATED, frame, 0, {})
        self.event_of("match_frame")
        announcements.of_timeframe(session, events.TIMEFRAME_COMPUTED, frame, 1, {})
        self.event_of("result")
        announcements.of_job(session, events.JOB_CREATED, session.get_one(Job, ids["job"]))
        self.event_of("job")
        # Without deliveries of them.
        with patch.object(sequencer, "AFTER", (sequencer.write_audience,)):
            while sequencer.assign(session):
                continue

    def event_of(self, name: str) -> None:
        newest = select(Event.id).order_by(Event.number.desc()).limit(1)
        self.ids[f"event of {name}"] = self.session.scalars(newest).one()

    def edition(self, frame: str, number: int) -> ComputedData:
        return ComputedData(
            timeframe_id=self.ids[frame],
            edition=number,
            document={"edition": number, "metrics": {}, "parameters": {}, "input": {}},
            digest="0" * 64,
            fingerprint="0" * 64,
            created=now(),
        )

    def parameter(self, name: str, valid_from: int) -> AthleteParameter:
        return AthleteParameter(
            athlete_id=self.ids["athlete"],
            name=name,
            value=190.0,
            valid_from=valid_from,
            created=now(),
        )

    def member(self, athlete: str, start: int, end: int) -> TeamMember:
        return TeamMember(
            team_id=self.ids["team"],
            athlete_id=self.ids[athlete],
            start_time=start,
            end_time=end,
            groups=["Defence"],
        )

    def webhooks(self) -> None:
        """One that was told of one event, and one that has yet to answer its challenge."""
        self.add("webhook", self.webhook("match_activity"))
        pending = self.webhook("later_activity")
        pending.state, pending.reason, pending.verify = "pending", "no answer yet", True
        self.add("pending_webhook", pending)
        self.told("told_event")

    def told(self, name: str) -> None:
        """An event of the match and its delivery to the webhook; the id of both is a text."""
        log = self.session.get_one(EventLog, 1)
        log.last += 1
        event = Event(
            id=str(uuid5(NAMESPACE_OID, name)),
            sequence=log.last,
            type="activity.updated",
            created=MATCH[0],
            kind="activity",
            resource_id=self.ids["match_activity"],
            activity_id=self.ids["match_activity"],
            revision=log.last,
            data={"changed": ["name"]},
            owner_id=self.ids["owner"],
        )
        self.session.add(event)
        self.session.flush()
        delivery = Delivery(
            **{**delivery_plan.planned(self.ids["webhook"], event), "state": "delivered"}
        )
        delivery.attempts, delivery.status, delivery.finished = 1, 200, MATCH[0]
        delivery.log = [
            DeliveryAttempt(
                webhook_id=delivery.webhook_id, time=MATCH[0], milliseconds=9, status=200
            )
        ]
        self.session.add(delivery)
        self.session.flush()
        self.ids[name] = event.id  # type: ignore[assignment]

    def webhook(self, activity: str) -> Webhook:
        return Webhook(
            activity_id=self.ids[activity],
            owner_id=self.ids["owner"],
            webhook_url="https://club.example/hook",
            secret_sealed=secrets.seal("a secret of the club's"),
            activity_events=True,
            timeframes_events=False,
            created=now(),
        )

    def reading(self, athlete: str, hour: int) -> AccessEvent:
        return AccessEvent(
            athlete_id=self.ids[athlete],
            reader_id=self.ids["reader"],
            reader="reader",
            role="MANAGER",
            kind="profile",
            program="Club AMS",
            hour=hour,
            time=hour,
        )

    def match(
        self, name: str, owner: str, athlete: str, device: str, when: tuple[int, int]
    ) -> None:
        activity = Activity(
            name=f"{name} of 2020",
            json={"sport": "tennis", "type": "match"},
            json_schema_id=self.ids["activity_schema"],
            owner_id=self.ids[owner],
            created=now(),
        )
        self.add(f"{name}_activity", activity)
        frame = TimeFrame(
            start_time=when[0],
            end_time=when[1],
            params={},
            device_id=self.ids[device],
            activity_id=activity.id,
            athlete_id=self.ids[athlete],
            owner_id=self.ids[owner],
            json_schema_id=self.ids["timeframe_schema"],
        )
        self.add(f"{name}_frame", frame)
        self.session.add(ComputeState(timeframe_id=frame.id))

    def credentials(self) -> tuple[str, str]:
        client, secret = clients.create(self.session, Actor.operator(), "tests", ["password"])
        self.session.flush()
        self.ids["client"] = client.id
        newest = select(func.max(AuditEvent.id))
        self.ids["making of the client"] = self.session.scalars(newest).one()
        for name in (*MANAGERS, *ATHLETES, "admin"):
            self.token(client, name, name)
        self.token(client, "expired", "owner", seconds=-1)
        self.token(client, "owner_read_only", "owner", scope="read")
        self.token(client, "athlete_read_only", "athlete", scope="read")
        self.session.get_one(User, self.ids["owner"]).password_hash = hash_password(PASSWORD)
        assert secret is not None
        return client.client_id, secret

    def token(
        self, client: OAuthClient, name: str, user: str, scope: str = "all", seconds: int = 36_000
    ) -> None:
        pair = tokens.new_pair()
        tokens.issue(
            self.session,
            pair,
            client_id=client.id,
            user_id=self.ids[user],
            scope=scope,
            seconds=seconds,
        )
        self.tokens[name] = pair.access

    def one_more(self, number: str) -> None:
        """Of everything that a list shows."""
        athlete = User(
            username=f"athlete {number}",
            role="ATHLETE",
            extra_permissions=[],
            created=now(),
            managed_by_id=self.ids["managing"],
            athlete_profile=AthleteProfile(first_name=number),
        )
        self.add(athlete.username, athlete)
        self.permit(athlete.username, "reader", "READ", Y2020, MANAGED_UNTIL)
        self.permit("athlete", "reader", "READ", Y2019, Y2020)
        device = Device(serial_number=number, device_name=number, device_type="vest")
        self.add(f"device {number}", device)
        ownership = DeviceOwnership(
            device_id=device.id,
            manager_id=self.ids["owner"],
            start_time=Y2020,
            end_time=FAR_FUTURE,
        )
        self.add(f"ownership {number}", ownership)
        self.match(number, "owner", athlete.username, f"device {number}", MATCH)
        self.add(f"member {number}", self.member(athlete.username, Y2020, Y2021))
        team = Team(name=number, groups=[], owner_id=self.ids["reader"], created=now())
        self.add(f"team {number}", team)
        self.add(f"webhook {number}", self.webhook("match_activity"))
        self.told(f"told {number}")
        self.session.add(self.reading("athlete", Y2021 + int(number)))
        self.session.add(self.parameter("max_hr", Y2021 + int(number)))
        self.session.add(self.edition("match_frame", int(number) + 1))
