"""Who may do what with whose data when: one rule book, three renderings.

``RULES`` is the table of contract/insiders.md section 7 with the additions of contract/touchline.md
section 10. A rule names, for each role, the *grounds* that must all hold; each ground is a set of
half-open windows, and the rule says at what time they count: now, over the whole interval of the
thing, or ever. The renderings read the same table:

- ``require`` returns or raises, for one thing;
- ``windows`` gives the windows themselves, for sockets and exports;
- ``clause`` gives the SQL condition, for lists.

Reads of an athlete's data by another person are logged (core.models.access): ``require`` and
``windows`` note them by themselves, and whoever selects rows by ``clause`` hands those that leave
to ``given``. ``Database.read`` stores what was noted before anybody has the result.

Events of the change feed are judged by the rules of what they speak of (``EVENT_ACTIONS``), over
what the event remembers of it: ``event_allowed`` and ``event_clause``.

A role that a rule does not name has no right. A scope can only narrow (``SCOPES``).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import ColumnElement, String, and_, cast, exists, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from core import clock, events
from core.errors import Forbidden, NotFound
from core.intervals import Window, contains, covers, intersect, union
from core.models import (
    Activity,
    Device,
    DeviceOwnership,
    Event,
    EventAudience,
    Job,
    JsonSchema,
    Permission,
    Team,
    TimeFrame,
    UploadedFile,
    User,
    Webhook,
)
from core.models.access import Read
from core.models.db import READS
from core.models.users import ADMINISTRATOR, ATHLETE, CAN_CREATE_MANAGED_ATHLETES, MANAGER

OPERATOR = "OPERATOR"
DEVICE = "DEVICE"

# all: what the role allows. read: the rules marked ``reads``.
SCOPES = ("all", "read")

ALWAYS = Window(-(2**63), 2**63 - 1)


@dataclass(frozen=True)
class Actor:
    """Who asks. ``OPERATOR`` is the command line: it acts as an administrator without an account.
    ``DEVICE`` is a device with its uplink token: it sends its own samples and does nothing else.

    ``scopes`` can only narrow what the role allows. ``via``: by what reads leave where that is
    neither a client nor a page.
    """

    user_id: int | None
    role: str
    extra_permissions: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset({"all"})
    client_id: int | None = None
    device_id: int | None = None
    via: str = ""

    @classmethod
    def operator(cls) -> "Actor":
        return cls(user_id=None, role=OPERATOR)

    @property
    def administers(self) -> bool:
        return self.role in (ADMINISTRATOR, OPERATOR)


@dataclass(frozen=True)
class Samples:
    """The samples of a device over ``[start, stop)``: a thing that is no row."""

    device_id: int
    start: int
    stop: int


@dataclass(frozen=True)
class Stretch:
    """What is known of an athlete over ``[start, stop)``: a thing that is no row."""

    athlete_id: int
    start: int
    stop: int


# What each kind of thing calls the parts that rules speak of.
FIELDS: Mapping[type, Mapping[str, str]] = {
    User: {"account": "id", "athlete": "id", "manager": "managed_by_id"},
    Activity: {"owner": "owner_id"},
    TimeFrame: {
        "owner": "owner_id",
        "athlete": "athlete_id",
        "device": "device_id",
        "start": "start_time",
        "stop": "end_time",
    },
    Device: {"device": "id"},
    DeviceOwnership: {
        "owner": "manager_id",
        "device": "device_id",
        "start": "start_time",
        "stop": "end_time",
    },
    Permission: {"athlete": "athlete_id", "start": "start_time", "stop": "expiration_time"},
    Job: {"owner": "submitter_id"},
    Team: {"owner": "owner_id"},
    Webhook: {"owner": "owner_id"},
    Samples: {"device": "device_id", "start": "start", "stop": "stop"},
    Stretch: {"account": "athlete_id", "athlete": "athlete_id", "start": "start", "stop": "stop"},
    JsonSchema: {},
    Event: {
        "owner": "owner_id",
        "account": "athlete_id",
        "athlete": "athlete_id",
        "manager": "manager_id",
        "device": "device_id",
        "start": "start_time",
        "stop": "end_time",
    },
}


def _part(kind: type, thing: Any, part: str) -> Any:
    """The ``part`` of a thing, or of its class: then a column."""
    return getattr(thing, FIELDS[kind][part])


def _any(row: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Some row fulfils them. Everything but the row itself belongs to the query around: left to
    guess, SQLAlchemy would select the outermost table anew in an EXISTS within an EXISTS.
    """
    return exists().where(*conditions).correlate_except(row)


class Ground(Protocol):
    """One condition of a rule."""

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        """When it holds for this actor and thing."""

    def clause(self, actor: Actor, kind: Any, rule: "Rule", now: int) -> ColumnElement[bool]:
        """The same as SQL, over the rows of ``kind``."""

    def refusal(self, thing: Any, rule: "Rule") -> str:
        """What to say where it does not hold."""


@dataclass(frozen=True)
class Is:
    """The actor is this part of the thing: always or never. ``who`` reads the actor."""

    part: str
    says: str
    who: str = "user_id"

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        mine = getattr(actor, self.who)
        return [ALWAYS] if mine is not None and _part(type(thing), thing, self.part) == mine else []

    def clause(self, actor: Actor, kind: Any, rule: "Rule", now: int) -> ColumnElement[bool]:
        mine = getattr(actor, self.who)
        return false() if mine is None else _part(kind, kind, self.part) == mine

    def refusal(self, thing: Any, rule: "Rule") -> str:
        return self.says


@dataclass(frozen=True)
class Holds:
    """The actor's account carries an extra permission."""

    name: str

    def _exists(self, actor: Actor) -> ColumnElement[bool]:
        user = aliased(User)
        listed = cast(user.extra_permissions, String).contains(f'"{self.name}"', autoescape=True)
        return exists().where(user.id == actor.user_id, listed)

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        return [ALWAYS] if session.scalar(select(self._exists(actor))) else []

    def clause(self, actor: Actor, kind: Any, rule: "Rule", now: int) -> ColumnElement[bool]:
        return self._exists(actor)

    def refusal(self, thing: Any, rule: "Rule") -> str:
        return f"this needs the extra permission {self.name}"


@dataclass(frozen=True)
class Rows:
    """Windows that stand in a table: the rows of ``model`` that ``mine`` picks for the actor and
    whose ``column`` is the thing's ``part``.
    """

    model: Any
    start: str
    stop: str
    column: str
    part: str
    mine: Callable[[Any, Actor], Sequence[ColumnElement[bool]]]
    what: str

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        subject = _part(type(thing), thing, self.part)
        row = self.model
        found = session.execute(
            select(getattr(row, self.start), getattr(row, self.stop)).where(
                getattr(row, self.column) == subject, *self.mine(row, actor)
            )
        )
        return union(Window(start, stop) for start, stop in found)

    def clause(self, actor: Actor, kind: Any, rule: "Rule", now: int) -> ColumnElement[bool]:
        conditions = []
        if rule.now:
            conditions.append(self._at(actor, kind, now))
        if rule.interval:
            conditions.append(self._over(actor, kind))
        if not conditions:
            row = aliased(self.model)
            conditions.append(_any(row, *self._of(row, actor, kind)))
        return and_(*conditions)

    def _of(self, row: Any, actor: Actor, kind: Any) -> list[ColumnElement[bool]]:
        same = getattr(row, self.column) == _part(kind, kind, self.part)
        return [same, *self.mine(row, actor)]

    def _at(self, actor: Actor, kind: Any, moment: Any) -> ColumnElement[bool]:
        row = aliased(self.model)
        start, stop = getattr(row, self.start), getattr(row, self.stop)
        return _any(row, *self._of(row, actor, kind), start <= moment, moment < stop)

    def _over(self, actor: Actor, kind: Any) -> ColumnElement[bool]:
        """Cover by a union of rows: the interval's start lies in a row, and so does every row's
        stop that falls inside the interval. Otherwise the first gap begins at one of those.
        """
        begin, end = _part(kind, kind, "start"), _part(kind, kind, "stop")
        row = aliased(self.model)
        stop = getattr(row, self.stop)
        elsewhere = ~self._at(actor, kind, stop)
        gap = _any(row, *self._of(row, actor, kind), begin < stop, stop < end, elsewhere)
        return and_(begin < end, self._at(actor, kind, begin), ~gap)

    def refusal(self, thing: Any, rule: "Rule") -> str:
        if rule.interval:
            when = " over the whole interval" + (" and now" if rule.now else "")
        else:
            when = " now" if rule.now else ""
        return f"{self.what} {_part(type(thing), thing, self.part)}{when}"


@dataclass(frozen=True)
class Told:
    """The event is of what took the right to see it along, and the actor held that right then."""

    def _exists(self, actor: Actor, sequence: Any) -> ColumnElement[bool]:
        row = aliased(EventAudience)
        return _any(row, row.user_id == actor.user_id, row.sequence == sequence)

    def windows(self, session: Session, actor: Actor, thing: Any) -> list[Window]:
        return [ALWAYS] if session.scalar(select(self._exists(actor, thing.sequence))) else []

    def clause(self, actor: Actor, kind: Any, rule: "Rule", now: int) -> ColumnElement[bool]:
        return self._exists(actor, kind.sequence)

    def refusal(self, thing: Any, rule: "Rule") -> str:
        return "this is for who held the right that it ended"


def _permission(right: str) -> Rows:
    return Rows(
        Permission,
        "start_time",
        "expiration_time",
        column="athlete_id",
        part="athlete",
        mine=lambda row, actor: (row.manager_id == actor.user_id, row.permission == right),
        what=f"this needs {right} on athlete",
    )


READ, WRITE, SHARE = _permission("READ"), _permission("WRITE"), _permission("SHARE")
OWNS_DEVICE = Rows(
    DeviceOwnership,
    "start_time",
    "end_time",
    column="device_id",
    part="device",
    mine=lambda row, actor: (row.manager_id == actor.user_id,),
    what="this needs ownership of device",
)
OWN_FRAMES = Rows(
    TimeFrame,
    "start_time",
    "end_time",
    column="device_id",
    part="device",
    mine=lambda row, actor: (row.athlete_id == actor.user_id,),
    what="this needs a time frame of yours on device",
)
SELF = Is("account", "only the account's own holder may do this")
OWNER = Is("owner", "only the owner may do this")
MANAGES = Is("manager", "only the athlete, or the manager who manages them, may do this")
OWN_ATHLETE = Is("athlete", "only the athlete may do this")
MANAGED = Is("manager", "only the manager who manages the athlete may do this")

Grounds = Mapping[str, tuple[Ground, ...]]

# What the access log calls the kinds of an athlete's data.
PROFILE, TIMEFRAMES, SAMPLES, FILES = "profile", "timeframes", "samples", "files"
PARAMETERS = "parameters"


@dataclass(frozen=True)
class Rule:
    """``grounds``: role → what must all hold; nothing named for a role means never, an empty tuple
    always. ``now`` and ``interval``: when it must hold; neither means ever. ``reads``: it changes
    nothing. ``hidden``: a thing out of reach is answered as if it were not there. ``logs``: what is
    read of the athlete, as the access log calls it.
    """

    grounds: Grounds
    now: bool = False
    interval: bool = False
    reads: bool = False
    hidden: bool = False
    logs: str | None = None


def _read(
    grounds: Grounds, *, now: bool = False, interval: bool = False, logs: str | None = None
) -> Rule:
    """Administrators may read what anyone may read."""
    return Rule({ADMINISTRATOR: (), **grounds}, now=now, interval=interval, reads=True, logs=logs)


RULES: Mapping[str, Rule] = {
    "manager.read": _read({MANAGER: (SELF,)}, now=True),
    "manager.change": Rule({MANAGER: (SELF,)}, now=True),
    "athlete.read": _read({MANAGER: (READ,), ATHLETE: (SELF,)}, now=True, logs=PROFILE),
    "athlete.change": Rule({ATHLETE: (SELF,)}, now=True),
    "athlete.upload": Rule({MANAGER: (WRITE,), ATHLETE: (SELF,)}, now=True),
    # The thing is the manager who will manage.
    "athlete.create_managed": Rule({MANAGER: (SELF, Holds(CAN_CREATE_MANAGED_ATHLETES))}, now=True),
    # The thing is the athlete.
    "athlete.change_managed": Rule(
        {MANAGER: (MANAGED, Holds(CAN_CREATE_MANAGED_ATHLETES))}, now=True
    ),
    "athlete.delete": Rule({ATHLETE: (SELF,)}, now=True),
    "athlete.delete_managed": Rule({MANAGER: (MANAGED,)}, now=True),
    "athlete.export": _read({ATHLETE: (SELF,), MANAGER: (MANAGED,)}, now=True, logs="export"),
    "parameter.read": _read({MANAGER: (READ,), ATHLETE: (SELF,)}, now=True, logs=PARAMETERS),
    # The thing is the stretch of the past that the parameter is valid for, the present at least.
    "parameter.change": Rule({MANAGER: (WRITE,), ATHLETE: (SELF,)}, now=True, interval=True),
    "permission.read": _read({ATHLETE: (SELF,), MANAGER: (MANAGES,)}, now=True, logs="permissions"),
    "access_log.read": _read({ATHLETE: (SELF,), MANAGER: (MANAGES,)}, now=True),
    "permission.change": Rule({ATHLETE: (SELF,), MANAGER: (MANAGES,)}, now=True),
    # The thing is the READ permission that a holder of SHARE is about to give.
    "permission.share": Rule({MANAGER: (SHARE,)}, now=True, interval=True),
    "activity.read": _read({MANAGER: (OWNER,)}, now=True),
    "activity.change": Rule({MANAGER: (OWNER,)}, now=True),
    # Of a webhook by itself: its activity may be gone.
    "webhook.read": _read({MANAGER: (OWNER,)}, now=True),
    "webhook.change": Rule({MANAGER: (OWNER,)}, now=True),
    "timeframe.read": _read(
        {MANAGER: (OWNER,), ATHLETE: (OWN_ATHLETE,)}, now=True, logs=TIMEFRAMES
    ),
    "timeframe.delete": Rule({MANAGER: (OWNER,)}, now=True),
    # Creating and changing: judged on the frame as it will be.
    "timeframe.change": Rule({MANAGER: (OWNER, WRITE, OWNS_DEVICE)}, interval=True),
    "computed.read": _read(
        {MANAGER: (READ,), ATHLETE: (OWN_ATHLETE,)}, interval=True, logs="computed"
    ),
    "computed.stream": _read({MANAGER: (READ,)}, now=True, logs="computed"),
    "samples.read": _read(
        {MANAGER: (OWNS_DEVICE,), ATHLETE: (OWN_FRAMES,)}, interval=True, logs=SAMPLES
    ),
    "samples.latest": _read({MANAGER: (OWNS_DEVICE,)}, now=True, logs=SAMPLES),
    # The thing is a frame: where its samples are on the field of its activity.
    "samples.place": Rule({MANAGER: (OWNER,)}, now=True, reads=True),
    # The thing is the device, here and below.
    "device.uplink": Rule(
        {
            MANAGER: (OWNS_DEVICE,),
            DEVICE: (Is("device", "an uplink token serves its own device only", "device_id"),),
        },
        now=True,
    ),
    "device.list": _read({MANAGER: (OWNS_DEVICE,)}),
    "device.read": _read({MANAGER: (OWNS_DEVICE,)}, now=True),
    "device.change": Rule({MANAGER: (OWNS_DEVICE,)}, now=True),
    "ownership.read": _read({MANAGER: (OWNER,)}),
    "schema.read": _read({MANAGER: ()}, now=True),
    "administration.read": Rule({ADMINISTRATOR: ()}, now=True, reads=True),
    "team.read": _read({MANAGER: (OWNER,)}, now=True),
    "team.change": Rule({MANAGER: (OWNER,)}, now=True),
    # The thing is an event, here and below: of one's own account, permission held or account.
    "event.own": _read({MANAGER: (OWNER,), ATHLETE: (OWNER,)}, now=True),
    "event.told": _read({MANAGER: (Told(),), ATHLETE: (Told(),)}, now=True),
    "job.read": Rule(
        {MANAGER: (OWNER,), ATHLETE: (OWNER,), ADMINISTRATOR: (OWNER,)},
        now=True,
        reads=True,
        hidden=True,
    ),
}


def _grounds(actor: Actor, rule: Rule) -> tuple[Ground, ...] | None:
    """What this actor must fulfil; None: nothing would help."""
    if "all" not in actor.scopes and not (rule.reads and "read" in actor.scopes):
        return None
    return rule.grounds.get(ADMINISTRATOR if actor.administers else actor.role)


def _fulfilled(rule: Rule, windows: Sequence[Window], thing: Any, now: int) -> bool:
    if rule.now and not contains(windows, now):
        return False
    if rule.interval:
        kind = type(thing)
        return covers(windows, Window(_part(kind, thing, "start"), _part(kind, thing, "stop")))
    return bool(windows)


def _refusal(
    session: Session, actor: Actor, action: str, thing: Any, now: int | None
) -> str | None:
    """Why the actor may not; None: they may."""
    rule, moment = RULES[action], clock.now() if now is None else now
    grounds = _grounds(actor, rule)
    if grounds is None:
        return "your role or your token's scope does not allow this"
    return next(
        (
            ground.refusal(thing, rule)
            for ground in grounds
            if not _fulfilled(rule, ground.windows(session, actor, thing), thing, moment)
        ),
        None,
    )


def require(
    session: Session, actor: Actor, action: str, thing: Any, *, now: int | None = None
) -> None:
    """Return if the actor may; else raise Forbidden saying what is missing (NotFound where even
    the existence is nobody else's business). A read of an athlete's data is noted for the log.
    """
    reason = _refusal(session, actor, action, thing, now)
    rule = RULES[action]
    if reason is not None:
        raise NotFound("no such thing") if rule.hidden else Forbidden(reason)
    if rule.logs is not None:
        given(session, actor, [thing], rule.logs)


def allowed(
    session: Session, actor: Actor, action: str, thing: Any, *, now: int | None = None
) -> bool:
    """``require`` as a question; asking reads nothing."""
    return _refusal(session, actor, action, thing, now) is None


def windows(session: Session, actor: Actor, action: str, thing: Any) -> list[Window]:
    """When the actor's grounds for this action on this thing hold, whatever time the rule asks
    for; sorted and disjoint. ``[ALWAYS]`` where time plays no part. A read is noted for the log.
    """
    rule = RULES[action]
    grounds = _grounds(actor, rule)
    if grounds is None:
        return []
    held = [ALWAYS]
    for ground in grounds:
        held = intersect(held, ground.windows(session, actor, thing))
    if held and rule.logs is not None:
        given(session, actor, [thing], rule.logs)
    return held


def given(session: Session, actor: Actor, things: Iterable[Any], kind: str | None = None) -> None:
    """Note that the actor reads these things, where they are an athlete's and the athlete is
    somebody else. ``kind``: what the access log calls it, else what it is by itself.
    """
    if actor.user_id is None:
        return
    noted = session.info.setdefault(READS, set())
    for thing in things:
        word = kind or _word(actor, thing)
        if word is not None:
            noted.update(
                Read(athlete, actor.user_id, word, actor.client_id, actor.via)
                for athlete in _athletes(session, thing)
                if athlete != actor.user_id
            )


def _word(actor: Actor, thing: Any) -> str | None:
    if not isinstance(thing, Event):
        return _KINDS.get(type(thing))
    own = thing.kind == events.PERMISSION and thing.owner_id == actor.user_id
    gone = thing.type in (events.ATHLETE_DELETED, events.TIMEFRAME_DELETED)
    return None if own or gone else _by_type(_EVENT_WORDS, thing.type)


_KINDS = {User: PROFILE, TimeFrame: TIMEFRAMES, UploadedFile: FILES, Samples: SAMPLES}


def _athletes(session: Session, thing: Any) -> Iterable[int]:
    """Whose data is it? The samples of a device are of who wore it by a time frame; what a device's
    file holds is not known here, so that it counts as of everybody who ever wore the device.
    """
    if isinstance(thing, User):
        return [thing.id] if thing.role == ATHLETE else []
    if isinstance(thing, UploadedFile) and thing.athlete_id is not None:
        return [thing.athlete_id]
    if isinstance(thing, TimeFrame | Permission):
        return [thing.athlete_id]
    if isinstance(thing, Event):
        return [] if thing.athlete_id is None else [thing.athlete_id]
    wearers = select(TimeFrame.athlete_id).where(TimeFrame.device_id == thing.device_id).distinct()
    if isinstance(thing, Samples):
        wearers = wearers.where(TimeFrame.start_time < thing.stop, thing.start < TimeFrame.end_time)
    return session.scalars(wearers).all()


def clause(actor: Actor, action: str, kind: Any, *, now: int | None = None) -> ColumnElement[bool]:
    """The rows of the mapped class ``kind`` on which the actor may do this, as an SQL condition."""
    rule, moment = RULES[action], clock.now() if now is None else now
    grounds = _grounds(actor, rule)
    if grounds is None:
        return false()
    return and_(true(), *(ground.clause(actor, kind, rule, moment) for ground in grounds))


# Event type, else its kind → the actions of which one is enough to see it. What is gone is seen by
# who saw it; a permission by who holds or held it, too; a result by who may read that result.
EVENT_ACTIONS: Mapping[str, tuple[str, ...]] = {
    events.USER: ("event.own",),
    events.ATHLETE: ("athlete.read",),
    events.ATHLETE_DELETED: ("event.told",),
    events.PERMISSION: ("permission.read", "event.own"),
    events.DEVICE: ("device.list",),
    events.DEVICE_DELETED: ("event.told",),
    events.OWNERSHIP: ("ownership.read",),
    events.ACTIVITY: ("activity.read",),
    events.TIMEFRAME: ("timeframe.read",),
    events.TIMEFRAME_DELETED: ("timeframe.read", "computed.read"),
    events.TIMEFRAME_COMPUTED: ("computed.read",),
    events.TIMEFRAME_RESTATED: ("computed.read",),
    events.JOB: ("job.read",),
}
# What reading an event reads of the athlete, in the access log's words.
_EVENT_WORDS = {
    events.ATHLETE: PROFILE,
    events.PERMISSION: "permissions",
    events.TIMEFRAME: TIMEFRAMES,
    events.TIMEFRAME_COMPUTED: "computed",
    events.TIMEFRAME_RESTATED: "computed",
}


def _by_type(table: Mapping[str, Any], type: str) -> Any:
    return table.get(type) or table.get(type.partition(".")[0])


def event_allowed(session: Session, actor: Actor, event: Event, *, now: int | None = None) -> bool:
    """May the actor see this event, in the feed or by webhook? Administrators see every one.
    Asking reads nothing: who hands it out calls ``given``.
    """
    if actor.administers:
        return _grounds(actor, RULES["event.told"]) is not None
    actions = _by_type(EVENT_ACTIONS, event.type)
    return any(allowed(session, actor, action, event, now=now) for action in actions)


def event_clause(actor: Actor, *, now: Any = None) -> ColumnElement[bool]:
    """``event_allowed`` as SQL, over Event. ``now`` and the actor's ``user_id`` may be parameters
    of a statement that is made once (core.services.changes).
    """
    if actor.administers:
        return false() if _grounds(actor, RULES["event.told"]) is None else true()
    alike: dict[tuple[str, ...], list[str]] = {}
    for type in events.TYPES:
        alike.setdefault(_by_type(EVENT_ACTIONS, type), []).append(type)
    return or_(
        *(
            and_(
                Event.type.in_(types),
                or_(*(clause(actor, action, Event, now=now) for action in actions)),
            )
            for actions, types in alike.items()
        )
    )


def require_role(actor: Actor, *roles: str) -> None:
    """For what hangs on the role alone and changes something."""
    role = ADMINISTRATOR if actor.administers else actor.role
    if role not in roles or "all" not in actor.scopes:
        raise Forbidden(f"this needs the role {' or '.join(roles)} and the scope all")


def require_manager(actor: Actor) -> None:
    require_role(actor, MANAGER)


def require_administrator(actor: Actor) -> None:
    require_role(actor, ADMINISTRATOR)


def require_schema_reader(actor: Actor) -> None:
    """Managers and administrators read every JSON schema."""
    if _grounds(actor, RULES["schema.read"]) is None:
        raise Forbidden("only managers and administrators read JSON schemas")


def require_administration_reader(actor: Actor) -> None:
    """Administrators see every account, client, device and change."""
    if _grounds(actor, RULES["administration.read"]) is None:
        raise Forbidden("only administrators see this")
