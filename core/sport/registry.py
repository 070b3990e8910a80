"""Loads sports from their entry points and checks each before it is enabled.

A sport that fails to load or to check is recorded with its reason; the others go on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

import pluggy

import schemas
from core.sport import hooks
from core.sport.columns import STREAMS, rows_of
from core.sport.contract import (
    GRADES,
    ActivityMetrics,
    Batch,
    Derived,
    Fold,
    Kernel,
    Metric,
    Sport,
)
from core.sport.errors import SportError, UnknownSport
from core.sport.metrics.pitch import POINT
from core.sport.parameters import kernels_of, used_parameters

KEY = re.compile(r"[a-z][A-Za-z0-9_]*")
FUNCTION = re.compile(r"[\w.]+:\w+")
# Names that the document gives away itself.
RESERVED = frozenset(
    {
        "definition",
        "metrics",
        "parameters",
        "quality",
        "notes",
        "digest",
        "edition",
        "input",
        "last_computation",
    }
)
# That a summary gives away beside those.
OF_SUMMARY = frozenset({"activity", "revision", "final", "through", "timeframes", "seq", "error"})


@dataclass(frozen=True)
class SportState:
    """One line of `touchline sport list`."""

    name: str
    version: str
    distribution: str
    state: str  # enabled or failed
    reason: str | None


def _need(condition: object, message: str) -> None:
    if not condition:
        raise SportError(message)


def _check_schemas(sport: Sport) -> None:
    for kind, schema in (
        ("activity", sport.activity_schema),
        ("timeframe", sport.timeframe_schema),
    ):
        try:
            schemas.check(schema)
        except schemas.SchemaError as error:
            raise SportError(f"{kind} schema: {error.message}") from error
        _need(
            schema.get("additionalProperties") is False,
            f"{kind} schema: additionalProperties must be false",
        )
        for name, field in schema.get("properties", {}).items():
            where = f"{kind} schema, {name}"
            _need(field.get("title"), f"{where}: no title")
            _need("type" in field or "const" in field or "enum" in field, f"{where}: no type")
            if "default" in field:
                faults = schemas.validate(field, field["default"])
                _need(not faults, f"{where}: its default breaks it: {faults}")
    _need(
        not schemas.validate(sport.activity_schema, {"sport": sport.name}),
        "activity schema: only sport may be required",
    )
    _need(
        not schemas.validate(sport.timeframe_schema, {}),
        "timeframe schema: nothing may be required",
    )


def _check_kernel(kernel: Kernel) -> None:
    where = f"kernel {kernel.name}"
    for name in (kernel.function, kernel.finish or kernel.function):
        _need(FUNCTION.fullmatch(name), f"{where}: function must be 'module:function'")
    _need(
        kernel.version >= 1 and kernel.events_per_sample >= 1, f"{where}: version and events from 1"
    )
    _check_inputs(where, kernel.stream, kernel.inputs)
    for dtype in (kernel.state, kernel.event):
        # Padding would be copied into snapshots with whatever bytes it holds.
        bases = [dtype[name].base.itemsize for name in dtype.names or ()]
        _need(bases and all(size == 8 for size in bases), f"{where}: dtypes of 8-byte fields only")
        _need(
            dtype.itemsize == sum(dtype[name].itemsize for name in dtype.names or ()),
            f"{where}: padded dtype",
        )


def _check_inputs(where: str, stream: str, inputs: tuple[str, ...]) -> None:
    _need(stream in STREAMS, f"{where}: unknown stream {stream}")
    _need(set(inputs) <= set(rows_of(stream)), f"{where}: unknown channel in {inputs}")


def _check_batch(metric: Batch) -> None:
    where = f"metric {metric.key}"
    _need(FUNCTION.fullmatch(metric.function), f"{where}: function must be 'module:function'")
    _need(metric.inputs, f"{where}: a batch metric names its inputs")
    _check_inputs(where, metric.stream, metric.inputs)


def _check_entry(metric: Metric) -> None:
    where = f"metric {metric.key}"
    _need(KEY.fullmatch(metric.key) and metric.key not in RESERVED, f"{where}: not a usable key")
    _need(metric.version >= 1, f"{where}: version from 1")
    for name in ("unit", "title", "definition", "boundary", "citation"):
        _need(str(getattr(metric, name)).strip(), f"{where}: the dictionary needs its {name}")
    _need(metric.grade in GRADES, f"{where}: grade must be one of {', '.join(GRADES)}")


def derived_order(sport: Sport) -> tuple[Derived, ...]:
    """Derived metrics, each after what it needs. Raises SportError on a cycle or a gap."""
    by_key = {metric.key: metric for metric in sport.metrics}
    graph: dict[str, tuple[str, ...]] = {}
    for metric in by_key.values():
        graph[metric.key] = metric.needs if isinstance(metric, Derived) else ()
        missing = [need for need in graph[metric.key] if need not in by_key]
        _need(not missing, f"metric {metric.key}: needs unknown {missing}")
    try:
        order = tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        raise SportError(f"derived metrics need each other: {error.args[1]}") from error
    ordered = (by_key[key] for key in order)
    return tuple(metric for metric in ordered if isinstance(metric, Derived))


def check_sport(sport: object) -> Sport:
    """The freeze check. Returns the sport, or raises SportError with the first fault."""
    if not isinstance(sport, Sport):
        raise SportError(f"sport() must return a Sport, not {type(sport).__name__}")
    _need(re.fullmatch(r"[a-z]+", sport.name), "a sport's name is lower-case letters")
    _check_schemas(sport)
    keys = [metric.key for metric in sport.metrics]
    _need(len(set(keys)) == len(keys), "two metrics have the same key")
    named: dict[str, Kernel] = {}
    for metric in sport.metrics:
        _check_entry(metric)
        if isinstance(metric, Fold):
            for kernel in (metric.kernel, *metric.beside):
                _need(
                    named.setdefault(kernel.name, kernel) == kernel,
                    f"two kernels are named {kernel.name}",
                )
                _need(
                    kernel.stream in STREAMS,
                    f"kernel {kernel.name}: unknown stream {kernel.stream}",
                )
        elif isinstance(metric, Batch):
            _check_batch(metric)
    for kernel in kernels_of(sport):
        _check_kernel(kernel)
    derived_order(sport)
    known = {*sport.timeframe_schema["properties"], *sport.activity_schema["properties"]}
    unknown = set(used_parameters(sport)) - known
    _need(not unknown, f"parameters that are in neither schema: {sorted(unknown)}")
    return sport


def check_together(sport: Sport, found: object) -> ActivityMetrics | None:
    """The freeze check of what ``activity_metrics()`` answered; None without that hook."""
    if found is None:
        return None
    if not isinstance(found, ActivityMetrics):
        raise SportError(f"activity_metrics() must return ActivityMetrics, not {type(found)}")
    keys = [metric.key for metric in found.metrics]
    _need(len(set(keys)) == len(keys), "two activity metrics have the same key")
    for metric in found.metrics:
        _check_entry(metric)
        _need(metric.key not in OF_SUMMARY, f"metric {metric.key}: not a usable key")
    if found.points is not None:
        _need(found.points in kernels_of(sport), "the points are of no kernel of the sport's own")
        _need(found.points.event == POINT, "the points' kernel has other events than POINT")
    if found.spans is not None:
        _need(
            found.spans in sport.activity_schema["properties"],
            f"{found.spans} is no property of the activity's schema",
        )
    return found


class Registry:
    """The sports of this installation, loaded and frozen."""

    def __init__(self, points: tuple[EntryPoint, ...] | None = None) -> None:
        chosen = entry_points(group=hooks.GROUP) if points is None else points
        self._sports: dict[str, Sport] = {}
        self._together: dict[str, ActivityMetrics] = {}
        self._states: list[SportState] = []
        for point in sorted(chosen, key=lambda p: p.name):
            self._load(point)

    def _load(self, point: EntryPoint) -> None:
        distribution = point.dist.name if point.dist else "unknown"
        try:
            plugin = _manager_of(point)
            sport = check_sport(_sport_of(plugin))
            if sport.name in self._sports:
                raise SportError(f"another plugin has already added {sport.name}")
            together = check_together(sport, _together_of(plugin))
        except Exception as error:  # whatever a foreign module raises: the others go on
            reason = f"{type(error).__name__}: {error}"
            self._states.append(SportState(point.name, "", distribution, "failed", reason))
            return
        self._sports[sport.name] = sport
        if together is not None:
            self._together[sport.name] = together
        self._states.append(
            SportState(sport.name, str(sport.version), distribution, "enabled", None)
        )

    @property
    def sports(self) -> Mapping[str, Sport]:
        """Enabled sports by name."""
        return MappingProxyType(self._sports)

    def sport(self, name: str) -> Sport:
        """The enabled sport of that name. Raises UnknownSport."""
        try:
            return self._sports[name]
        except KeyError:
            raise UnknownSport(name) from None

    def activity_metrics(self, name: str) -> ActivityMetrics | None:
        """What the sport of that name says of activities; None where it says nothing, or there is
        no such sport.
        """
        return self._together.get(name)

    def of_frame(self, name: str, params: Mapping[str, Any]) -> Sport:
        """The sport whose metrics a time frame of an activity of sport ``name`` has: that of its
        leg, where it is one leg of a triathlon, else the activity's. Raises UnknownSport.
        """
        sport = self.sport(name)
        given = params.get("legs") or []
        if sport.legs and len(given) == 1:
            return self.sport(given[0]["sport"])
        return sport

    def of_frames(self, name: str) -> list[Sport]:
        """The sports whose metrics time frames of an activity of that sport may have: its own
        first. Raises UnknownSport.
        """
        sport = self.sport(name)
        return [sport, *(self._sports[leg] for leg in sport.legs if leg in self._sports)]

    def states(self) -> list[SportState]:
        """Every sport found, enabled or failed with its reason."""
        return list(self._states)


def _manager_of(point: EntryPoint) -> pluggy.PluginManager:
    # One manager per plugin: a hook call over all of them would end at the first that raises.
    manager = pluggy.PluginManager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    return manager


def _sport_of(manager: pluggy.PluginManager) -> Any:
    answers = manager.hook.sport()
    if len(answers) != 1:
        raise SportError("the plugin implements no sport() hook")
    return answers[0]


def _together_of(manager: pluggy.PluginManager) -> Any:
    answers = manager.hook.activity_metrics()
    return answers[0] if answers else None


@lru_cache
def registry() -> Registry:
    """The installation's registry, loaded once per process."""
    return Registry()
