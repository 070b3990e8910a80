"""Results of folds: editions of the computed document, and how far each fold has come."""

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base, Document, moment, pk


class ComputedData(Base):
    """One edition of a time frame's computed document (contract/touchline.md section 6).

    While a frame is live, what its newest document gained since this one stands in
    ``ComputeState.live`` (core.pipeline.delta); ``digest`` is of the document here.
    """

    __tablename__ = "computed_data"
    __table_args__ = (UniqueConstraint("timeframe_id", "edition"),)

    id: Mapped[pk]
    timeframe_id: Mapped[int] = mapped_column(ForeignKey("timeframe.id", ondelete="CASCADE"))
    edition: Mapped[int]
    document: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64))
    created: Mapped[moment]


class ComputeState(Base):
    """Where a time frame's fold stands.

    ``seq`` and ``last_t`` are the cursor of the values: every batch up to ``seq`` is accounted
    for, every sample up to ``last_t`` folded, and of each other stream that the sport reads every
    row up to its time in ``last``. ``checkpoint_at`` is when the state was saved.
    ``live`` is what the values gained since the current edition's document was last stored whole.
    ``dirty``: samples came late and wait for the next refold. ``revision`` rises by one with each
    commit of values. ``arrival`` sums the ledger's facts of arrival up to ``seq``. ``closed``: the
    frame has ended and its final document is stored. ``failures`` counts attempts in a row that
    raised; ``error`` says why. ``computed_at`` is when values were last stored, ``refolded_at``
    when they last came of a fold from the first sample. ``versions`` is the stamp of the metric
    versions of the current edition (core.sport.versions).
    """

    __tablename__ = "compute_state"

    timeframe_id: Mapped[int] = mapped_column(
        ForeignKey("timeframe.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    edition: Mapped[int] = mapped_column(default=0)
    revision: Mapped[int] = mapped_column(default=0)
    seq: Mapped[int] = mapped_column(default=0)
    last_t: Mapped[int | None]
    last: Mapped[dict[str, Any] | None]
    fingerprint: Mapped[str | None] = mapped_column(String(64))
    versions: Mapped[str | None] = mapped_column(String(64), index=True)
    checkpoint_at: Mapped[moment | None]
    live: Mapped[list[Any] | None]
    dirty: Mapped[bool] = mapped_column(default=False)
    computed_at: Mapped[moment | None]
    refolded_at: Mapped[moment | None]
    closed: Mapped[bool] = mapped_column(default=False)
    arrival: Mapped[dict[str, Any]] = mapped_column(Document, default=dict)
    failures: Mapped[int] = mapped_column(default=0)
    error: Mapped[str | None]


WAITING, DONE, FAILED = "waiting", "done", "failed"


class Recomputation(Base):
    """A frame in the plan of `touchline metrics recompute`; ``reason``: of a failure. The rows of a
    plan stay until the next begins, so that who goes on with it knows how far it has come.
    """

    __tablename__ = "recomputation"
    __table_args__ = (Index("ix_recomputation_state", "state", "timeframe_id"),)

    timeframe_id: Mapped[int] = mapped_column(
        ForeignKey("timeframe.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    state: Mapped[str] = mapped_column(String(8), default=WAITING)
    reason: Mapped[str | None]
    finished: Mapped[moment | None]


class ComputeCheckpoint(Base):
    """The saved state of a fold, perhaps older than the cursor: it holds its own last time, and
    folding on from there gives the same bytes (R4). A table of its own, because the row of the
    cursor is written with each tick.
    """

    __tablename__ = "compute_checkpoint"

    timeframe_id: Mapped[int] = mapped_column(
        ForeignKey("timeframe.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    saved: Mapped[bytes] = mapped_column(LargeBinary)
