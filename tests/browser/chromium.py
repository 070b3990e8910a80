"""Headless Chromium, driven by its own protocol (CDP) over one socket: no driver, no download.

Only what the page tests need: open, click, type, press, measure, take a picture. A key and a click
are real input events, so what a person cannot reach, a test cannot either.
"""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from simple_websocket import Client

PATIENCE = 20.0
KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}


def binary() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator["Page"]:
    """A browser with one page, without any past."""
    program = binary()
    assert program is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        flags = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
        flags += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
        flags += ["--remote-debugging-port=0", f"--user-data-dir={profile}"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        process = subprocess.Popen(
            [program, *flags, "about:blank"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            page = Page(_address(Path(profile)))
            yield page
            page.close()
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _address(profile: Path) -> str:
    """The page's socket, once Chromium has written down where it listens."""

    def found() -> str | None:
        try:
            port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
            targets = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
        except (OSError, IndexError, httpx.HTTPError):
            return None
        pages = [row["webSocketDebuggerUrl"] for row in targets if row["type"] == "page"]
        return pages[0] if pages else None

    return until(found, "Chromium does not answer")


def until(question: Callable[[], Any], complaint: str, patience: float = PATIENCE) -> Any:
    """The first answer that is true."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        answer = question()
        if answer:
            return answer
        time.sleep(0.05)
    raise AssertionError(complaint)


class Page:
    """``asked``: the URL of every request. ``complaints``: what the browser said in its log, broken
    Content-Security-Policy included.
    """

    def __init__(self, address: str) -> None:
        self._socket = Client(address)
        self._number = 0
        self._loads = 0
        self.asked: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.command(f"{domain}.enable")

    def close(self) -> None:
        self._socket.close()

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        while True:
            answer = self._receive(PATIENCE)
            assert answer is not None, f"{method} is not answered"
            if answer.get("id") == self._number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def _receive(self, timeout: float) -> dict[str, Any] | None:
        text = self._socket.receive(timeout=timeout)
        if text is None:
            return None
        message = json.loads(text)
        match message.get("method"):
            case "Page.loadEventFired":
                self._loads += 1
            case "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            case "Runtime.exceptionThrown":
                self.complaints.append(str(message["params"]["exceptionDetails"]))
            case "Log.entryAdded" if message["params"]["entry"]["level"] in ("warning", "error"):
                self.complaints.append(message["params"]["entry"]["text"])
        return message

    def _loaded(self, before: int) -> None:
        end = time.monotonic() + PATIENCE
        while self._loads == before:
            assert time.monotonic() < end, f"nothing was loaded; still at {self.url}"
            self._receive(0.2)

    def open(self, url: str) -> None:
        before = self._loads
        self.command("Page.navigate", url=url)
        self._loaded(before)

    def js(self, expression: str) -> Any:
        """Its value; that of a promise once it is there. The page's policy does not bind it."""
        done = self.command(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    @property
    def url(self) -> str:
        return self.js("location.href")

    @property
    def text(self) -> str:
        return self.js("document.body.innerText")

    def click(self, selector: str) -> None:
        """Click what leads to another page, and wait for that."""
        before = self._loads
        self.tap(selector)
        self._loaded(before)

    def tap(self, selector: str) -> None:
        """Click what stays on the page."""
        find = f"document.querySelector({json.dumps(selector)})"
        assert self.js(f"{find} !== null"), f"no {selector} at {self.url}:\n{self.text}"
        self.js(f"{find}.scrollIntoView({{block: 'center'}})")
        box = self.js(f"(r => [r.x + r.width / 2, r.y + r.height / 2])({find}.getClientRects()[0])")
        for kind in ("mousePressed", "mouseReleased"):
            self.command(
                "Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left",
                clickCount=1,
            )  # fmt: skip

    def fill(self, selector: str, text: str) -> None:
        """Again where a page that has just come takes the focus for another field meanwhile."""
        find = f"document.querySelector({json.dumps(selector)})"

        def filled() -> bool:
            self.js(f"{find}.focus(), {find}.select()")
            self.type(text)
            return self.js(f"{find}.value") == text

        until(filled, f"{selector} cannot be filled in")

    def type(self, text: str) -> None:
        """Into whatever has the focus."""
        self.command("Input.insertText", text=text)

    def press(self, key: str, *, leads_on: bool = False) -> None:
        before = self._loads
        code, text = KEYS[key]
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code}
        kind = "keyDown" if text else "rawKeyDown"
        self.command("Input.dispatchKeyEvent", type=kind, text=text, **common)
        self.command("Input.dispatchKeyEvent", type="keyUp", **common)
        if leads_on:
            self._loaded(before)

    def show(self, width: int, theme: str) -> None:
        """A screen of this width, for a reader who prefers light or dark."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1,
            mobile=width < 500,
        )  # fmt: skip
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.command("Emulation.setEmulatedMedia", features=[feature])

    def shot(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))
