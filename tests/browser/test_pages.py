"""The pages as people use them, in Chromium; pictures of each are left in artefacts/pages/."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from core import clock
from core.models import Activity, Device, TimeFrame
from tests.browser.checks import look, violations
from tests.browser.chromium import Page, until
from tests.browser.conftest import Ams, enter, log_in
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import device, match, own, permit

HOUR = 3_600_000


def clean(page: Page, *origins: str) -> None:
    """Nothing was asked of anybody else, and the browser had nothing to complain about."""
    outside = [url for url in page.asked if not url.startswith((*origins, "data:", "about:"))]
    assert outside == []
    expected = ("status of 4", "Canvas2D")  # a refusal that was asked for; axe's search for icons
    said = [text for text in page.complaints if not any(word in text for word in expected)]
    assert said == []


def focused(page: Page, name: str) -> None:
    until(lambda: page.js("document.activeElement.id") == name, f"{name} has not the focus")


def asking(base: str, ams: Ams, **more: str) -> str:
    query = {
        "response_type": "code",
        "client_id": ams.client_id,
        "redirect_uri": ams.callback,
        "state": "xyz",
        **more,
    }
    return f"{base}/oauth2/authorize/?{urlencode(query)}"


def answer(page: Page, ams: Ams) -> dict[str, list[str]]:
    assert page.url.startswith(ams.callback), page.text
    return parse_qs(urlsplit(page.url).query)


def test_login_consent_and_withdrawal(page: Page, base: str, world: World, ams: Ams) -> None:
    page.open(asking(base, ams, scope="read"))
    focused(page, "username")
    look(page, "login")
    page.type("noe")  # by keyboard alone
    page.press("Tab")
    page.type("wrong")
    page.press("Enter", leads_on=True)
    assert "The username or the password is wrong." in page.text
    look(page, "login-failed")
    focused(page, "password")  # the name need not be typed again
    page.type(PASSWORD)
    page.press("Enter", leads_on=True)
    assert "Allow Club AMS to use your account?" in page.text
    assert "AMS Ltd, Bern" in page.text
    look(page, "consent")
    sizes = page.js(
        "[...document.querySelectorAll('.pair button')].map(b => [b.offsetWidth, b.offsetHeight,"
        " getComputedStyle(b).backgroundColor, getComputedStyle(b).fontWeight])"
    )
    assert sizes[0] == sizes[1]  # allow and deny weigh the same
    page.click("button[value=allow]")
    said = answer(page, ams)
    assert said["state"] == ["xyz"]
    given = httpx.post(
        f"{base}/oauth2/token/",
        data={
            "grant_type": "authorization_code",
            "code": said["code"][0],
            "redirect_uri": ams.callback,
        },
        auth=(ams.client_id, ams.secret),
    )
    token = {"Authorization": f"Bearer {given.json()['access_token']}"}
    assert httpx.get(f"{base}/api/v1/account/", headers=token).json()["username"] == "noe"
    page.open(asking(base, ams, scope="read"))  # remembered: straight back
    assert "code" in answer(page, ams)
    page.open(f"{base}/oauth2/consents/")
    look(page, "programs")
    page.click("tbody button")
    assert "allowed no program" in page.text
    look(page, "programs-none")
    assert httpx.get(f"{base}/api/v1/account/", headers=token).status_code == 401
    clean(page, base, ams.callback)


def test_remembered_consent_leads_from_login_straight_to_the_program(
    page: Page, base: str, world: World, ams: Ams
) -> None:
    """A browser holds a form to its Content-Security-Policy through every redirect."""
    page.open(asking(base, ams))
    enter(page, "ada")
    page.click("button[value=allow]")
    page.open(f"{base}/")
    page.click("header button")
    assert "Log in" in page.text
    page.open(asking(base, ams))
    enter(page, "ada")
    assert "code" in answer(page, ams)
    clean(page, base, ams.callback)


def test_denial(page: Page, base: str, world: World, ams: Ams) -> None:
    log_in(page, base, "ada")
    page.open(asking(base, ams))
    look(page, "consent-all")
    page.click("button[value=deny]")
    said = answer(page, ams)
    assert (said["error"], said["state"]) == (["access_denied"], ["xyz"])
    page.open(asking(base, ams, redirect_uri="https://evil.example/"))
    assert page.url.startswith(base)
    look(page, "refused")
    clean(page, base, ams.callback)


def test_device_activation(page: Page, base: str, world: World) -> None:
    made = device(world, "TL-0007", "Vest 7", device_type="vest")
    page.open(f"{base}/device-activation/")
    enter(page, "ada")
    look(page, "activation")
    page.fill("#serial_number", "TL-0007")
    page.fill("#device_name", "Vest 8")
    page.click("main button")
    assert "No device has this serial number" in page.text
    look(page, "activation-failed")
    page.fill("#device_name", "Vest 7")
    page.click("main button")
    assert "Vest 7 is yours" in page.text
    assert page.url.endswith(f"/device-activation/{made['id']}/")
    look(page, "activated")
    clean(page, base)


def some(world: World) -> None:
    """A match now, one to come, one past; two devices that reported."""
    played = match(world)
    permit(world, "ben", "READ", span=("2020-01-01T00:00:00.000Z", "2099-12-31T00:00:00.000Z"))
    played.frame()
    own(world, device(world, "TL-0002", "Vest 2", device_type="vest")["id"], "ada",
        "2020-01-01T00:00:00.000Z", "2099-12-31T00:00:00.000Z")  # fmt: skip
    copies(world, [("Training on clay", -HOUR), ("Quarter-final", 24 * HOUR)])

    def report(session) -> None:
        for tracker in session.query(Device):
            tracker.last_contact = clock.now() - 125_000

    world.db.write(report)


def copies(world: World, wanted: list[tuple[str, int]]) -> None:
    """More activities like the first, two hours each from these times on."""

    def add(session) -> None:
        frame = session.query(TimeFrame).first()
        like = frame.activity
        for name, shift in wanted:
            made = Activity(
                name=name, json=like.json, json_schema_id=like.json_schema_id,
                owner_id=like.owner_id, created=clock.now(),
            )  # fmt: skip
            session.add(made)
            session.flush()
            session.add(
                TimeFrame(
                    activity_id=made.id, start_time=clock.now() + shift,
                    end_time=clock.now() + shift + 2 * HOUR, params={},
                    device_id=frame.device_id, athlete_id=frame.athlete_id,
                    owner_id=frame.owner_id, json_schema_id=frame.json_schema_id,
                )
            )  # fmt: skip

    world.db.write(add)


def far_too_much(world: World) -> None:
    some(world)
    name = "Third preparation match of the under-seventeen regional selection against everybody "
    copies(world, [(f"{name * 2}{n}", (n % 3 - 1) * 30 * HOUR + n * 60_000) for n in range(90)])


@pytest.mark.parametrize("fill", [None, some, far_too_much])
@pytest.mark.parametrize("username", ["ada", "noe"])
def test_the_start_page(
    page: Page, base: str, world: World, fill: Callable[[World], None] | None, username: str
) -> None:
    if fill:
        fill(world)
    log_in(page, base, username)
    look(page, f"start-{username}-{fill.__name__ if fill else 'empty'}")
    if fill:
        assert "Training on clay" in page.text or fill is far_too_much
    clean(page, base)


def test_the_start_page_of_nobody(page: Page, base: str, world: World) -> None:
    page.open(f"{base}/")
    look(page, "start-nobody")
    weight = page.js(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".reduce((sum, one) => sum + one.transferSize, 0)"
    )
    assert weight <= 100_000
    page.press("Tab")
    assert page.js("document.activeElement.className") == "skip"
    clean(page, base)


def test_a_bad_page_is_found_out(page: Page, base: str, world: World) -> None:
    page.open(f"{base}/login/")
    assert violations(page) == []
    page.js(
        "document.querySelector('label').remove();"
        "document.querySelector('p a').style.color = '#bbb';"
        "document.documentElement.removeAttribute('lang')"
    )
    found = {one["rule"] for one in violations(page)}
    assert found >= {"label", "color-contrast", "html-has-lang"}
