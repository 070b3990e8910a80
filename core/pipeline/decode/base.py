"""What every decoder gives back, and the repairs that are the same for all formats."""

from dataclasses import dataclass, field

import numpy as np

from core.pipeline.columns import CHANNELS, Columns, last_written, size


class DecodeError(Exception):
    """A file that cannot be taken.

    ``reason`` is a stable word: ``unknown_format``, ``date_required``, ``timezone``, ``truncated``,
    ``unreadable``, ``no_samples``, ``no_decoder``. ``offset`` is the byte at which reading stopped,
    ``decoded`` the number of samples read before it. They are not stored: a file is taken whole or
    not at all, its bytes are kept either way (docs/internals/sample-store.md).
    """

    def __init__(self, reason: str, detail: str, offset: int = 0, decoded: int = 0) -> None:
        super().__init__(f"{reason}: {detail} (at byte {offset}, after {decoded} samples)")
        self.reason = reason
        self.detail = detail
        self.offset = offset
        self.decoded = decoded


@dataclass(frozen=True)
class Session:
    """A part of a recording with one sport; Unix ms, [start, stop).

    As the recorder has it: seconds that passed (``elapsed``) and that its timer ran (``timer``),
    its own ``distance`` in metres, the length of the pool in metres, and the unit (m, yd) in which
    that is measured; None where it does not say.
    The sport of the way between two legs is ``transition``.
    """

    sport: str | None
    start: int
    stop: int
    elapsed: float | None = None
    timer: float | None = None
    distance: float | None = None
    pool_length: float | None = None
    pool_unit: str | None = None


@dataclass(frozen=True)
class Decoded:
    """A file's samples, and what it says about itself.

    ``columns`` are those of the stream ``samples``, in ascending time, each time once; ``streams``
    the others that the file has (rr, lengths, events), in the same form. A swim may have lengths
    and no samples. ``records`` counts the
    rows of the file, ``repairs`` (kind → number of samples) says what was mended: ``backward``
    samples came before their predecessor, ``duplicate`` ones lost to a later sample of the same
    time, ``outside_bounds`` ones had an impossible value, which was taken as absent,
    ``without_time`` ones could not be placed.
    """

    format: str
    columns: Columns
    records: int
    sport: str | None = None
    serial: str | None = None
    product: str | None = None
    sessions: list[Session] = field(default_factory=list)
    repairs: dict[str, int] = field(default_factory=dict)
    streams: dict[str, Columns] = field(default_factory=dict)

    @property
    def start(self) -> int:
        """The first sample's time; of a file without samples, that of what it has."""
        return int(self.columns["t"][0]) if size(self.columns) else self.span[0]

    @property
    def stop(self) -> int:
        """The last sample's time; of a file without samples, that of what it has."""
        return int(self.columns["t"][-1]) if size(self.columns) else self.span[1]

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last time of what is measured: all streams but events."""
        others = (columns for name, columns in self.streams.items() if name != "events")
        streams = [columns for columns in (self.columns, *others) if size(columns)]
        return min(int(c["t"][0]) for c in streams), max(int(c["t"][-1]) for c in streams)


def mend(rows: Columns) -> tuple[Columns, dict[str, int]]:
    """Rows in the order of the file → columns fit for the store, and the repairs made.

    Heart rate 0 means that no strap was worn: absent, and no repair. Raises ``DecodeError``
    (``no_samples``) when there is no row.
    """
    if not size(rows):
        raise DecodeError("no_samples", "the file holds no samples")
    outside = np.zeros(size(rows), bool)
    mended: Columns = {"t": rows["t"]}
    for name, values in rows.items():
        if name == "t":
            continue
        channel = CHANNELS[name]
        if name == "ecg.hr":
            values = np.where(values == 0, np.nan, values)
        if channel.lower is not None and channel.upper is not None:
            wrong = (values < channel.lower) | (values > channel.upper) | np.isinf(values)
            outside |= wrong
            values = np.where(wrong, np.nan, values)
        if not np.isnan(values).all():
            mended[name] = values
    columns = last_written(mended)
    repairs = {
        "backward": int(np.count_nonzero(np.diff(rows["t"]) < 0)),
        "duplicate": size(rows) - size(columns),
        "outside_bounds": int(np.count_nonzero(outside)),
    }
    return columns, {kind: number for kind, number in repairs.items() if number}
