"""What all frames of a sport share: functions resolved, kernels placed. Workers only."""

import threading
from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from core.sport.columns import ROWS, SAMPLES, rows_of
from core.sport.contract import Batch, Fold, Kernel, Sport
from core.sport.errors import SportError
from core.sport.kernels import signature
from core.sport.parameters import kernels_of, streams_of
from core.sport.registry import derived_order
from core.sport.state import layout

BLOCK = 4096  # samples walked at a time: the columns stay in the cache

Run = Callable[..., int]


def named(reference: str) -> Any:
    """What 'module:name' names."""
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def resolve(kernel: Kernel) -> Run:
    """The callable of a kernel, called without numba's dispatch (half its cost on ten samples).

    That skips the type check of each call, so the compiled signature is compared here, once.
    """
    function = named(kernel.function)
    overloads = getattr(function, "overloads", None)
    if overloads is None:
        return function  # a plain Python kernel
    expected = tuple(signature(kernel.state, kernel.event).args)
    if tuple(overloads) != (expected,):
        raise SportError(f"kernel {kernel.name}: {kernel.function} is not compiled for its dtypes")
    return overloads[expected].entry_point


class Lane:
    """The kernels of one stream, each with its place among all, and the rows they read."""

    def __init__(
        self, stream: str, kernels: tuple[Kernel, ...], batches: tuple[Batch, ...]
    ) -> None:
        mine = [(at, kernel) for at, kernel in enumerate(kernels) if kernel.stream == stream]
        self.stream = stream
        self.runs = tuple((at, resolve(kernel)) for at, kernel in mine)
        rows = rows_of(stream)
        used = {name for _, kernel in mine for name in kernel.inputs}
        if stream != SAMPLES and any(not kernel.inputs for _, kernel in mine):
            used = set(rows)
        self.inputs = tuple((name, row) for name, row in rows.items() if name in used)
        self.rows = ROWS if stream == SAMPLES else len(rows)
        used |= {name for metric in batches if metric.stream == stream for name in metric.inputs}
        self.read = tuple(name for name in rows if name in used)  # with those of batch metrics


class Plan:
    """What all frames of a sport share: kernels resolved and placed in one state buffer."""

    def __init__(self, sport: Sport) -> None:
        self.kernels = kernels_of(sport)
        batches = tuple(metric for metric in sport.metrics if isinstance(metric, Batch))
        self.lanes = {stream: Lane(stream, self.kernels, batches) for stream in streams_of(sport)}
        self.offsets = [0]
        for kernel in self.kernels:
            self.offsets.append(self.offsets[-1] + kernel.state.itemsize)
        self.layout = layout(sport, self.kernels)
        self.finishers = tuple(named(k.finish) if k.finish else None for k in self.kernels)
        self.place = {kernel.name: i for i, kernel in enumerate(self.kernels)}
        self.folds = tuple(metric for metric in sport.metrics if isinstance(metric, Fold))
        self.derived = derived_order(sport)
        self.batches = tuple((metric, named(metric.function)) for metric in batches)
        self._local = threading.local()

    def keys(self, at: int) -> str:
        """The metrics that a kernel feeds, for an error's sake."""
        kernel = self.kernels[at]
        return ", ".join(m.key for m in self.folds if m.kernel == kernel) or kernel.name

    def scratch(self) -> tuple[dict[str, np.ndarray], tuple[np.ndarray, ...]]:
        """This thread's columns by stream and output buffers, reused by every frame."""
        try:
            return self._local.scratch
        except AttributeError:
            outs = tuple(np.zeros(BLOCK * k.events_per_sample, k.event) for k in self.kernels)
            cols = {
                lane.stream: np.full((lane.rows, BLOCK), np.nan) for lane in self.lanes.values()
            }
            self._local.scratch = (cols, outs)
            return self._local.scratch


@lru_cache
def plan(sport: Sport) -> Plan:
    """The plan of a sport, made once per process."""
    return Plan(sport)
