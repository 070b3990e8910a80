"""Runs the fold of one time frame over all metrics of its sport. Workers only (imports numba)."""

import math
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from time import perf_counter
from typing import Any

import numpy as np

from core.sport.columns import CHANNELS, ROWS
from core.sport.contract import Derived, Fold, Kernel, Reading, Sport
from core.sport.document import Memory, assemble, empty_document, quality
from core.sport.errors import MetricError, SportError, StateMismatch
from core.sport.kernels import signature
from core.sport.metrics.track import smoothing_window
from core.sport.parameters import Resolved, kernels_of
from core.sport.registry import derived_order, registry
from core.sport.state import Saved, decode, encode, identity

BLOCK = 4096  # samples walked at a time: the columns stay in the cache
RATE_SAMPLES = 21  # held until the rate is known (design/metrics.md 2.2)
NEVER = -(2**63)

Run = Callable[..., int]


def resolve(kernel: Kernel) -> Run:
    """The callable of a kernel, called without numba's dispatch (half its cost on ten samples).

    That skips the type check of each call, so the compiled signature is compared here, once.
    """
    module, _, name = kernel.function.partition(":")
    function = getattr(import_module(module), name)
    overloads = getattr(function, "overloads", None)
    if overloads is None:
        return function  # a plain Python kernel
    expected = tuple(signature(kernel.state, kernel.event).args)
    if tuple(overloads) != (expected,):
        raise SportError(f"kernel {kernel.name}: {kernel.function} is not compiled for its dtypes")
    return overloads[expected].entry_point


class Plan:
    """What all frames of a sport share: kernels resolved and placed in one state buffer."""

    def __init__(self, sport: Sport) -> None:
        self.kernels = kernels_of(sport)
        self.runs = tuple(resolve(kernel) for kernel in self.kernels)
        used = {name for kernel in self.kernels for name in kernel.inputs}
        self.inputs = tuple((name, row) for name, row in CHANNELS.items() if name in used)
        self.offsets = [0]
        for kernel in self.kernels:
            self.offsets.append(self.offsets[-1] + kernel.state.itemsize)
        self.place = {kernel.name: i for i, kernel in enumerate(self.kernels)}
        self.folds = tuple(metric for metric in sport.metrics if isinstance(metric, Fold))
        self.derived = derived_order(sport)
        self._local = threading.local()

    def keys(self, at: int) -> str:
        """The metrics that a kernel feeds, for an error's sake."""
        kernel = self.kernels[at]
        return ", ".join(m.key for m in self.folds if m.kernel == kernel) or kernel.name

    def scratch(self) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        """This thread's columns and output buffers, reused by every frame."""
        try:
            return self._local.scratch
        except AttributeError:
            outs = tuple(np.zeros(BLOCK * k.events_per_sample, k.event) for k in self.kernels)
            self._local.scratch = (np.full((ROWS, BLOCK), np.nan), outs)
            return self._local.scratch


@lru_cache
def plan(sport: Sport) -> Plan:
    """The plan of a sport, made once per process."""
    return Plan(sport)


class FrameFold:
    """The fold of one time frame, [start_ms, end_ms), over all metrics of its sport.

    ``rate`` is the device's nominal rate in Hz; without it the first 21 samples are held and the
    rate is one over the median of their steps. Feeding the same samples in any cuts, saved and
    restored at each, gives the same bytes. ``n`` counts accepted samples, ``n_late`` those not
    newer than ``last_t`` (R2: they are not folded, the frame is dirty).
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
        if rate is not None:
            self._track["window"] = smoothing_window(resolved.values, rate)

    def _prepare(self, sport: Sport, resolved: Resolved, start: int, end: int) -> None:
        self.sport, self.resolved = sport, resolved
        self.start, self.end = start, end
        self.n = self.n_late = 0
        self._last_t = NEVER
        self._plan = plan(sport)
        self._buffer = np.zeros(self._plan.offsets[-1], np.uint8)
        self._bind()
        self._events = [bytearray() for _ in self._plan.kernels]
        self._held: list[np.ndarray] = []  # [t, one array per input], while the rate is unknown
        self._written: Memory = {}  # of the document before; no part of the state
        self._who = identity(sport, self._plan.kernels, resolved.fingerprint)

    def _bind(self) -> None:
        offsets = self._plan.offsets
        self._states = [
            self._buffer[offsets[i] : offsets[i + 1]].view(kernel.state)
            for i, kernel in enumerate(self._plan.kernels)
        ]
        self._track = self._states[0][0]

    @property
    def last_t(self) -> int | None:
        """Time of the newest accepted sample, ms; None before the first."""
        return None if self._last_t == NEVER else self._last_t

    # Samples in

    def advance(self, chunk: Mapping[str, np.ndarray]) -> None:
        """Fold a chunk: ``t`` int64 ms strictly increasing, any channels as float64 (NaN absent).

        Raises ValueError for a chunk out of shape or order (nothing of it is folded), MetricError
        when a kernel raises (the fold is then of no further use).
        """
        t = np.ascontiguousarray(chunk["t"], dtype=np.int64)
        if not len(t):
            return
        columns = [chunk.get(name) for name, _ in self._plan.inputs]
        if any(column is not None and len(column) != len(t) for column in columns):
            raise ValueError("every channel must be as long as t")
        if len(t) > 1 and not (t[1:] > t[:-1]).all():
            raise ValueError("t must be strictly increasing within a chunk")
        low, high = 0, len(t)
        if t[0] < self.start:
            low = int(np.searchsorted(t, self.start))
        if t[-1] >= self.end:
            high = int(np.searchsorted(t, self.end))
        if low < high and t[low] <= self._last_t:
            fresh = min(high, int(np.searchsorted(t, self._last_t, side="right")))
            self.n_late += fresh - low
            low = fresh
        if low >= high:
            return
        self.n += high - low
        self._last_t = int(t[high - 1])
        if self.rate is None:
            self._hold(t[low:high], [None if c is None else c[low:high] for c in columns])
        else:
            self._fold(t, columns, low, high)

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
        self._fold(t, held[1:], 0, len(t))

    def _fold(self, t: np.ndarray, columns: Any, low: int, high: int) -> None:
        work = self._plan
        cols, outs = work.scratch()
        for a in range(low, high, BLOCK):
            b = min(a + BLOCK, high)
            n = b - a
            for (_, row), column in zip(work.inputs, columns, strict=True):
                cols[row, :n] = math.nan if column is None else column[a:b]
            times = t[a:b]
            at = 0
            try:
                for at, run in enumerate(work.runs):
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
        parts = [self._buffer.tobytes(), b"".join(c.tobytes() for c in self._held)]
        parts += [bytes(events) for events in self._events]
        saved = Saved(self.start, self.end, self._last_t, rate, self.n, self.n_late, held, parts)
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
        saved = decode(self._who, blob, 2 + len(self._events))
        if (saved.start, saved.end) != (start_ms, end_ms):
            raise StateMismatch("saved for another window")
        buffer, held, *events = saved.parts
        width = 1 + len(self._plan.inputs)
        if len(buffer) != len(self._buffer) or len(held) != 8 * saved.held * width:
            raise StateMismatch("saved state has another size")
        self._buffer[:] = np.frombuffer(buffer, np.uint8)
        self._events = [bytearray(part) for part in events]
        if saved.held:
            size = 8 * saved.held
            kinds = [np.int64] + [np.float64] * len(self._plan.inputs)
            self._held = [
                np.frombuffer(held, kind, saved.held, i * size).copy()
                for i, kind in enumerate(kinds)
            ]
        self.n, self.n_late, self._last_t = saved.n, saved.n_late, saved.last_t
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
        if copy._held:
            copy._release()
        return copy

    # Results out

    def values(self, final: bool) -> tuple[dict[str, Any], list[dict[str, str]]]:
        """Unrounded values by key, and why some are null. Raises MetricError."""
        source = self.close() if self._held else self
        work = source._plan
        values: dict[str, Any] = {}
        notes: list[dict[str, str]] = []
        metrics: tuple[Fold | Derived, ...] = (*work.folds, *work.derived)
        for metric in metrics:
            try:
                if isinstance(metric, Derived):
                    empty = np.zeros(0, np.int64)
                    reading = source._reading(metric.key, notes, final, None, empty)
                    needs = {need: values[need] for need in metric.needs}
                    values[metric.key] = metric.function(needs, reading)
                else:
                    at = work.place[metric.kernel.name]
                    events = np.frombuffer(bytes(source._events[at]), metric.kernel.event)
                    reading = source._reading(
                        metric.key, notes, final, source._states[at][0], events
                    )
                    values[metric.key] = metric.output(reading)
            except Exception as error:
                raise MetricError(metric.key, error) from error
        return values, notes

    def _reading(
        self, key: str, notes: list[dict[str, str]], final: bool, state: Any, events: np.ndarray
    ) -> Reading:
        return Reading(
            state, events, self._track, self.resolved.values, self.start, final, key, notes
        )

    def document(self, final: bool) -> dict[str, Any]:
        """The computed document. Live and final over the same samples have equal digests.

        The pipeline adds ``last_computation``, ``edition``, ``input`` and ``quality.arrival``.
        """
        source = self.close() if self._held else self
        if not source.n:
            return empty_document(self.sport)
        values, notes = source.values(final)
        return assemble(
            self.sport, self.resolved, values, notes, source._track, self.start, self._written
        )

    def quality(self) -> dict[str, Any]:
        """The document's ``quality``, alone."""
        source = self.close() if self._held else self
        return quality(source._track, self.start)


def warm() -> dict[str, float]:
    """Compile or load the kernels of every enabled sport, before forking; seconds per sport."""
    taken = {}
    for name, sport in registry().sports.items():
        begun = perf_counter()
        plan(sport)
        taken[name] = perf_counter() - begun
    return taken
