"""The pages for administrators, in Chromium; pictures of each are left in artefacts/pages/."""

import pyotp

from tests.browser.checks import look
from tests.browser.chromium import Page
from tests.browser.conftest import enter, log_in
from tests.browser.test_pages import clean
from tests.contract.conftest import PASSWORD, World


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
