"""How far the numbers of a time frame can be trusted, and by which rule."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from core.sport.columns import SAMPLES
from core.sport.contract import Batch, Derived, Fold, Metric, Sport
from core.sport.metrics.presence import NAMES, POSITION
from core.sport.parameters import Resolved

GOOD_COVERAGE, USABLE_COVERAGE = 0.95, 0.8
GOOD_REJECTED, USABLE_REJECTED = 0.01, 0.05
GOOD_SPARSE = 0.05  # of the time between samples further apart than max_gap
RULE = (
    "good: 95 % of the time covered and 1 % of positions rejected, or better; "
    "usable: 80 % and 5 %, and samples further apart than max_gap; poor: less"
)
LEVELS = ("good", "usable", "poor")
GOOD, USABLE, POOR = range(3)

TRACK_INPUTS = frozenset({"lat", "lon", "speed", "distance"})
TRACK = "track"  # stands for the channel that distance is taken from
NOT_MEASURED = ("ms", "none")  # units of times and names
MINIMUM = "_min_duration"


class Ground(NamedTuple):
    """What a metric rests on: channels apart from the track's, ``TRACK``, and parameters."""

    channels: frozenset[str]
    params: frozenset[str]


@lru_cache
def grounds(sport: Sport) -> Mapping[str, Ground]:
    """Of every metric of a sport that measures something, with what its needs rest on."""
    by_key = {metric.key: metric for metric in sport.metrics}

    def ground(metric: Metric) -> Ground:
        if isinstance(metric, Fold):
            read = (*metric.kernel.after, metric.kernel, *metric.beside)
            channels = frozenset[str]().union(*(_channels(k.stream, k.inputs) for k in read))
            return Ground(channels, frozenset(name for k in read for name in k.params))
        if isinstance(metric, Batch):
            return Ground(_channels(metric.stream, metric.inputs), frozenset(metric.params))
        assert isinstance(metric, Derived)
        found = [ground(by_key[need]) for need in metric.needs]
        channels = frozenset[str]().union(*(one.channels for one in found))
        return Ground(channels, frozenset(metric.params).union(*(one.params for one in found)))

    measured = (metric for metric in sport.metrics if metric.unit not in NOT_MEASURED)
    return {metric.key: ground(metric) for metric in measured}


def _channels(stream: str, inputs: tuple[str, ...]) -> frozenset[str]:
    if stream != SAMPLES:
        return frozenset()
    apart = frozenset(inputs) - TRACK_INPUTS
    return apart if apart and apart == frozenset(inputs) else apart | {TRACK}


@lru_cache
def channels_of(sport: Sport) -> tuple[str, ...]:
    """The channels whose coverage matters to the sport, in the order of ``NAMES``."""
    used = {POSITION, "speed", "distance"}.union(*(g.channels for g in grounds(sport).values()))
    return tuple(name for name in NAMES if name in used)


def used_mask(sport: Sport) -> list[int]:
    """Which of the channels the presence kernel counts."""
    used = channels_of(sport)
    return [int(name in used) for name in NAMES]


def quality(
    sport: Sport,
    resolved: Resolved,
    values: Mapping[str, Any],
    track: Any,
    presence: Any,
    start: int,
) -> dict[str, Any]:
    """The document's ``quality``. Coverage is a share of the time from the frame's start to the
    last sample: in all the part that valid steps cover, of a channel that in which it was there.

    ``level`` is the worst of coverage, of the coverage of what distance is taken from (where it is
    there at all), and of rejected positions, by ``RULE``. ``metrics`` has those metrics whose own
    level is another, with what it rests on; what is null is not among them.
    """
    samples = int(track["n"])
    elapsed = int(track["last_t"]) - start if samples else 0
    coverage = _share(int(track["time_ms"]), elapsed)
    shares = {
        name: _share(int(presence["ms"][NAMES.index(name)]), elapsed) for name in channels_of(sport)
    }
    source = _source(resolved)
    if source != "distance":
        del shares["distance"]
    rejected = int(track["rejected"])
    share = _share(rejected, samples)
    level, reasons = _of_time(track, coverage, elapsed)
    tracked = _of_source(shares, source, coverage)
    if tracked > level:
        reasons.append(f"{source} is there for {100 * shares[source]:.1f} % of the time")
    if share > GOOD_REJECTED:
        tracked = max(tracked, POOR if share > USABLE_REJECTED else USABLE)
        reasons.append(f"{rejected} of {samples} positions were rejected")
    whole = max(level, tracked)
    # What is not there at all is not what a value rests on: without it, it would be null.
    levels = {name: _level(part) if part else GOOD for name, part in shares.items()}
    levels[TRACK] = tracked
    return {
        "coverage": round(coverage, 4),
        "gaps": int(track["gaps"]),
        "gap_time": int(track["gap_ms"]) / 1000.0,
        "rejected_positions": rejected,
        "level": LEVELS[whole],
        "reasons": reasons,
        "rule": RULE,
        "channels": {name: round(part, 4) for name, part in shares.items()},
        "metrics": _metrics(sport, resolved, values, levels, level, whole)
        if samples
        else _of_streams(sport, values),
        **_presets(resolved),
    }


def _of_time(track: Any, coverage: float, elapsed: int) -> tuple[int, list[str]]:
    """How well samples cover the time, and why not better."""
    if not track["n"]:
        return POOR, ["no samples"]
    level, reasons = _level(coverage), []
    if level:
        reasons.append(f"{100 * coverage:.1f} % of the time is covered by samples")
    if (sparse := _sparse(track, elapsed)) > GOOD_SPARSE:
        level = max(level, USABLE)
        apart = int(track["max_gap_ms"]) / 1000.0
        reasons.append(f"samples are over {apart:g} s apart for {100 * sparse:.1f} % of the time")
    return level, reasons


def no_quality(sport: Sport) -> dict[str, Any]:
    """Of a frame without any computation."""
    return {
        "coverage": 0.0,
        "gaps": 0,
        "gap_time": 0.0,
        "rejected_positions": 0,
        "level": LEVELS[POOR],
        "reasons": ["no samples"],
        "rule": RULE,
        "channels": dict.fromkeys((n for n in channels_of(sport) if n != "distance"), 0.0),
        "metrics": {},
        "distance_source": None,
        "smoothing": None,
        "minimum_duration": {},
    }


def _presets(resolved: Resolved) -> dict[str, Any]:
    """Without them counts and distances cannot be compared."""
    values = resolved.values
    return {
        "distance_source": values.get("distance_source"),
        "smoothing": values.get("smoothing"),
        "minimum_duration": {
            name.removesuffix(MINIMUM): value
            for name, value in values.items()
            if name.endswith(MINIMUM)
        },
    }


def _source(resolved: Resolved) -> str:
    """The channel that distance is taken from."""
    source = resolved.values.get("distance_source")
    return {"speed": "speed", "device": "distance"}.get(str(source), POSITION)


def _of_source(shares: Mapping[str, float], source: str, coverage: float) -> int:
    """How well the source of distance covers the time; nothing is said of one that is not there."""
    return _level(shares[source]) if shares[source] > 0.0 else _level(coverage)


def _sparse(track: Any, elapsed: int) -> float:
    """The share of the time in steps longer than max_gap, where they count as covered: a file whose
    device counted the distance (metrics.md 2.1).
    """
    counts = track["reach_ms"] > track["max_gap_ms"]
    return _share(int(track["gap_ms"]), elapsed) if counts else 0.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 0.0


def _level(coverage: float) -> int:
    if coverage >= GOOD_COVERAGE:
        return GOOD
    return USABLE if coverage >= USABLE_COVERAGE else POOR


def _of_streams(sport: Sport, values: Mapping[str, Any]) -> dict[str, Any]:
    """What other streams gave in a frame without samples. How much of the time they cover is not
    known, so it is not better than usable.
    """
    alone = {"level": LEVELS[USABLE], "reasons": ["no samples beside it"]}
    return {
        key: alone
        for key, ground in grounds(sport).items()
        if not ground.channels and values.get(key) not in (None, [])
    }


def _metrics(
    sport: Sport,
    resolved: Resolved,
    values: Mapping[str, Any],
    levels: Mapping[str, int],
    least: int,
    whole: int,
) -> dict[str, Any]:
    """``{key: {"level", "reasons"}}`` where the level is not the frame's. ``least``: by coverage
    alone, which everything rests on. Reasons name channels, and parameters that are estimates.
    """
    estimated = {name for name, source in resolved.sources.items() if source == "estimate"}
    found: dict[str, Any] = {}
    for key, ground in grounds(sport).items():
        if values.get(key) in (None, []):
            continue
        level = max([least, *(levels[name] for name in ground.channels)])
        guesses = sorted(estimated & ground.params)
        if guesses:
            level = max(level, USABLE)
        if level != whole:
            weak = [name for name in sorted(ground.channels) if levels[name] and name != TRACK]
            reasons = [*weak, *(f"{name} is an estimate" for name in guesses)]
            found[key] = {"level": LEVELS[level], "reasons": reasons}
    return found
