"""The report of an activity: how long until it is open in headless Chromium.

Method. `touchline up` on one box takes a generated ride of six hours at 1 Hz, and a match of 22
players over 90 minutes at 10 Hz, by the uplink; once everything is computed and merged a logged-in
Chromium opens each report ROUNDS times, the two in turn, with an empty cache each time. Open is
from the start of the navigation to the second frame after the last chart was drawn, by the page's
own clock. Goal: 2 s each; and no more than 100 kB without charts, 1 MB with them.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.live import Club
from core import simulate
from core.clock import to_iso
from core.commands import accounts
from tests.browser.activities import KICK_OFF, ride
from tests.browser.chromium import Page, chromium, until
from tests.browser.test_own_pages import WEIGHT
from tests.platform import one_box

ROUNDS = 7
GOAL = 2.0  # s
LIGHT, HEAVY = 100_000, 1_000_000  # bytes without charts, and with them
PLAYERS, MATCH_SECONDS = 22, 90 * 60
RIDE_SECONDS = 6 * 3600
ROWS = 30_000  # in a batch
COMPUTED_SECONDS = 300
DAY = 86_400_000
DRAWN = "document.getElementById('activity').dataset.drawn"
SCRIPTS_AND_DATA = (
    "performance.getEntriesByType('resource')"
    ".filter(e => /uPlot|activity_|series|computed/.test(e.name))"
    ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
)

Samples = dict[str, NDArray[Any]]


class Reports(Club):
    """A manager with activities of the past."""

    def activity(self, name: str, sport: str, **document: Any) -> int:
        found = self.call("GET", f"json-schemas/?search={sport}")["results"]
        self.schemas |= {schema["name"]: schema["id"] for schema in found}
        body = {
            "name": name,
            "json": {"sport": sport, **document},
            "json_schema": self.schemas[f"activity_{sport}"],
            "owner": self.manager,
        }
        return self.call("POST", "activities/", body)["id"]

    def frame(self, activity: int, sport: str, samples: Samples, params: dict[str, Any]) -> None:
        """A new athlete's time frame over these samples, sent by a device of its own."""
        self.made += 1
        device = accounts.create_device(self.config, f"p{self.made}", f"p{self.made}", "vest")
        start, stop = int(samples["gnss.timestamp"][0]), int(samples["gnss.timestamp"][-1]) + 1
        accounts.own_device(self.config, device["id"], self.manager, start - DAY, stop + DAY)
        named = {"first_name": "Player", "last_name": str(self.made)}
        athlete = self.call(
            "POST",
            "athletes/create-managed/",
            {"managed_by": self.manager, "athlete_profile": named},
        )["id"]
        for low in range(0, len(samples["gnss.timestamp"]), ROWS):
            columns = {name: values[low : low + ROWS].tolist() for name, values in samples.items()}
            self.http.post(
                f"/api/v1/devices/{device['id']}/samples/",
                json={"batch": str(low), "columns": columns},
                headers={"Authorization": f"Bearer {device['uplink_token']}"},
            ).raise_for_status()
        body = {
            "start_time": to_iso(start),
            "end_time": to_iso(stop),
            "params": params,
            "device": device["id"],
            "activity": activity,
            "athlete": athlete,
            "owner": self.manager,
            "json_schema": self.schemas[f"timeframe_{sport}"],
        }
        self.call("POST", "timeframes/", body)

    def computed(self, activity: int, frames: int, samples: int) -> None:
        """Wait until every frame's result has all of its samples."""
        end = time.monotonic() + COMPUTED_SECONDS
        while time.monotonic() < end:
            found = self.call("GET", f"activities/{activity}/computed/")
            counts = [one["data"]["input"]["samples"] for one in found]
            if counts == [samples] * frames:
                return
            time.sleep(1)
        raise SystemExit(f"not computed in {COMPUTED_SECONDS} s: {counts}")


def riding(club: Reports) -> int:
    known = club.call("GET", "json-schemas/?search=activity_biking")["count"]
    sport = "biking" if known else "soccer"
    activity = club.activity("Ride of six hours", sport)
    samples = ride(RIDE_SECONDS)
    samples = {"gnss.timestamp": samples.pop("t"), **samples}
    params = {"ftp": 250, "max_hr": 190} if sport == "biking" else {"max_gap": 10, "max_speed": 35}
    club.frame(activity, sport, samples, params)
    club.computed(activity, 1, RIDE_SECONDS)
    return activity


def playing(club: Reports) -> int:
    activity = club.activity("Match", "soccer", field_corners=simulate.corners())
    for number in range(PLAYERS):
        columns = simulate.track(3, number, KICK_OFF, MATCH_SECONDS).columns()
        columns["ecg.hr"] = columns["ecg.hr"].astype(np.float64)
        club.frame(activity, "soccer", columns, {"max_hr": 190})
    club.computed(activity, PLAYERS, 10 * MATCH_SECONDS)
    return activity


def log_in(page: Page, url: str, login: dict[str, str]) -> None:
    page.open(f"{url}/login/")
    page.fill("#username", login["username"])
    page.fill("#password", login["password"])
    page.click("main button")


def opened(page: Page, address: str) -> float:
    """Seconds until the report is open, with nothing in the cache."""
    page.command("Network.clearBrowserCache")
    page.open("about:blank")
    page.open(address)
    until(lambda: page.js(DRAWN), f"{address} is not drawn", patience=60)
    return float(page.js(DRAWN)) / 1000


def main() -> int:
    met = True
    with (
        tempfile.TemporaryDirectory(prefix="touchline-bench-") as folder,
        one_box(Path(folder) / "data", throttle="1000") as platform,
        chromium() as page,
    ):
        club = Reports(platform)
        reports = {
            f"ride of {RIDE_SECONDS // 3600} h at 1 Hz": riding(club),
            f"match of {PLAYERS} players, {MATCH_SECONDS // 60} min at 10 Hz": playing(club),
        }
        page.show(1440, "light")
        log_in(page, platform.url, club.login)
        times: dict[str, list[float]] = {name: [] for name in reports}
        weights: dict[str, tuple[int, int]] = {}
        for _ in range(ROUNDS):
            for name, activity in reports.items():
                times[name].append(opened(page, f"{platform.url}/activities/{activity}/"))
                whole = page.js(WEIGHT)
                weights[name] = (whole - page.js(SCRIPTS_AND_DATA), whole)
        for name, found in times.items():
            light, whole = weights[name]
            good = statistics.median(found) <= GOAL and light <= LIGHT and whole <= HEAVY
            met &= good
            print(
                f"{name}: open in {statistics.median(found):.2f} s (median of {ROUNDS}, worst "
                f"{max(found):.2f}; goal {GOAL:g}), {light / 1000:.0f} kB without charts "
                f"({LIGHT // 1000}), {whole / 1000:.0f} kB with them ({HEAVY // 1000}): "
                f"{'met' if good else 'missed'}"
            )
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
