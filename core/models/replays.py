"""Replays: a finished time frame told again, at a pace."""

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment, pk


class Replay(Base):
    """One replay of one user. ``begun`` is when its first sample was due (it moves where a gap is
    skipped), ``heard`` when somebody last listened, ``listeners`` how many then. ``saved`` is the
    fold, ``seq`` the number of the newest message; ``done``: nothing follows.
    """

    __tablename__ = "replay"

    id: Mapped[pk]
    name: Mapped[str] = mapped_column(String(32), unique=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    timeframe_id: Mapped[int] = mapped_column(ForeignKey("timeframe.id", ondelete="CASCADE"))
    speed: Mapped[float]
    created: Mapped[moment]
    begun: Mapped[moment | None]
    heard: Mapped[moment]
    listeners: Mapped[int] = mapped_column(default=0)
    seq: Mapped[int] = mapped_column(default=0)
    saved: Mapped[bytes | None] = mapped_column(LargeBinary)
    done: Mapped[bool] = mapped_column(default=False)
