"""The pages for administrators, in Chromium; pictures of each are left in artefacts/pages/."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pyotp
import pytest

from core.clock import now
from core.models import AuditEvent, ComputeState, Device, Job, Outbox, TimeFrame, User
from core.models.users import ROLES
from core.models.work import FAILURE
from tests.browser.checks import look
from tests.browser.chromium import Page
from tests.browser.conftest import enter, log_in
from tests.browser.test_pages import clean
from tests.contract.conftest import PASSWORD, World
from tests.contract.scenes import match
from tests.contract.test_admin_pages import webhook


def test_a_second_factor(page: Page, base: str, world: World) -> None:
    log_in(page, base, "admin")
    page.open(f"{base}/admin/second-factor/")
    look(page, "second-factor-none")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    look(page, "second-factor-pending")
    totp = pyotp.TOTP(page.js("document.getElementById('secret').innerText").replace(" ", ""))
    assert page.js("document.querySelector('.qr svg').getBoundingClientRect().width") > 200
    page.fill("#code", "000000")
    page.press("Enter", leads_on=True)
    assert "This code is wrong" in page.text
    page.fill("#code", totp.now())
    page.press("Enter", leads_on=True)
    look(page, "second-factor-codes")
    codes = page.js("[...document.querySelectorAll('.codes li')].map(e => e.innerText)")
    assert len(codes) == 10
    page.click("main a.button")
    look(page, "second-factor-in-force")
    page.click("header button")
    page.open(f"{base}/login/?next=/admin/second-factor/")
    enter(page, "admin")
    look(page, "login-code")
    page.fill("#code", "000000")
    page.press("Enter", leads_on=True)
    look(page, "login-code-failed")
    page.fill("#code", codes[0])
    page.press("Enter", leads_on=True)
    assert "Recovery codes left: 9 of 10" in page.text
    clean(page, base)


def crowd(world: World) -> None:
    """Hundreds of everything, with long names and long reasons."""
    name = "third-preparation-match-of-the-under-seventeen-regional-selection"
    why = "ValueError: the kernel 'track' was given 1,048,577 rows whose speed is not a number " * 3

    def add(session: Any) -> None:
        frame = session.query(TimeFrame).first()
        columns = ("start_time", "end_time", "params", "device_id", "athlete_id", "activity_id")
        columns += ("owner_id", "json_schema_id")
        for n in range(50):
            session.add(
                User(
                    username=f"{name}-{n}@club.example",
                    role=ROLES[n % 3],
                    email=f"{name}-{n}@club.example",
                    created=now(),
                    disabled=n % 7 == 0,
                )
            )
            session.add(
                Device(
                    device_name=f"{name}-{n}",
                    serial_number=f"{name}-{n}",
                    device_type="vest",
                    firmware_version="2.1.0-rc4+build.20260101",
                )
            )
            session.add(
                Outbox(
                    topic=f"topic-{n % 12}",
                    key=str(n),
                    payload={},
                    attempts=n % 3,
                    created=now(),
                    due=now() - 3_600_000,
                )
            )
            session.add(
                Job(
                    job_id=f"job-{uuid4()}",
                    kind="import",
                    state=FAILURE,
                    arguments={},
                    created=now(),
                    finished=now(),
                    details={"reason": why},
                )
            )
            session.add(
                AuditEvent(
                    time=now(),
                    actor=f"{name}@club.example",
                    action="device.change",
                    kind="device",
                    target_id=1,
                    before={"device_type": name * 3},
                    after={"device_type": name * 3},
                )
            )
            more = TimeFrame(**{column: getattr(frame, column) for column in columns})
            session.add(more)
            session.flush()
            session.add(ComputeState(timeframe_id=more.id, arrival={}, failures=3, error=why))

    world.db.write(add)  # fmt: skip


def some(world: World) -> None:
    """A match, an owned device, a client that is used, some changes."""
    match(world).frame()
    world.get("/account/", "ada")
    made = world.post("/admin/clients/", "admin", json={
        "name": "Club AMS", "owner": "AMS Ltd, Bern", "grants": ["authorization_code"],
        "redirect_uris": ["https://ams.example/cb"], "cors_origins": ["https://ams.example"],
    })  # fmt: skip
    world.call("PATCH", f"/admin/clients/{made.json['id']}/", "admin",
               json={"throttle_class": "high"})  # fmt: skip
    world.call("PATCH", "/admin/devices/1/", "admin", json={"firmware_version": "2.1.0"})
    webhook(world)
    webhook(world, state="disabled", reason="The receiver failed for five days: status 503.")


EMPTY = ("work/", "devices/")
FULL = ("", "work/", "audit-log/", "users/1/", "devices/1/", "clients/new/", "deliveries/")
CROWDED = ("users/",)


@pytest.mark.parametrize(
    ("fill", "paths"),
    [([], EMPTY), ([some], FULL), ([some, crowd], CROWDED)],
)
def test_the_pages_of_administration(
    page: Page, base: str, world: World, fill: list[Callable[[World], None]], paths: tuple[str, ...]
) -> None:
    for more in fill:
        more(world)
    log_in(page, base, "admin")
    assert page.url == f"{base}/admin/"
    name = fill[-1].__name__ if fill else "empty"
    for path in paths:
        page.open(f"{base}/admin/{path}")
        look(page, f"admin-{path.replace('/', '-')}{name}")
    clean(page, base)


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until this has the focus, as who has no mouse does."""
    for _ in range(60):
        page.press("Tab")
        if page.js(f"document.activeElement.matches({wanted!r})"):
            return
    raise AssertionError(f"{wanted} is not to be reached by the keyboard")


def test_an_account_is_made_and_disabled_by_the_keyboard_alone(
    page: Page, base: str, world: World
) -> None:
    log_in(page, base, "admin")
    page.open(f"{base}/admin/users/new/")
    tab_to(page, "#username")
    page.type("eva")
    tab_to(page, "#password")
    page.type("short")
    tab_to(page, "main form button")
    page.press("Enter")  # the browser itself asks for the address
    assert page.url.endswith("/new/")
    page.fill("#email", "eva@club.example")
    page.press("Enter", leads_on=True)
    assert "Length must be between 8" in page.text
    look(page, "admin-users-new-refused")
    tab_to(page, "#password")
    page.type("long enough")
    page.press("Enter", leads_on=True)
    assert "The account was made." in page.text
    tab_to(page, "summary")
    page.press("Enter")
    tab_to(page, "button.harm")
    page.press("Enter", leads_on=True)
    assert "every token of it has ended" in page.text
    clean(page, base)
