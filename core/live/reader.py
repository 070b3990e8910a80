"""A socket that follows something: what it has been given, and what waits until it may be given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from core.channels import TEAM
from core.policy import Actor

from .messages import Shape, Update, withheld
from .wire import Wire


class Kind(Enum):
    """What a reader follows."""

    FRAME = "time frame"
    ACTIVITY = "activity"
    DEVICE = "device"


@dataclass(eq=False, slots=True)
class Reader:
    """``subject`` is the id of what is followed. ``seqs`` holds, for each key that may be given,
    the newest number given: it never goes back. A key in ``held`` waits for what the database says,
    and its messages with it; until ``begin`` all do. ``withheld``: some of the activity's time
    frames are not permitted. What a device measured before ``owned_from`` is another's.
    """

    wire: Wire
    actor: Actor
    token: str
    channel: str
    kind: Kind
    subject: int
    shape: Shape
    team_shape: Shape | None = None  # of the activity's own messages, for who wants them
    seqs: dict[int, int] = field(default_factory=dict)
    held: dict[int, list[Update]] = field(default_factory=dict)
    early: list[Update] | None = field(default_factory=list)
    withheld: bool = False
    owned_from: int = 0
    took: bool = False  # something since the access log was last written

    @property
    def group(self) -> "Group":
        return Group(self.kind, self.subject, self.actor, self.token)

    @property
    def begun(self) -> bool:
        return self.early is None

    def begin(self, known: Mapping[int, "Known"]) -> None:
        """Give what the database knows of each key, then what came meanwhile."""
        early, self.early = self.early or [], None
        for key, what in known.items():
            self.seqs[key] = what.start
            self.release(key, what)
        for update in early:
            self.take(update)

    def hold(self, key: int) -> None:
        """Messages of ``key`` wait until ``release``."""
        self.held.setdefault(key, [])

    def release(self, key: int, known: "Known") -> None:
        waiting = self.held.pop(key, [])
        for update in known.updates:
            if update.seq > self.seqs[key]:
                self._send(update)
        self.seqs[key] = max(self.seqs[key], known.reached)
        for update in waiting:
            self.take(update)

    def take(self, update: Update) -> bool:
        """Give a message, if it is news and permitted. False: somebody has to look, because its key
        is unknown, or because increments are missing.
        """
        key, seq = update.key, update.seq
        if self.early is not None:
            self.early.append(update)
        elif self.held and key in self.held:
            self.held[key].append(update)
        elif (last := self.seqs.get(key)) is None:
            return key == TEAM
        elif seq > last:
            if not update.state and seq > last + 1:
                self.held[key] = [update]
                return False
            self._send(update)
        return True

    def _send(self, update: Update) -> None:
        shape = self.shape
        if update.key == TEAM and self.kind is Kind.ACTIVITY:
            if self.withheld or self.team_shape is None:
                return
            if not update.members <= self.seqs.keys():
                return  # of a time frame that nobody has asked about yet whether it is permitted
            shape = self.team_shape
        elif self.kind is Kind.DEVICE and update.first < self.owned_from:
            update = withheld(update)
        self.seqs[update.key] = update.seq
        self.took = True
        self.wire.offer(update.shaped(shape))


class Group(NamedTuple):
    """Who may follow the same for the same reason, until the same end."""

    kind: Kind
    subject: int
    actor: Actor
    token: str


class Known(NamedTuple):
    """What the database knows of one key: the number from which on the reader wants to know more,
    what there is since, and how far that goes.
    """

    start: int
    updates: Sequence[Update]
    reached: int
