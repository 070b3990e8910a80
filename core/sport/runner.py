"""Runs the fold of one time frame over all metrics of its sport. Workers only (imports numba)."""

import math
from collections.abc import Mapping
from importlib import import_module
from time import perf_counter
from types import MappingProxyType
from typing import Any

import numpy as np

from core.sport.columns import SAMPLES, STREAMS
from core.sport.contract import Batch, Derived, Fold, Kernel, Reading, Sport
from core.sport.document import Memory, assemble, empty_document
from core.sport.errors import MetricError, StateMismatch
from core.sport.metrics.track import smoothing_window
from core.sport.parameters import Resolved
from core.sport.plan import BLOCK, Lane, plan
from core.sport.quality import quality, used_mask
from core.sport.registry import registry
from core.sport.state import Buffer, Saved, decode, encode, identity

RATE_SAMPLES = 21  # held until the rate is known (design/metrics.md 2.2)
NEVER = -(2**63)
NOT_YET = "computed from all samples at once: at most once a minute while the frame goes on"


class Passed:
    """How far a stream came: rows accepted, rows that were late, time of the newest accepted."""

    __slots__ = ("last_t", "late", "n")

    def __init__(self, last_t: int = NEVER, n: int = 0, late: int = 0) -> None:
        self.last_t, self.n, self.late = last_t, n, late

    def copy(self) -> "Passed":
        return Passed(self.last_t, self.n, self.late)


class FrameFold:
    """The fold of one time frame, [start_ms, end_ms), over all metrics of its sport.

    ``rate`` is the device's nominal rate in Hz; without it the first 21 samples are held and the
    rate is one over the median of their steps. Feeding the same samples in any cuts, saved and
    restored at each, gives the same bytes. ``n`` counts accepted samples, ``n_late`` those not
    newer than ``last_t`` (R2: they are not folded, the frame is dirty). Each further stream of the
    sport has such facts of its own, in ``passed``: how streams are interleaved does not matter.
    """

    def __init__(
        self,
        sport: Sport,
        resolved: Resolved,
        start_ms: int,
        end_ms: int,
        rate: float | None = None,
    ) -> None:
        if not start_ms < end_ms:
            raise ValueError("a time frame ends after it starts")
        self._prepare(sport, resolved, start_ms, end_ms)
        self.rate = rate
        for kernel, state in zip(self._plan.kernels, self._states, strict=True):
            kernel.init(resolved.values, start_ms, state[0])
        self._presence["used"] = used_mask(sport)
        if rate is not None:
            self._track["window"] = smoothing_window(resolved.values, rate)

    def _prepare(self, sport: Sport, resolved: Resolved, start: int, end: int) -> None:
        self.sport, self.resolved = sport, resolved
        self.start, self.end = start, end
        self._plan = plan(sport)
        self.passed = {stream: Passed() for stream in self._plan.lanes}
        self._samples = self.passed[SAMPLES]
        self._buffer = np.zeros(self._plan.offsets[-1], np.uint8)
        self._bind()
        self._events = [bytearray() for _ in self._plan.kernels]
        self._held: list[np.ndarray] = []  # [t, one array per input], while the rate is unknown
        self._written: Memory = {}  # of the document before; no part of the state
        # What batch metrics came to when they were last run, with their notes; no part of it too.
        self._batched: dict[str, tuple[Any, list[dict[str, str]]]] | None = None
        self._who = identity(self._plan.layout, resolved.fingerprint)

    def _bind(self) -> None:
        self._states = [
            np.ndarray(1, kernel.state, self._buffer.data, offset)
            for kernel, offset in zip(self._plan.kernels, self._plan.offsets, strict=False)
        ]
        self._track, self._presence = self._states[0][0], self._states[1][0]

    @property
    def n(self) -> int:
        """Accepted samples."""
        return self._samples.n

    @property
    def n_late(self) -> int:
        """Samples that came too late to be folded."""
        return self._samples.late

    @property
    def last_t(self) -> int | None:
        """Time of the newest accepted sample, ms; None before the first."""
        return self.last(SAMPLES)

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that the sport's metrics read, the samples first."""
        return tuple(self.passed)

    def reads(self, stream: str) -> tuple[str, ...]:
        """The channels of a stream that metrics of the sport read."""
        return self._plan.lanes[stream].read

    @property
    def empty(self) -> bool:
        """Nothing of any stream has been accepted."""
        return not any(passed.n for passed in self.passed.values())

    @property
    def counts(self) -> dict[str, int]:
        """Accepted rows by stream."""
        return {stream: passed.n for stream, passed in self.passed.items()}

    def last(self, stream: str) -> int | None:
        """Time of a stream's newest accepted row, ms; None before the first."""
        last_t = self.passed[stream].last_t
        return None if last_t == NEVER else last_t

    # Samples in

    def advance(self, chunk: Mapping[str, np.ndarray], stream: str = SAMPLES) -> None:
        """Fold a chunk: ``t`` int64 ms strictly increasing, any channels as float64 (NaN absent).
        A ``stream`` that no metric of the sport reads is passed over.

        Raises ValueError for a chunk out of shape or order (nothing of it is folded), MetricError
        when a kernel raises (the fold is then of no further use).
        """
        lane = self._plan.lanes.get(stream)
        if lane is None:
            if stream not in STREAMS:
                raise ValueError(f"no stream is called {stream}")
            return
        t = np.ascontiguousarray(chunk["t"], dtype=np.int64)
        if not len(t):
            return
        columns = [chunk.get(name) for name, _ in lane.inputs]
        if any(column is not None and len(column) != len(t) for column in columns):
            raise ValueError("every channel must be as long as t")
        if len(t) > 1 and not (t[1:] > t[:-1]).all():
            raise ValueError("t must be strictly increasing within a chunk")
        low, high = 0, len(t)
        if t[0] < self.start:
            low = int(np.searchsorted(t, self.start))
        if t[-1] >= self.end:
            high = int(np.searchsorted(t, self.end))
        passed = self.passed[stream]
        if low < high and t[low] <= passed.last_t:
            fresh = min(high, int(np.searchsorted(t, passed.last_t, side="right")))
            passed.late += fresh - low
            low = fresh
        if low >= high:
            return
        passed.n += high - low
        passed.last_t = int(t[high - 1])
        if self.rate is None and stream == SAMPLES:
            self._hold(t[low:high], [None if c is None else c[low:high] for c in columns])
        else:
            self._fold(lane, t, columns, low, high)

    def _hold(self, t: np.ndarray, columns: list[np.ndarray | None]) -> None:
        fresh = [
            t,
            *(np.full(len(t), np.nan) if c is None else np.asarray(c, float) for c in columns),
        ]
        if self._held:
            fresh = [np.concatenate(pair) for pair in zip(self._held, fresh, strict=True)]
        self._held = [np.array(column) for column in fresh]
        if len(self._held[0]) >= RATE_SAMPLES:
            self._release()

    def _release(self) -> None:
        """Take the rate from the first held steps, then fold all that is held."""
        held, self._held = self._held, []
        t = held[0]
        steps = np.diff(t[:RATE_SAMPLES])
        self.rate = 1000.0 / float(np.median(steps)) if len(steps) else 1.0
        self._track["window"] = smoothing_window(self.resolved.values, self.rate)
        self._fold(self._plan.lanes[SAMPLES], t, held[1:], 0, len(t))

    def _fold(self, lane: Lane, t: np.ndarray, columns: Any, low: int, high: int) -> None:
        work = self._plan
        scratch, outs = work.scratch()
        cols = scratch[lane.stream]
        for a in range(low, high, BLOCK):
            b = min(a + BLOCK, high)
            n = b - a
            for (_, row), column in zip(lane.inputs, columns, strict=True):
                cols[row, :n] = math.nan if column is None else column[a:b]
            times = t[a:b]
            at = 0
            try:
                for at, run in lane.runs:
                    written = run(times, cols, n, self._states[at], outs[at])
                    if written:
                        self._events[at] += outs[at][:written].tobytes()
            except Exception as error:
                raise MetricError(work.keys(at), error) from error

    # State

    def snapshot(self) -> bytes:
        """The whole state; equal folds give equal bytes, however their samples were cut."""
        held = len(self._held[0]) if self._held else 0
        rate = math.nan if self.rate is None else self.rate
        parts: list[Buffer] = [self._buffer.data, b"".join(c.tobytes() for c in self._held)]
        others = [self.passed[stream] for stream in self.streams[1:]]
        far = np.array([(p.last_t, p.n, p.late) for p in others], "<i8")
        parts += [far.tobytes(), *self._events]
        samples = self._samples
        saved = Saved(
            self.start, self.end, samples.last_t, rate, samples.n, samples.late, held, parts
        )
        return encode(self._who, saved)

    @classmethod
    def restore(
        cls, sport: Sport, resolved: Resolved, start_ms: int, end_ms: int, blob: bytes
    ) -> "FrameFold":
        """Continue from a snapshot.

        Raises StateMismatch unless sport, kernel versions, parameters and window are the same.
        """
        self = cls.__new__(cls)
        self._prepare(sport, resolved, start_ms, end_ms)
        saved = decode(self._who, blob, 3 + len(self._events))
        if (saved.start, saved.end) != (start_ms, end_ms):
            raise StateMismatch("saved for another window")
        buffer, held, far, *events = saved.parts
        width = 1 + len(self._plan.lanes[SAMPLES].inputs)
        others = self.streams[1:]
        sizes = len(self._buffer), 8 * saved.held * width, 24 * len(others)
        if (len(buffer), len(held), len(far)) != sizes:
            raise StateMismatch("saved state has another size")
        self._buffer[:] = np.frombuffer(buffer, np.uint8)
        self._events = [bytearray(part) for part in events]
        if saved.held:
            size = 8 * saved.held
            kinds = [np.int64] + [np.float64] * (width - 1)
            self._held = [
                np.frombuffer(held, kind, saved.held, i * size).copy()
                for i, kind in enumerate(kinds)
            ]
        rows = np.frombuffer(far, "<i8").reshape(-1, 3).tolist()
        rows.insert(0, [saved.last_t, saved.n, saved.n_late])
        self.passed = {stream: Passed(*row) for stream, row in zip(self.streams, rows, strict=True)}
        self._samples = self.passed[SAMPLES]
        self.rate = None if math.isnan(saved.rate) else saved.rate
        return self

    def close(self) -> "FrameFold":
        """A copy in which samples still held for the rate are folded; this fold can go on."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._buffer = self._buffer.copy()
        copy._bind()
        copy._events = [bytearray(events) for events in self._events]
        copy._held = list(self._held)
        copy.passed = {stream: passed.copy() for stream, passed in self.passed.items()}
        copy._samples = copy.passed[SAMPLES]
        if copy._held:
            copy._release()
        return copy

    # Results out

    def state(self, kernel: str) -> Any:
        """The state of the kernel of that name, to look at."""
        source = self.close() if self._held else self
        return source._states[self._plan.place[kernel]][0]

    def events(self, kernel: str) -> np.ndarray:
        """The closed events of the kernel of that name, in order; a copy."""
        source, at = self.close() if self._held else self, self._plan.place[kernel]
        return np.frombuffer(bytes(source._events[at]), self._plan.kernels[at].event)

    @property
    def batches(self) -> tuple[str, ...]:
        """The streams that batch metrics of the sport read whole."""
        return tuple(dict.fromkeys(metric.stream for metric, _ in self._plan.batches))

    @property
    def batched(self) -> bool:
        """Whether there are values of the sport's batch metrics."""
        return self._batched is not None

    def batch(self, streams: Mapping[str, Mapping[str, np.ndarray]]) -> None:
        """Run the sport's batch metrics over all of the frame's rows, by stream: ``t`` strictly
        increasing, the channels that are there. The values stand in documents until the next run.
        Raises MetricError.
        """
        source = self.close() if self._held else self
        found = {}
        for metric, function in self._plan.batches:
            notes: list[dict[str, str]] = []
            try:
                columns = self._within(streams.get(metric.stream, {}), metric.inputs)
                empty = np.zeros(0, np.int64)
                reading = source._reading(metric.key, notes, True, None, empty)
                found[metric.key] = function(columns, reading), notes
            except Exception as error:
                raise MetricError(metric.key, error) from error
        self._batched = found

    def _within(
        self, columns: Mapping[str, np.ndarray], names: tuple[str, ...]
    ) -> dict[str, np.ndarray]:
        """The named columns inside the frame; NaN where one is absent."""
        t = np.asarray(columns.get("t", ()), np.int64)
        low, high = np.searchsorted(t, (self.start, self.end))
        inside: dict[str, np.ndarray] = {"t": t[low:high]}
        for name in names:
            column = columns.get(name)
            inside[name] = (
                np.full(high - low, np.nan)
                if column is None
                else np.asarray(column, np.float64)[low:high]
            )
        return inside

    def values(self, final: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Unrounded values by key, and why some are null. Raises MetricError."""
        source = self.close() if self._held else self
        work, states = source._plan, source._finished()
        read: dict[str, tuple[Any, np.ndarray]] = {}
        values: dict[str, Any] = {}
        notes: list[dict[str, str]] = []
        batches = tuple(metric for metric, _ in work.batches)
        metrics: tuple[Fold | Batch | Derived, ...] = (*work.folds, *batches, *work.derived)
        for metric in metrics:
            try:
                if isinstance(metric, Batch):
                    values[metric.key] = source._of_batch(metric.key, notes)
                elif isinstance(metric, Derived):
                    empty = np.zeros(0, np.int64)
                    reading = source._reading(metric.key, notes, final, None, empty)
                    needs = {need: values[need] for need in metric.needs}
                    values[metric.key] = metric.function(needs, reading)
                else:
                    for kernel in (metric.kernel, *metric.beside):
                        if kernel.name not in read:
                            read[kernel.name] = source._of(states, kernel)
                    others = {kernel.name: read[kernel.name] for kernel in metric.beside}
                    reading = source._reading(
                        metric.key, notes, final, *read[metric.kernel.name], others
                    )
                    values[metric.key] = metric.output(reading)
            except Exception as error:
                raise MetricError(metric.key, error) from error
        return values, notes

    def _of_batch(self, key: str, notes: list[dict[str, str]]) -> Any:
        if self._batched is None:
            notes.append({"key": key, "reason": NOT_YET})
            return None
        value, why = self._batched[key]
        notes += why
        return value

    def _finished(self) -> list[Any]:
        """Each kernel's state as outputs read it."""
        states = []
        for state, finish in zip(self._states, self._plan.finishers, strict=True):
            if finish is not None:
                state = state.copy()
                finish(state)
            states.append(state[0])
        return states

    def _of(self, states: list[Any], kernel: Kernel) -> tuple[Any, np.ndarray]:
        """State and events of a kernel."""
        at = self._plan.place[kernel.name]
        return states[at], np.frombuffer(bytes(self._events[at]), kernel.event)

    def _reading(
        self,
        key: str,
        notes: list[dict[str, str]],
        final: bool,
        state: Any,
        events: np.ndarray,
        others: Mapping[str, tuple[Any, Any]] = MappingProxyType({}),
    ) -> Reading:
        values = self.resolved.values
        return Reading(state, events, self._track, values, self.start, final, key, notes, others)

    def document(self, final: bool) -> dict[str, Any]:
        """The computed document. Live and final over the same samples have equal digests.

        The pipeline adds ``last_computation``, ``edition``, ``input`` and ``quality.arrival``.
        """
        source = self.close() if self._held else self
        if self.empty:
            return empty_document(self.sport)
        values, notes = source.values(final)
        states = source._track, source._presence
        return assemble(
            self.sport, self.resolved, values, notes, *states, self.start, self._written
        )

    def quality(self) -> dict[str, Any]:
        """The document's ``quality``, alone."""
        source = self.close() if self._held else self
        values, _ = source.values(False)
        states = source._track, source._presence
        return quality(self.sport, self.resolved, values, *states, self.start)


def warm() -> dict[str, float]:
    """Compile or load the kernels of every enabled sport, before forking; seconds per sport."""
    import_module("core.sport.kernels.shape")
    taken = {}
    for name, sport in registry().sports.items():
        begun = perf_counter()
        plan(sport)
        taken[name] = perf_counter() - begun
    return taken
