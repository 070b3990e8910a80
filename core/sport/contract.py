"""What a sport declares: metrics, their kernels, schemas. Data only; nothing here computes.

Kernels are named by string ("module:function") and resolved by the runner in workers, so that the
web process can serve schemas and the dictionary without ever importing numba.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from core.sport.columns import SAMPLES

Values = Mapping[str, Any]

GRADES = ("A", "B", "C", "D")

# Kernels that close no events still take an output buffer: one signature for all.
NO_EVENT = np.dtype([("unused", "<i8")])


@dataclass(frozen=True)
class Kernel:
    """One pass over a stream, which may feed several metrics.

    ``function`` names a callable ``(t, cols, n, state, out) -> events written``: ``t`` int64[n] ms,
    ``cols`` float64[ROWS, >= n] (core.sport.columns), ``state`` one record of dtype ``state``,
    ``out`` a buffer of dtype ``event`` for ``events_per_sample`` events a sample. It carries
    everything it needs from chunk to chunk in ``state``: one sequential recurrence, no reduction
    over a chunk (R4).

    It walks one ``stream``: the samples, after the track, or another one (core.sport.columns:
    STREAM_ROWS), whose rows are then its ``cols``. Kernels of different streams know nothing of
    each other. ``inputs`` are the channels it reads; of another stream none means all.

    ``init(values, start_ms, state)`` fills a zeroed state with the parameters it uses and its
    first values.

    ``after`` are kernels whose derived columns this one reads: they run before it. ``finish`` names
    a callable ``(state) -> None`` that ends what is under way (a second that is not over); it runs
    on a copy of the state before outputs read it.
    """

    name: str
    function: str
    version: int
    state: np.dtype[Any]
    init: Callable[[Values, int, Any], None]
    params: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    event: np.dtype[Any] = NO_EVENT
    events_per_sample: int = 1
    stream: str = SAMPLES
    after: tuple["Kernel", ...] = ()
    finish: str | None = None


@dataclass(frozen=True, eq=False)
class Table:
    """A metric's value that is a table of numbers, float64[rows, columns] below 1e15, NaN for none,
    and stays as it is. In a document it is a list of rows; only the rows that changed are written
    anew.
    """

    values: np.ndarray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Table) and np.array_equal(
            self.values, other.values, equal_nan=True
        )


@dataclass(frozen=True)
class Reading:
    """What an output function may look at; it changes nothing.

    ``state`` is the metric's kernel state, ``events`` its closed events in order, ``track`` the
    state of the track, ``values`` the parameters, ``final`` whether open efforts are to be shown
    as closed. ``others`` are state and events of the kernels that a fold names beside its own.
    """

    state: Any
    events: Any
    track: Any
    values: Values
    start: int
    final: bool
    key: str
    notes: list[dict[str, str]] = field(default_factory=list)
    others: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    def of(self, kernel: Kernel) -> "Reading":
        """The same with state and events of a kernel that the metric names in ``beside``."""
        state, events = self.others[kernel.name]
        return replace(self, state=state, events=events)

    def absent(self, reason: str) -> Any:
        """Note why this metric is null. ``return reading.absent("...")`` reads as it works."""
        self.notes.append({"key": self.key, "reason": reason})
        return None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A dictionary entry. Everything a reader of the number needs to know, as data.

    ``boundary`` says on which side an equal value falls; ``grade`` is A (published definition,
    reproduced) to D (our own); ``digits`` is applied only when the document is written (R8).
    """

    key: str
    version: int
    unit: str
    title: str
    definition: str
    boundary: str
    citation: str
    grade: str
    digits: int = 4


@dataclass(frozen=True, kw_only=True)
class Fold(Metric):
    """A metric read off a kernel's state and events, and of those it names ``beside`` it: what is
    measured in another way in a pool than under the sky.
    """

    kernel: Kernel
    output: Callable[[Reading], Any]
    beside: tuple[Kernel, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Derived(Metric):
    """A function of other metrics' unrounded values: ``function(values by key, reading)``.

    It may ask the reading for parameters and the track; state and events belong to folds and are
    empty here.
    """

    needs: tuple[str, ...]
    params: tuple[str, ...] = ()
    function: Callable[[Mapping[str, Any], Reading], Any]


@dataclass(frozen=True, kw_only=True)
class Batch(Metric):
    """A pure function of all of the frame's rows of one ``stream``, in order of time.

    ``function`` names a callable ``(columns, reading) -> value`` as a kernel's does: ``columns``
    has ``t`` (int64 ms) and each of ``inputs`` (float64, NaN absent), clipped to the frame; state
    and events of the reading are empty. It is called when a frame is folded from its first sample,
    has ended, or is closed, and at most once a minute while it goes on: live values may be that
    old. It depends on what is stored, never on the order in which it came.
    """

    function: str
    inputs: tuple[str, ...]
    stream: str = SAMPLES
    params: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)  # one object per process, compared as such
class Sport:
    """A sport: name, version, two self-contained JSON Schemas, metrics in document order.

    ``definition`` names the parameters printed in each document's ``definition``, because counts
    are only comparable beside their presets. ``activity_defaults`` derives parameter defaults from
    the activity's json (a surface that changes a factor).

    ``legs`` names the sports that a leg may be of. A time frame whose ``legs`` parameter has one of
    them is that leg, and has that sport's metrics: see Registry.of_frame.
    """

    name: str
    version: int
    title: str
    activity_schema: Mapping[str, Any]
    timeframe_schema: Mapping[str, Any]
    metrics: tuple[Metric, ...]
    definition: tuple[str, ...] = ()
    activity_defaults: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None
    legs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Member:
    """A time frame as its activity sees it: Unix ms, its parameters' values, and its newest
    computed document, None before the first; whose it is, and its parameters as they were given.
    """

    frame: int
    start: int
    end: int
    values: Values
    document: Mapping[str, Any] | None
    athlete: int | None = None
    params: Values = field(default_factory=dict)


@dataclass(frozen=True)
class Summary:
    """What an activity metric may look at; it changes nothing.

    ``activity`` is the activity's json, ``members`` are its time frames in the order of start and
    id, ``shape`` is what the fold over their seconds has come to (core.sport.metrics.shape), None
    where there is none. ``final``: every time frame is closed.
    """

    activity: Values
    members: Sequence[Member]
    shape: Any
    final: bool
    key: str
    notes: list[dict[str, str]] = field(default_factory=list)

    def absent(self, reason: str) -> Any:
        """Note why this metric is null, as ``Reading.absent`` does."""
        self.notes.append({"key": self.key, "reason": reason})
        return None


@dataclass(frozen=True, kw_only=True)
class Combined(Metric):
    """A metric of an activity: a function of its time frames' documents and of their grid."""

    function: Callable[[Summary], Any]


@dataclass(frozen=True, kw_only=True)
class ActivityMetrics:
    """What a sport says of an activity as a whole (the hook ``activity_metrics``).

    ``points`` is the kernel of the time frames whose closed events are their places on the 1 s grid
    (core.sport.metrics.pitch); with it the seconds of all time frames are folded together, and the
    metrics find the result in ``Summary.shape``. Without it there are only the frames' documents.
    ``spans`` names the property of the activity's json that lists the spans by which the fold also
    counts. Values are of ``team`` and ``role``, parameters of the time frames, where the sport has
    them.
    """

    metrics: tuple[Combined, ...]
    points: Kernel | None = None
    spans: str | None = None
