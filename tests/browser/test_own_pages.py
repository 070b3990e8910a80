"""An athlete's own pages, and everybody's account, as people use them in Chromium."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core import clock
from core.models import AccessEvent, Job, Permission, User
from core.services import deletion
from tests.browser.checks import look
from tests.browser.chromium import Page, until
from tests.browser.conftest import enter, log_in
from tests.browser.test_pages import clean, far_too_much, some
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import match, permit
from tests.contract.test_addresses import address, token
from tests.contract.test_mail import Post, post

__all__ = ["post"]

WEIGHT = (
    "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
    ".reduce((sum, one) => sum + one.encodedBodySize, 0)"
)
DAY = 86_400_000
LONG = "Maximiliana-Alexandra Featherstonehaugh-Cholmondeley of the Upper Valley"


def rights(world: World) -> None:
    """One that runs, one that has ended, one to come; and what was read."""
    moment = clock.now()
    spans = {
        "READ": (moment - 200 * DAY, moment + 90 * DAY),
        "WRITE": (moment - 500 * DAY, moment - 300 * DAY),
        "SHARE": (moment + 30 * DAY, moment + 200 * DAY),
    }

    def fill(session: Any) -> None:
        for right, (start, stop) in spans.items():
            session.add(
                Permission(
                    athlete_id=world.ids["noe"], manager_id=world.ids["ben"], permission=right,
                    start_time=start, expiration_time=stop,
                )
            )  # fmt: skip
        ben = session.get_one(User, world.ids["ben"])
        ben.manager_profile.first_name, ben.manager_profile.last_name = "Benjamin", "Okafor"
        for hour, kind in enumerate(("profile", "computed", "samples")):
            session.add(_read(world, hour, kind))

    world.db.write(fill)


def _read(world: World, hour: int, kind: str, program: str = "Club AMS") -> AccessEvent:
    moment = clock.now() - hour * 3_600_000
    return AccessEvent(
        athlete_id=world.ids["noe"], reader_id=world.ids["ben"], reader="ben", role="MANAGER",
        kind=kind, program=program, hour=moment, time=moment,
    )  # fmt: skip


def too_many_rights(world: World) -> None:
    far_too_much(world)
    rights(world)

    def fill(session: Any) -> None:
        ada = session.get_one(User, world.ids["ada"])
        ada.manager_profile.first_name = LONG
        for number in range(60):
            start = clock.now() - number * 20 * DAY
            session.add(
                Permission(
                    athlete_id=world.ids["noe"], manager_id=world.ids["ada"], permission="READ",
                    start_time=start if number else 0,
                    expiration_time=start + 90 * DAY if number else clock.FAR_FUTURE,
                )
            )  # fmt: skip
            session.add(_read(world, number + 10, "samples", f"{LONG} {number}"))

    world.db.write(fill)


@pytest.mark.parametrize("fill", [None, rights, too_many_rights])
def test_how_they_look(
    page: Page, base: str, world: World, fill: Callable[[World], None] | None
) -> None:
    if fill:
        fill(world)
    name = {None: "empty", rights: "some", too_many_rights: "much"}[fill]
    home = f"{base}/athletes/{world.ids['noe']}"
    log_in(page, base, "noe")
    for path in ("permissions", "access-log", "data"):
        page.open(f"{home}/{path}/")
        look(page, f"{path}-{name}")
        assert page.js(WEIGHT) <= 100_000
    if fill is rights:
        page.open(f"{home}/permissions/")
        page.click("tbody a")
        look(page, "permission")
        page.open(f"{home}/delete/")
        look(page, "delete")
        page.open(f"{base}/account/")
        look(page, "account")
    clean(page, base)


def test_giving_shortening_and_taking_back_by_keyboard(page: Page, base: str, world: World) -> None:
    def right() -> Permission | None:
        return world.db.read(lambda s: s.query(Permission).one_or_none())

    log_in(page, base, "noe")
    page.open(f"{base}/")
    page.click("nav a")
    assert "Nobody but you" in page.text
    page.js("document.querySelector('#manager').focus()")
    page.type("nobody")
    reach(page, "stop")
    page.js("document.querySelector('#stop').value = '2099-12-31'")
    page.press("Enter", leads_on=True)
    assert "There is no manager" in page.text
    look(page, "permission-refused")
    page.fill("#manager", "ben")
    reach(page, "permission")
    page.press("Tab")
    assert page.js("document.activeElement.id") == "start"
    page.click("main form button")
    assert "The permission was given." in page.text
    given = right()
    assert given is not None
    assert (given.start_time, given.permission) == (0, "READ")
    assert world.get(f"/athletes/{world.ids['noe']}/", "ben").status_code == 200
    page.js("document.querySelector('tbody a').focus()")
    page.press("Enter", leads_on=True)
    assert "ben may read" in page.text
    page.click("input[name=end] ~ button")
    assert "The permission ends earlier now." in page.text
    look(page, "permission-ended")
    assert world.get(f"/athletes/{world.ids['noe']}/", "ben").status_code == 403
    page.click("tbody a")
    page.click("form[action$='/revoke/'] button")
    assert "The permission was taken back." in page.text
    assert right() is None
    clean(page, base)


def reach(page: Page, name: str) -> None:
    """By the Tab key alone."""

    def there() -> bool:
        if page.js("document.activeElement.id") == name:
            return True
        page.press("Tab")
        return False

    until(there, f"{name} is not reached by the keyboard")


def test_everything_is_downloaded(page: Page, base: str, world: World, tmp_path: Path) -> None:
    match(world).frame()
    log_in(page, base, "noe")
    page.open(f"{base}/athletes/{world.ids['noe']}/data/")
    page.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    page.js("document.querySelector('a[download]').click()")
    wanted = tmp_path / f"touchline-athlete-{world.ids['noe']}.zip"
    until(wanted.exists, "nothing was downloaded")
    assert wanted.read_bytes().startswith(b"PK")
    clean(page, base)


def test_an_account_is_deleted(page: Page, base: str, world: World, app: Any) -> None:
    log_in(page, base, "noe")
    page.open(f"{base}/athletes/{world.ids['noe']}/data/")
    page.click("main a.even")
    assert "What stays" in page.text
    page.fill("#password", "wrong")
    page.press("Enter", leads_on=True)
    assert "Nothing was deleted" in page.text
    look(page, "delete-refused")
    page.fill("#password", PASSWORD)
    page.press("Enter", leads_on=True)
    assert "Your account is deleted" in page.text
    look(page, "deleted")
    page.open(f"{base}/login/")
    page.fill("#username", "noe")
    page.fill("#password", PASSWORD)
    page.click("main button")
    assert "The username or the password is wrong." in page.text
    objects = app.extensions["touchline"].objects
    deletion.run(world.db, objects, world.ids["noe"])
    job = world.db.read(lambda s: s.query(Job).one())
    assert (job.kind, job.state) == ("delete", "SUCCESS")
    clean(page, base)


def test_an_address_is_changed(page: Page, base: str, world: World, post: Post) -> None:
    page.open(f"{base}/account/")
    enter(page, "ada")
    page.fill("#email", "ada@new.example")
    page.fill("#address_password", PASSWORD)
    page.press("Enter", leads_on=True)
    assert "A link is on its way" in page.text
    look(page, "account-waiting")
    page.open(f"{base}/account/confirm-address/?token={token(post.deliver())}")
    assert "ada@new.example" in page.text
    look(page, "confirm-address")
    page.click("main button")
    assert "Your address is confirmed" in page.text
    look(page, "address-confirmed")
    assert address(world, "ada") == "ada@new.example"
    page.open(f"{base}/account/confirm-address/?token=x")
    look(page, "address-refused")
    clean(page, base)


def test_a_manager_finds_whom_they_manage(page: Page, base: str, world: World) -> None:
    some(world)
    for number in (1, 2):
        body = {
            "managed_by": world.ids["ada"], "external_id": f"n-{number}",
            "athlete_profile": {"first_name": "Noé", "last_name": f"Keller {number}"},
        }  # fmt: skip
        assert world.post("/athletes/create-managed/", "ada", json=body).status_code == 201
    log_in(page, base, "ada")
    look(page, "start-managing")
    page.click(".links a")
    assert "Noé Keller 1’s permissions" in page.text
    look(page, "permissions-managed")
    page.click("nav[aria-label='Pages of this athlete'] a:last-child")
    assert "Download everything" in page.text
    clean(page, base)


def test_a_permission_of_ben_as_he_uses_it_is_seen(page: Page, base: str, world: World) -> None:
    permit(world, "ben", "READ", span=("2020-01-01T00:00:00.000Z", "2099-12-31T00:00:00.000Z"))
    world.get(f"/athletes/{world.ids['noe']}/", "ben")
    log_in(page, base, "noe")
    page.open(f"{base}/athletes/{world.ids['noe']}/access-log/")
    assert "ben manager" in page.text
    page.fill("#who", "ada")
    page.press("Enter", leads_on=True)
    assert "Nobody of this name" in page.text
    look(page, "access-log-none")
    clean(page, base)
