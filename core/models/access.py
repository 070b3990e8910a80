"""The access log: who read an athlete's data. And what clients ask of us, counted by day."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from core.clock import now

from .base import Base, moment, pk
from .oauth import OAuthClient
from .users import User

HOUR = 3_600_000
# Athletes named in one statement: SQLite takes 32,766 parameters at most.
_CHUNK = 10_000


class AccessEvent(Base):
    """Within the hour that begins at ``hour``, this person read this kind of this athlete's data
    through this program (an OAuth client's name, a webhook; empty: the platform's own pages);
    ``time`` is the first such read. One row per hour, however often they asked.
    """

    __tablename__ = "access_event"
    __table_args__ = (
        UniqueConstraint("athlete_id", "reader_id", "kind", "program", "hour"),
        Index("ix_access_event_athlete", "athlete_id", "time"),
    )

    id: Mapped[pk]
    athlete_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    reader_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="SET NULL"), index=True
    )
    reader: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    program: Mapped[str] = mapped_column(String(255), default="")
    hour: Mapped[moment]
    time: Mapped[moment]


class ClientUsage(Base):
    """What one OAuth client asked for on one day (UTC): requests served, and refused by a 429."""

    __tablename__ = "client_usage"

    client_id: Mapped[int] = mapped_column(
        ForeignKey("oauth_client.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    day: Mapped[str] = mapped_column(String(10), primary_key=True)  # YYYY-MM-DD
    requests: Mapped[int] = mapped_column(default=0)
    refused: Mapped[int] = mapped_column(default=0)


@dataclass(frozen=True)
class Read:
    """A person has read a kind of an athlete's data, through a client, ``via`` something else, or
    on a page.
    """

    athlete_id: int
    reader_id: int
    kind: str
    client_id: int | None = None
    via: str = ""


class ReadMemory:
    """Which reads of this hour this process has stored already: polling writes no row a second."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hour = 0
        self._stored: set[Read] = set()

    def unknown(self, reads: Iterable[Read], hour: int) -> set[Read]:
        with self._lock:
            if hour != self._hour:
                self._hour, self._stored = hour, set()
            return set(reads) - self._stored

    def stored(self, reads: Iterable[Read], hour: int) -> None:
        with self._lock:
            if hour == self._hour:
                self._stored.update(reads)


def this_hour() -> int:
    return now() // HOUR * HOUR


def store(session: Session, reads: Iterable[Read]) -> None:
    """A row for each read that this hour has none of; people deleted meanwhile are passed over."""
    insert = (sqlite if session.get_bind().dialect.name == "sqlite" else postgresql).insert
    groups: dict[tuple[int, str, int | None, str], list[int]] = {}
    for read in reads:
        group = (read.reader_id, read.kind, read.client_id, read.via)
        groups.setdefault(group, []).append(read.athlete_id)
    columns = ("athlete_id", "reader_id", "reader", "role", "kind", "program", "hour", "time")
    for (reader_id, kind, client_id, via), athletes in groups.items():
        reader = session.get(User, reader_id)
        if reader is None:
            continue
        client = None if client_id is None else session.get(OAuthClient, client_id)
        program = client.name if client else via
        said = (reader.id, reader.username, reader.role, kind, program, this_hour(), now())
        for start in range(0, len(athletes), _CHUNK):
            chunk = athletes[start : start + _CHUNK]
            rows = select(User.id, *map(literal, said)).where(User.id.in_(chunk))
            same = ["athlete_id", "reader_id", "kind", "program", "hour"]
            session.execute(
                insert(AccessEvent)
                .from_select(columns, rows)
                .on_conflict_do_nothing(index_elements=same)
            )
