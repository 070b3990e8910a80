"""The live page of a running demo: it shows, survives a dropped server and a reload, and nothing
in the browser complains.
"""

import re
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.browser.checks import look
from tests.browser.chromium import Page, until
from tests.platform import TOUCHLINE, environment

PLAYERS = 6

pytestmark = pytest.mark.e2e


@dataclass
class Demo:
    process: subprocess.Popen[str]
    page: str
    username: str
    password: str

    def web(self) -> psutil.Process:
        """The process that serves requests."""
        return next(
            child
            for child in psutil.Process(self.process.pid).children(recursive=True)
            if "web" in child.cmdline()[:4]
        )


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A match at five times real time: a sample a player every 20 ms."""
    process = subprocess.Popen(
        [TOUCHLINE, "demo", "--players", str(PLAYERS), "--speed", "5"],
        env=environment(tmp_path / "unused"),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    while "live page:" not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    login = re.search(r"login (\S+)  password (\S+)", said)
    address = re.search(r"live page: (\S+)", said)
    assert login
    assert address
    drained = subprocess.Popen(
        ["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    yield Demo(process, address[1], login[1], login[2])
    process.send_signal(signal.SIGINT)
    process.wait(30)
    drained.wait(10)


def cells(page: Page, name: str) -> list[str]:
    return page.js(
        f"[...document.querySelectorAll('#squad [data-cell={name}]')].map(c => c.innerText)"
    )


def full(page: Page, name: str) -> bool:
    shown = cells(page, name)
    return len(shown) == PLAYERS and all(text not in ("", "–", "0") for text in shown)


def state(page: Page) -> str:
    return page.js("document.getElementById('connection').innerText")


def playing(page: Page) -> None:
    """Every player's numbers are there, and they move."""
    for name in ("distance", "pace", "speed", "top", "heart"):
        until(lambda name=name: full(page, name), f"{name}: {cells(page, name)}, {state(page)}")
    assert state(page) == "Live"
    before = cells(page, "distance")
    until(lambda: cells(page, "distance") != before, "nothing moves")


def test_the_live_page_follows_a_match(demo: Demo, page: Page) -> None:
    page.show(1440, "light")
    page.open(demo.page)
    page.fill("#username", demo.username)
    page.fill("#password", demo.password)
    page.click("main button")
    assert page.url == demo.page
    playing(page)
    assert page.js("document.querySelectorAll('#squad .spark canvas').length") == PLAYERS
    elapsed = "document.getElementById('elapsed').innerText"
    until(lambda: page.js(elapsed).startswith("0:"), "the clock does not run")
    page.tap("#squad tr:nth-child(2) .name")
    assert page.js("document.querySelector('#athlete-name').innerText").startswith("2 ")
    assert page.js("document.querySelectorAll('#athlete-chart canvas').length") == 1
    look(page, "live")
    page.tap("#athlete-close")
    assert page.complaints == []

    heard = len(page.asked)
    demo.web().kill()
    until(lambda: "Connection lost" in state(page), "the page did not notice")
    until(lambda: state(page) == "Live", "the page did not come back", patience=120)
    playing(page)
    assert not any(url == demo.page for url in page.asked[heard:])  # without a reload

    page.complaints.clear()  # of the server that was gone
    page.open(demo.page)
    playing(page)
    assert page.complaints == []
