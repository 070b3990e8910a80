"""What is compared: recordings as arrays for the other libraries, and our numbers of them."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from core import simulate
from core.pipeline.decode import decode
from core.pipeline.preprocess import chunk
from core.sport import Member, field_of
from core.sport.grid import ActivityGrid, points_of
from core.sport.kernels.shape import hull_area
from core.sport.metrics.shape import STRETCH, SURFACE, X, Y, spread
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
from core.sport.runner import FrameFold
from plugins.biking.goldens import generate as made_ride
from plugins.soccer.goldens import generate as made_player
from plugins.trailrunning.goldens import generate as made_trail

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "data"
RIDER = {"cp": 250, "w_prime": 20_000, "ftp": 250}
RIDES = ("cycling/power_hr_climb_57km.fit", "cycling/power_vector_41km.fit")
WAYS = (
    *((name, "biking") for name in RIDES),
    ("running/track_fenix6.fit", "running"),
    ("running/track_coros.fit", "running"),
    ("running/stryd_power_hv.fit", "running"),
    ("running/dynamics_fenix2.fit", "running"),
    ("trail/hike_fr910xt.fit", "trailrunning"),
)
PLAYERS = ("U18_ID1", "U18_ID2", "U18_ID3")
VESTS = ("statsports_U16_ID66", "statsports_U16_ID67")
CLOUDS = 500
DAY = date(2024, 5, 4)  # of files that tell the time of day only
NO_GATE = {"stationary_speed": 0}  # other libraries know no gate

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A recording, what kind of program it is for, its arrays and settings for the other side, and
    our numbers by quantity.
    """

    recording: str
    kind: str  # power, beats, way, altitudes, players, clouds
    arrays: Arrays
    settings: dict[str, Any]
    ours: dict[str, float]

    def write(self, directory: Path, number: int) -> dict[str, Any]:
        """Save the arrays; what the other side reads beside them."""
        name = f"{number}.npz"
        np.savez(directory / name, **self.arrays)
        about = {"recording": self.recording, "kind": self.kind, "settings": self.settings}
        return about | {"arrays": name}


def found(recordings: Path | None) -> Iterator[Case]:
    """The cases of the folder of real recordings, or, without one, of those that sports ship."""
    if recordings is None:
        yield from _made()
        return
    for name in RIDES:
        yield _power(name, _decoded(recordings / name))
    for name in ("rr/rest_rri.txt", "rr/exercise_rri.hrm"):
        yield _beats(name, _intervals(recordings / name))
    for name, sport in WAYS:
        yield _way(name, sport, _decoded(recordings / name), {})
    hikes = {"trail/hike_phone.gpx": _points(recordings / "trail/hike_phone.gpx")}
    for name in ("trail/hike_fr910xt.fit", RIDES[0]):
        hikes[name] = _decoded(recordings / name)
    for name, columns in hikes.items():
        yield _altitudes(name, columns)
    players = {name: _decoded(recordings / f"soccer/{name}.csv") for name in PLAYERS}
    vests = {name: _decoded(recordings / f"soccer/{name}.csv") for name in VESTS}
    for name, columns in (players | vests).items():
        # Speeds of positions, as the other library's are.
        of_positions = {key: value for key, value in columns.items() if key != "speed"}
        yield _way(f"soccer/{name}.csv", "soccer", of_positions, NO_GATE)
    with (recordings / "soccer" / "pitch_corners.csv").open(newline="") as file:
        corners = [
            [float(row["latitude"]), float(row["longitude"])] for row in csv.DictReader(file)
        ]
    yield _players("soccer/U18_ID1 to 3", corners, list(players.values()))
    yield _clouds()


def _made() -> Iterator[Case]:
    ride = {name: column[:2900] for name, column in made_ride.samples().items()}  # to its gap
    yield _power("made ride", ride)
    yield _beats("made player", made_player.beats()["rr"])
    trail = made_trail.samples()
    yield _way("made ride", "biking", ride, {})
    yield _way("made trail run", "trailrunning", trail, {})
    yield _altitudes("made trail run", trail)
    player = {
        name: made_player.samples()[name][:4000] for name in ("t", "lat", "lon")
    }  # to its gap
    yield _way("made player", "soccer", player, NO_GATE)
    yield _players("made players", simulate.corners(), [_ways_on_the_pitch(n) for n in range(3)])
    yield _clouds()


def _ways_on_the_pitch(n: int) -> Arrays:
    """400 s of a player who goes round on the simulator's pitch."""
    at = np.arange(4000)
    x = 52.5 + 30 * np.sin(at / 310 + 2 * n) + 9 * np.cos(at / 70 * (1 + n / 5))
    y = 34 + 20 * np.cos(at / 270 + n) + 8 * np.sin(at / 60)
    lat, lon = simulate.to_degrees(x, y)
    return {"t": made_player.START + 100 * at, "lat": lat, "lon": lon}


# Reading


def _decoded(path: Path) -> Arrays:
    """The samples of a device file, as an upload gives them."""
    decoded = decode(path.read_bytes(), date=DAY, timezone="UTC")
    return chunk(decoded.columns)


def _intervals(path: Path) -> np.ndarray:
    """ms, one a line, after ``[HRData]`` where the file is a Polar hrm."""
    lines = path.read_text(encoding="latin-1").split("[HRData]")[-1].split()
    return np.array([float(line) for line in lines])


def _points(path: Path) -> Arrays:
    """The points of a GPX file."""
    points = list(ElementTree.parse(path).iterfind(".//{*}trkpt"))
    times = [datetime.fromisoformat(str(point.findtext("{*}time"))) for point in points]
    t = np.array([round(time.timestamp() * 1000) for time in times])
    order = np.flatnonzero(np.diff(t, prepend=t[0] - 1) > 0)
    columns = {
        "lat": [float(point.attrib["lat"]) for point in points],
        "lon": [float(point.attrib["lon"]) for point in points],
        "alt": [float(point.findtext("{*}ele", "nan")) for point in points],
    }
    return {"t": t[order], **{name: np.array(value)[order] for name, value in columns.items()}}


# Computing


def _fold(sport: str, columns: Arrays, activity: dict[str, Any], params: Any) -> FrameFold:
    declared = registry().sport(sport)
    resolved = resolve_parameters(declared, {"sport": sport, **activity}, params, {})
    fold = FrameFold(declared, resolved, int(columns["t"][0]), int(columns["t"][-1]) + 1)
    fold.advance(columns)
    fold.batch({"samples": columns})
    return fold


def _power(name: str, columns: Arrays) -> Case:
    values, _ = _fold("biking", columns, {}, RIDER).values(True)
    balance, integral = values["w_prime_balance"], values["w_prime_balance_integral"]
    curve = {row["duration"]: row["power"] for row in values["mean_maximal_power"]}
    ours = {f"mean-maximal power, {seconds} s": curve[seconds] for seconds in (5, 60, 300, 1200)}
    ours |= {
        "mean-maximal power, all durations": sum(curve.values()) / len(curve),
        "normalized power": values["power"]["normalized"],
        "W' balance, least": balance["minimum"],
        "W' balance, end": balance["end"],
        "W' balance, integral, least": integral["minimum"],
        "W' balance, integral, end": integral["end"],
    }
    seconds = columns["t"] // 1000
    power = np.zeros(int(seconds[-1] - seconds[0]) + 1)
    power[seconds - seconds[0]] = np.nan_to_num(columns["power"])
    return Case(name, "power", {"power": power}, {**RIDER, "durations": list(curve)}, ours)


def _beats(name: str, rr: np.ndarray) -> Case:
    t = np.cumsum(rr).astype(np.int64)
    declared = registry().sport("soccer")
    resolved = resolve_parameters(declared, {"sport": "soccer"}, {}, {})
    fold = FrameFold(declared, resolved, 0, int(t[-1]) + 1)
    fold.advance({"t": t, "rr": rr}, "rr")
    hrv = fold.values(True)[0]["hrv"]
    names = {"mean RR": "mean_rr", "RMSSD": "rmssd", "SDNN": "sdnn", "pNN50": "pnn50"}
    return Case(name, "beats", {"rr": rr}, {}, {key: hrv[of] for key, of in names.items()})


def _rules(fold: FrameFold) -> dict[str, Any]:
    """What of a distance's definition the other side needs."""
    names = ("max_speed", "max_gap", "max_bridge", "bridge_gaps")
    return {name: fold.resolved.values[name] for name in names}


def _way(name: str, sport: str, columns: Arrays, params: dict[str, Any]) -> Case:
    fold = _fold(sport, columns, {}, params)
    values, _ = fold.values(True)
    ours = {"distance, geodesic": values["total_distance"]}
    if sport == "soccer":
        ours |= {
            "distance, backward differences": values["total_distance"],
            "distance, central differences": values["total_distance"],
            "highest velocity": values["max_speed"],
        }
    arrays = {key: columns[key] for key in ("t", "lat", "lon")}
    return Case(name, "way", arrays, {**_rules(fold), "field": sport == "soccer"}, ours)


def _altitudes(name: str, columns: Arrays) -> Case:
    fold = _fold("trailrunning", columns, {}, {"max_speed": 35})
    values, _ = fold.values(True)
    ours = {"length, 2-D": values["total_distance"], "uphill": values["ascent"]}
    arrays = {key: columns[key] for key in ("t", "lat", "lon", "alt")}
    threshold = fold.resolved.values["elevation_threshold"]
    return Case(name, "altitudes", arrays, {**_rules(fold), "threshold": threshold}, ours)


def _players(name: str, corners: Any, players: list[Arrays]) -> Case:
    together = registry().activity_metrics("soccer")
    assert together is not None
    assert together.points is not None
    assert field_of(corners) is not None, "the corners are those of a field"
    folds = [_fold("soccer", each, {"field_corners": corners}, {}) for each in players]
    members = [
        Member(n, fold.start, fold.end, fold.resolved.values, None) for n, fold in enumerate(folds)
    ]
    grid = ActivityGrid(members)
    for n, fold in enumerate(folds):
        grid.put(n, points_of(fold, together.points.name, ended=True))
    shape = grid.fold(max(fold.end for fold in folds) // 1000 + 1)
    ours = {}
    for quantity, measure in (("centroid, x", X), ("centroid, y", Y)):
        ours[quantity] = (spread(shape, 0, 0, measure) or {})["mean"]
    for quantity, measure in (("stretch index", STRETCH), ("hull", SURFACE)):
        for which, value in (spread(shape, 0, 0, measure) or {}).items():
            ours[f"{quantity}, {which}"] = value
            if measure == SURFACE:
                ours[f"hull (scipy), {which}"] = value
    arrays = {
        f"{key}{n}": each[key] for n, each in enumerate(players) for key in ("t", "lat", "lon")
    }
    settings = {**_rules(folds[0]), "players": len(players), "corners": corners}
    return Case(name, "players", arrays, settings, ours)


def _clouds() -> Case:
    rng = np.random.default_rng(25)
    sizes = rng.integers(3, 23, CLOUDS)
    points = rng.uniform((0, 0), (105, 68), (int(sizes.sum()), 2))
    areas, at = [], 0
    for size in sizes.tolist():
        cloud = points[at : at + size]
        areas.append(hull_area(cloud[:, 0].copy(), cloud[:, 1].copy(), size))
        at += size
    ours = {
        "hull (scipy), mean": float(np.mean(areas)),
        "hull (scipy), min": min(areas),
        "hull (scipy), max": max(areas),
    }
    arrays = {"sizes": sizes, "points": points}
    return Case(f"{CLOUDS} made clouds of 3 to 22", "clouds", arrays, {}, ours)


def write(directory: Path, recordings: Path | None) -> list[dict[str, Any]]:
    """Write arrays and cases.json to the directory. Our numbers: recording, quantity, value."""
    cases, ours = [], []
    for number, case in enumerate(found(recordings)):
        cases.append(case.write(directory, number))
        ours += [
            {"recording": case.recording, "quantity": quantity, "value": float(value)}
            for quantity, value in case.ours.items()
        ]
    (directory / "cases.json").write_text(json.dumps(cases), "utf-8")
    return ours
