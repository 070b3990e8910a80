"""The report of an activity in Chromium: what it draws, how it zooms, how it prints."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from core import simulate
from core.sport.registry import Registry
from tests.browser.activities import COURT, Club, player, rallies, ride
from tests.browser.checks import ARTEFACTS, FAULTS, WIDTHS, look, violations
from tests.browser.chromium import Page, until
from tests.browser.conftest import log_in
from tests.browser.test_own_pages import WEIGHT
from tests.browser.test_pages import clean
from tests.contract.conftest import World

DRAWN = "document.getElementById('activity').dataset.drawn"
RECORDINGS: dict[str, tuple[str, dict[str, str]]] = {
    "biking": ("cycling/power_hr_climb_57km.fit", {}),
    "running": ("running/track_fenix6.fit", {}),
    "swimming": ("swimming/pool_25m_hr.fit", {}),
    "trailrunning": ("trail/hike_fr910xt.fit", {"sport": "trailrunning"}),
    "triathlon": ("triathlon/tri_fenix3.fit", {}),
}
# What the page of each sport shows beside streams, quality, what was used and downloads.
SHOWN = {
    "soccer": ("Shape of the teams", "Heat map", "Zones", "Efforts", "Highest demands", "Thirds"),
    "tennis": ("Heat map", "Zones", "Efforts", "Highest demands", "Thirds"),
    "biking": ("Route", "Zones", "Climbs", "Power curve"),
    "running": ("Route", "Zones", "Laps", "Best efforts"),
    "swimming": ("Intervals", "Lengths", "Stroke types", "96.7"),  # % freestyle
    "trailrunning": ("Route", "Slope", "Laps", "Climbs", "Descents"),
    "triathlon": ("Race", "Legs", "Transitions", "Route"),
}


@pytest.fixture
def club(world: World, registry: Registry, tmp_path: Path) -> Club:
    return Club(world, registry, tmp_path / "objects")


def training(club: Club, seconds: float = 400) -> int:
    """Noe and Lea on a pitch in Zurich; noe's vest was silent for a minute."""
    activity = club.activity(
        "Tuesday training", "soccer", field_corners=simulate.corners(), timezone="Europe/Zurich"
    )
    noe, lea = club.athlete("Noé", "Favre", "noe"), club.athlete("Lea", "Rochat", "lea")
    club.frame(activity, noe, player(0, seconds, silence=(200, 260)), {"max_hr": 190})
    club.frame(activity, lea, player(1, seconds), {"max_hr": 194, "rest_hr": 52})
    return activity


def report(page: Page, base: str, activity: int, username: str = "ada") -> None:
    """Open it, and wait until its charts are drawn."""
    page.show(1440, "light")
    log_in(page, base, username)
    opened(page, f"{base}/activities/{activity}/")


def opened(page: Page, address: str) -> None:
    page.open(address)
    until(lambda: page.js(DRAWN), f"nothing is drawn:\n{page.text[:2000]}")


def charts(page: Page) -> list[str]:
    return page.js("[...document.querySelectorAll('#charts figcaption b')].map(b => b.innerText)")


def painted(page: Page, canvas: str) -> bool:
    """Is there anything on the canvas?"""
    return page.js(
        f"(c => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))"
        f"(document.querySelector({canvas!r}))"
    )


def pages_printed(page: Page) -> int:
    pdf = base64.b64decode(page.command("Page.printToPDF", preferCSSPageSize=True)["data"])
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", pdf))


def note(page: Page) -> str:
    return page.js("document.getElementById('streams-note').innerText")


def test_the_report_of_a_training(page: Page, base: str, club: Club) -> None:
    report(page, base, training(club))
    assert charts(page) == ["Speed, km/h", "Heart rate, 1/min", "Altitude, m"]
    assert painted(page, "#charts canvas")
    assert painted(page, "#route-map")
    assert page.js(WEIGHT) < 1_000_000
    look(page, "activity-training")
    assert pages_printed(page) == 1
    clean(page, base)

    before = page.js("document.querySelector('#charts canvas').toDataURL()")
    asked = len(page.asked)
    page.tap("[data-zoom=in]")
    until(lambda: " to " in note(page), note(page))
    until(
        lambda: page.js("true") and any("start=" in url for url in page.asked[asked:]),
        "no finer series was read",
    )
    assert page.js("document.querySelector('#charts canvas').toDataURL()") != before
    page.tap("[data-zoom=all]")
    assert note(page).startswith("Drag over")

    page.tap("#charts figure:nth-child(2) button")  # Table
    rows = page.js(
        "document.querySelectorAll('#charts .chart-table:not([hidden]) tbody tr').length"
    )
    assert 300 < rows <= 400
    assert page.js("document.querySelector('#charts .chart-table:not([hidden]) th').innerText") == (
        "Time (Europe/Zurich)"
    )
    assert violations(page) == []
    clean(page, base)


def test_charts_follow_the_pointer_and_a_drag(page: Page, base: str, club: Club) -> None:
    activity = club.activity("Ride", "soccer")
    club.frame(activity, club.athlete("Noé", "Favre", "noe"), ride(1800), {"max_gap": 10})
    report(page, base, activity, "noe")  # who may read their own
    assert len(charts(page)) == 5
    box = page.js(
        "(r => [r.x, r.y, r.width, r.height])"
        "(document.querySelectorAll('#charts .u-over')[1].getBoundingClientRect())"
    )

    def mouse(kind: str, share: float, **more: Any) -> None:
        page.command(
            "Input.dispatchMouseEvent", type=kind, x=box[0] + share * box[2], y=box[1] + 20, **more
        )

    mouse("mouseMoved", 0.5)
    words = "[...document.querySelectorAll('.chart-words')].map(w => w.innerText).filter(Boolean)"
    until(lambda: len(page.js(words)) == 5, "not every chart says its value")
    button: dict[str, Any] = {"button": "left", "buttons": 1, "clickCount": 1}
    mouse("mouseMoved", 0.25)
    mouse("mousePressed", 0.25, **button)
    mouse("mouseMoved", 0.4, buttons=1)
    mouse("mouseMoved", 0.5, buttons=1)
    mouse("mouseReleased", 0.5, **button)
    until(lambda: " to " in note(page), "the drag did not zoom")
    begun, ended = note(page).split(" to ")
    assert "20:07:25" < begun < "20:07:35"
    assert "20:14:55" < ended < "20:15:05"
    clean(page, base)


def test_without_scripts_the_numbers_are_there(page: Page, base: str, club: Club) -> None:
    activity = training(club, 110)
    log_in(page, base, "ada")
    page.command("Emulation.setScriptExecutionDisabled", value=True)
    page.open(f"{base}/activities/{activity}/")
    page.command("Emulation.setScriptExecutionDisabled", value=False)
    assert "Charts need JavaScript" in page.js("document.querySelector('noscript').innerText")
    assert page.js("document.querySelectorAll('#zones tbody tr').length") > 8
    page.click("#downloads a:last-child")
    assert page.js("document.querySelectorAll('tbody tr').length") == 110
    clean(page, base)


def game(club: Club, recordings: Path) -> int:
    """Three real players of one game on their pitch: as many as a shape needs."""
    rows = (recordings / "soccer" / "pitch_corners.csv").read_text().split()[1:]
    corners = [[float(number) for number in reversed(row.split(","))] for row in rows]
    activity = club.activity("U18, small-sided game", "soccer", field_corners=corners)
    for number in (1, 2, 3):
        player = club.athlete("Player", str(number))
        club.recording(recordings / "soccer" / f"U18_ID{number}.csv", player, activity=activity)
    return activity


def sets(club: Club, athlete: int) -> int:
    """Tennis: nobody has published a session with positions, so this one is made."""
    activity = club.activity("Two sets", "tennis", court_corners=COURT)
    club.frame(activity, athlete, rallies(900), {"max_hr": 190})
    return activity


@pytest.mark.recordings
def test_a_real_recording_of_each_sport(
    page: Page, base: str, club: Club, recordings: Path, registry: Registry
) -> None:
    noe = club.athlete("Noé", "Favre", "noe")
    log_in(page, base, "ada")
    for sport in sorted(registry.sports):
        if sport == "soccer":
            activity = game(club, recordings)
        elif sport == "tennis":
            activity = sets(club, noe)
        else:
            path, fields = RECORDINGS[sport]
            activity = club.recording(recordings / path, noe, **fields)
        page.show(1440, "light")
        opened(page, f"{base}/activities/{activity}/")
        for width, theme in zip(WIDTHS, ("light", "dark", "light"), strict=True):
            page.show(width, theme)
            page.shot(ARTEFACTS / f"activity-{sport}-{width}-{theme}.png")
            assert (faults := page.js(FAULTS)) == [], (sport, width, faults)
        text = page.text
        everywhere = ("Streams", "Quality", "What was used", "Downloads")
        missing = {words for words in (*everywhere, *SHOWN[sport]) if words not in text}
        assert not missing, sport
        if "Heat map" in SHOWN[sport]:
            until(lambda: painted(page, "#heat-map"), "no heat map is drawn")
        assert violations(page) == [], sport
        assert pages_printed(page) == 1, sport
    clean(page, base)
