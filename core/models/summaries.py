"""Summaries of activities."""

from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, moment


class ActivitySummary(Base):
    """What the sport says of an activity's time frames together (core.pipeline.summaries).

    ``document`` is None before the first, and when it may speak of what is not there any more.
    ``live`` is what the newest one gained since (core.pipeline.delta). ``revision`` rises with
    each commit. ``ticked`` is when it was computed, where that was by a live process.
    """

    __tablename__ = "activity_summary"

    activity_id: Mapped[int] = mapped_column(
        ForeignKey("activity.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    revision: Mapped[int]
    computed_at: Mapped[moment]
    ticked: Mapped[moment | None]
    document: Mapped[dict[str, Any] | None]
    live: Mapped[list[Any] | None]
