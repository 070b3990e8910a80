"""The numbers of neurokit2, floodlight, scipy, pyproj and gpxpy. Runs in an environment of its own
and imports nothing of ours.

``theirs_others.py DIRECTORY``: reads cases.json and its arrays, writes the answers to stdout.
``corrected`` is theirs once the known difference in definition is taken out.
"""

import json
import sys
import warnings
from datetime import UTC, datetime
from pathlib import Path

import gpxpy.gpx
import neurokit2
import numpy as np
from floodlight import XY
from floodlight.models.geometry import CentroidModel, ConvexHullModel
from floodlight.models.kinematics import DistanceModel, VelocityModel
from pyproj import Geod, Proj
from scipy.spatial import ConvexHull

WGS84 = Geod(ellps="WGS84")


def fixes(arrays, suffix=""):
    """Times (s) and places (degrees) of the samples that have one."""
    t, lat, lon = (arrays[f"{name}{suffix}"] for name in ("t", "lat", "lon"))
    there = np.isfinite(lat) & np.isfinite(lon) & ((lat != 0) | (lon != 0))
    return t[there] / 1000, lat[there], lon[there]


def kept(t, lat, lon, max_speed):
    """Which fixes no faster than max_speed leads to, from the last that was kept."""
    keep, last = [0], 0
    for i in range(1, len(t)):
        metres = WGS84.inv(lon[last], lat[last], lon[i], lat[i])[2]
        if metres <= max_speed * (t[i] - t[last]):
            keep.append(i)
            last = i
    return np.array(keep)


def ruled(t, lat, lon, settings):
    """Sum of the geodesics that count: no impossible fix, no step over too long a gap."""
    keep = kept(t, lat, lon, settings["max_speed"])
    t, lat, lon = t[keep], lat[keep], lon[keep]
    steps = WGS84.line_lengths(lon, lat)
    longest = settings["max_bridge"] if settings["bridge_gaps"] else settings["max_gap"]
    return float(np.sum(np.where(np.diff(t) <= longest, steps, 0.0)))


def plane(lat, lon, at):
    """Metres east and north of a place."""
    return np.stack(Proj(proj="aeqd", lat_0=at[0], lon_0=at[1], ellps="WGS84")(lon, lat), axis=1)


def smoothed(t, v):
    """Speeds by step, as metres over seconds of the steps within half a second, in mm/s, then the
    mean of the last ten: the least that a speed is smoothed here.
    """
    steps = np.diff(t)
    metres = np.concatenate([[0.0], np.cumsum(v[1:] * steps)])
    at = np.arange(1, len(t))
    first = np.minimum(np.searchsorted(t, t[at] - 0.5 - 1e-6), at - 1)
    speeds = np.floor(1000 * (metres[at] - metres[first]) / (t[at] - t[first]) + 0.5)
    sums = np.concatenate([[0.0], np.cumsum(speeds)])
    n = np.arange(1, len(speeds) + 1)
    low = np.maximum(n - 10, 0)
    return (sums[n] - sums[low]) / (n - low) / 1000


def beats(arrays, settings):
    rr = arrays["rr"]
    found = neurokit2.hrv_time({"RRI": rr, "RRI_Time": np.cumsum(rr) / 1000}, sampling_rate=1000)
    names = {"mean RR": "HRV_MeanNN", "RMSSD": "HRV_RMSSD", "SDNN": "HRV_SDNN"}
    for quantity, name in names.items():
        yield quantity, found[name].iloc[0], None
    share = found["HRV_pNN50"].iloc[0]
    yield "pNN50", share, share * len(rr) / (len(rr) - 1)


def way(arrays, settings):
    t, lat, lon = fixes(arrays)
    yield "distance, geodesic", WGS84.line_length(lon, lat), ruled(t, lat, lon, settings)
    if not settings["field"]:
        return
    of_all = plane(lat, lon, (lat.mean(), lon.mean()))
    keep = kept(t, lat, lon, settings["max_speed"])
    t, places = t[keep], of_all[keep]
    backward = covered(of_all, "backward"), covered(places, "backward")
    yield "distance, backward differences", *backward
    yield "distance, central differences", covered(places, "central"), None
    model = VelocityModel()
    model.fit(XY(of_all, framerate=10), difference="backward")
    raw = model.velocity().property[:, 0].max()
    model.fit(XY(places, framerate=10), difference="backward")
    # Its velocities are per frame of 0.1 s, whatever time lies between the fixes.
    velocities = model.velocity().property[:, 0] * np.diff(t, prepend=t[0] - 0.1) ** -1 / 10
    yield "highest velocity", raw, smoothed(t, velocities).max()


def covered(places, difference):
    model = DistanceModel()
    model.fit(XY(places, framerate=10), difference=difference)
    return model.cumulative_distance_covered().property[-1, 0]


def altitudes(arrays, settings):
    t, lat, lon = arrays["t"] / 1000, arrays["lat"], arrays["lon"]
    segment = gpxpy.gpx.GPXTrackSegment()
    for when, north, east, height in zip(t, lat, lon, arrays["alt"], strict=True):
        if np.isfinite(north):
            time = datetime.fromtimestamp(when, UTC)
            elevation = float(height) if np.isfinite(height) else None
            point = gpxpy.gpx.GPXTrackPoint(north, east, elevation=elevation, time=time)
            segment.points.append(point)
    yield "length, 2-D", segment.length_2d(), ruled(*fixes(arrays), settings)
    yield "uphill", segment.get_uphill_downhill().uphill, climbed(arrays["alt"], settings)


def climbed(alt, settings):
    """Rises of at least the threshold from a reference that follows."""
    total, low = 0.0, None
    for height in alt[np.isfinite(alt)].tolist():
        if low is None:
            low = height
        elif abs(height - low) >= settings["threshold"]:
            total += max(height - low, 0.0)
            low = height
    return total


def players(arrays, settings):
    corners = np.array(settings["corners"])
    middle = corners.mean(axis=0)
    on_field = to_field(plane(corners[:, 0], corners[:, 1], middle))
    grids = []
    for n in range(settings["players"]):
        t, lat, lon = fixes(arrays, n)
        keep = kept(t, lat, lon, settings["max_speed"])
        places = on_field(plane(lat[keep], lon[keep], middle))
        # The last fix of each second (k - 1, k].
        grids.append(dict(zip(np.ceil(t[keep]).astype(int).tolist(), places.tolist(), strict=True)))
    seconds = sorted(set.intersection(*map(set, grids)))
    xy = XY(
        np.array([[value for grid in grids for value in grid[k]] for k in seconds]), framerate=1
    )
    model = CentroidModel()
    model.fit(xy)
    centroid = model.centroid().xy.mean(axis=0)
    yield "centroid, x", centroid[0], None
    yield "centroid, y", centroid[1], None
    yield from spread("stretch index", model.stretch_index(xy).property)
    hulls = ConvexHullModel()
    hulls.fit(xy)
    yield from spread("hull", hulls.convex_hull_area().property)
    rows = xy.xy.reshape(len(seconds), -1, 2)
    yield from spread("hull (scipy)", np.array([ConvexHull(row).volume for row in rows]))


def to_field(corners):
    """Metres on the plane → x, y on the rectangle that the corners are nearest to."""
    along = (corners[1] - corners[0] + corners[2] - corners[3]) / 2
    across = (corners[3] - corners[0] + corners[2] - corners[1]) / 2
    norm = np.linalg.norm
    length = (norm(corners[1] - corners[0]) + norm(corners[2] - corners[3])) / 2
    width = (norm(corners[3] - corners[0]) + norm(corners[2] - corners[1])) / 2
    x = along / norm(along)
    y = np.array([-x[1], x[0]])
    y = y if y @ across > 0 else -y
    centre = corners.mean(axis=0)
    return lambda places: (places - centre) @ np.stack([x, y], axis=1) + [length / 2, width / 2]


def spread(name, values):
    yield f"{name}, mean", np.mean(values), None
    yield f"{name}, min", np.min(values), None
    yield f"{name}, max", np.max(values), None


def clouds(arrays, settings):
    groups = np.split(arrays["points"], np.cumsum(arrays["sizes"])[:-1])
    yield from spread("hull (scipy)", np.array([ConvexHull(group).volume for group in groups]))


def main(directory):
    warnings.simplefilter("ignore")
    kinds = {f.__name__: f for f in (beats, way, altitudes, players, clouds)}
    answers = []
    for case in json.loads((directory / "cases.json").read_text()):
        if case["kind"] not in kinds:
            continue
        arrays = np.load(directory / case["arrays"])
        for quantity, value, corrected in kinds[case["kind"]](arrays, case["settings"]):
            answer = {"recording": case["recording"], "quantity": quantity, "value": float(value)}
            answers.append(
                answer if corrected is None else answer | {"corrected": float(corrected)}
            )
    sys.stdout.write(json.dumps(answers))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
