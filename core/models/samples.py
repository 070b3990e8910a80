"""Samples: the ledger of what was accepted, the hot tail, the sealed blocks, uploaded files.

The ledger row of a batch is permanent; its samples move from the tail into blocks by the merge job
(docs/internals/sample-store.md).
"""

from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .base import LASTING, Base, MaybeDocument, moment, pk


class UplinkBatch(Base):
    """One accepted batch of a device: ``seq`` is the device's ingest number. ``t0`` and ``t1`` are
    the first and last sample's time over all streams, both inside; ``samples_t0`` is the first of
    the stream "samples" (None: it has none), ``spans`` the first and last of each other stream
    (None: it has no other). ``late`` counts its rows at or before the newest of their stream that
    the device had sent by then, ``repeats`` how often it came again.
    ``number`` is the device's own ``n``, which rises with ``seq``; None where it gave none.
    """

    __tablename__ = "uplink_batch"
    __table_args__ = (
        UniqueConstraint("device_id", "batch"),
        Index("ix_uplink_batch_seq", "device_id", "seq", "t0", "t1", unique=True),
    )

    id: Mapped[pk]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    seq: Mapped[int]
    number: Mapped[int | None] = mapped_column(BigInteger)
    batch: Mapped[str] = mapped_column(String(64))
    content_hash: Mapped[str] = mapped_column(String(64))
    t0: Mapped[moment]
    t1: Mapped[moment]
    samples_t0: Mapped[moment | None]
    spans: Mapped[dict[str, list[int]] | None] = mapped_column(MaybeDocument)
    n: Mapped[int]
    late: Mapped[int] = mapped_column(default=0)
    repeats: Mapped[int] = mapped_column(default=0)
    received: Mapped[moment]
    response: Mapped[dict[str, Any]]


class SampleTail(Base):
    """The hot tail: one packed row per accepted batch and stream."""

    __tablename__ = "sample_tail"
    __table_args__ = (Index("ix_sample_tail_time", "device_id", "stream", "t0", "t1", "seq", "n"),)

    id: Mapped[pk]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    stream: Mapped[str] = mapped_column(String(16))
    seq: Mapped[int]
    t0: Mapped[moment]
    t1: Mapped[moment]
    n: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)


class SampleBlock(Base):
    """A sealed block: Parquet bytes of one device, one stream, at most an hour. ``seq_lo`` and
    ``seq_hi`` bound the ingest numbers inside; where blocks overlap in time the higher wins.
    """

    __tablename__ = "sample_block"
    __table_args__ = (
        Index("ix_sample_block_time", "device_id", "stream", "t0", "t1", "seq_lo", "seq_hi", "n"),
    )

    id: Mapped[pk]
    device_id: Mapped[int] = mapped_column(ForeignKey("device.id", ondelete="CASCADE"))
    stream: Mapped[str] = mapped_column(String(16))
    t0: Mapped[moment]
    t1: Mapped[moment]
    n: Mapped[int]
    seq_lo: Mapped[int]
    seq_hi: Mapped[int]
    level: Mapped[int]
    checksum: Mapped[str] = mapped_column(String(64))
    data: Mapped[bytes] = mapped_column(LargeBinary)


class UploadedFile(Base):
    """An upload as it came: the bytes stand in the object store under ``sha256`` and are never
    thrown away, whether they could be decoded (``reason`` empty) or not.
    """

    __tablename__ = "uploaded_file"
    __table_args__ = LASTING

    id: Mapped[pk]
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    format: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None]
    uploader_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    device_id: Mapped[int | None] = mapped_column(ForeignKey("device.id"), index=True)
    athlete_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    created: Mapped[moment]
