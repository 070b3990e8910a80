"""Readers who lose their connection again and again, and go on from what they have.

Each runs in a thread of its own until told to stop, and keeps what it got in the order in which it
came: of a device's stream and of the change feed each number must come once, of computed data the
numbers must rise and end at the newest.
"""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import httpx
import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

_AGAIN_SECONDS = 0.3  # after a connection was lost
_LOOK_SECONDS = 1.0  # at most, between two looks at whether it is over
_STALE_SECONDS = 30.0  # without a message the connection itself is made anew


class Follower(ABC):
    """``work`` is called until it is over; an error of the connection begins it anew."""

    def __init__(self) -> None:
        self.connections = 0
        self._over = threading.Event()
        self._failure: Exception | None = None

    @abstractmethod
    def work(self) -> None:
        """Until it is over, or the connection is lost."""

    @contextmanager
    def running(self) -> Iterator[None]:
        """Raises what made the work impossible, at the end of the block."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                self.connections += 1
                self.work()
            except (OSError, TimeoutError, WebSocketException, httpx.TransportError):
                self._over.wait(_AGAIN_SECONDS)
            except Exception as error:
                self._failure = error
                return


class Sender(Follower):
    """A device that sends a batch of five samples every half second, each until it is acknowledged.
    ``sent`` counts them.
    """

    def __init__(self, http: httpx.Client, device: int, start: int) -> None:
        super().__init__()
        self.http, self.path, self.start = http, f"/devices/{device}/samples/", start
        self.sent = 0

    def work(self) -> None:
        while not self._over.wait(0.5):
            first = self.start + 500 * self.sent
            columns = {
                "gnss.timestamp": [first + 100 * n for n in range(5)],
                "gnss.latitude": [46.5 + 1e-6 * (5 * self.sent + n) for n in range(5)],
                "gnss.longitude": [6.6] * 5,
                "gnss.speed": [1.1] * 5,
            }
            body = {"batch": f"b{self.sent}", "columns": columns}
            answer = self.http.post(self.path, json=body)
            if answer.status_code >= 500:
                continue
            answer.raise_for_status()
            self.sent += 1


class Stream(Follower):
    """A reader of one of the sockets. ``numbers`` by key in the order of arrival; the key of a
    device's stream is 0.
    """

    def __init__(self, url: str, token: str, path: str) -> None:
        super().__init__()
        self.url, self.token = f"{url.replace('http', 'ws', 1)}/api/v1/ws/{path}", token
        self.numbers: dict[int, list[int]] = {}

    @abstractmethod
    def after(self) -> Any:
        """From where to go on."""

    def work(self) -> None:
        with connect(self.url, max_size=None, open_timeout=10) as socket:
            socket.recv(10)
            first = {"token": self.token, "after": self.after()}
            socket.send(orjson.dumps(first), text=True)
            assert orjson.loads(socket.recv(10))["message"] == "Authorized"
            heard = time.monotonic()
            while not self._over.is_set() and time.monotonic() - heard < _STALE_SECONDS:
                try:
                    message = orjson.loads(socket.recv(_LOOK_SECONDS))
                except TimeoutError:
                    continue
                heard = time.monotonic()
                self.numbers.setdefault(message.get("timeframe", 0), []).append(message["seq"])


class DeviceStream(Stream):
    """Begins before the first batch."""

    def __init__(self, url: str, token: str, device: int) -> None:
        super().__init__(url, token, f"preprocessed-data/{device}/")

    def after(self) -> int:
        return self.numbers.get(0, [0])[-1]


class ActivityStream(Stream):
    """The computed data of all time frames of an activity."""

    def __init__(self, url: str, token: str, activity: int) -> None:
        super().__init__(url, token, f"computed-data/{activity}/")
        self.activity = activity

    def after(self) -> dict[str, int]:
        return {str(frame): numbers[-1] for frame, numbers in self.numbers.items()}


class Feed(Follower):
    """A reader of the change feed who waits for news. ``items`` in the order of arrival."""

    def __init__(self, http: httpx.Client) -> None:
        super().__init__()
        self.http = http
        self.items: list[dict[str, Any]] = []
        self._cursor: str | None = None

    def work(self) -> None:
        while not self._over.is_set():
            params = {"wait": "5", "limit": "200"}
            if self._cursor is not None:
                params["cursor"] = self._cursor
            answer = self.http.get("/changes/", params=params)
            if answer.status_code >= 500:
                self._over.wait(_AGAIN_SECONDS)
                continue
            page = answer.raise_for_status().json()
            self.items += page["results"]
            self._cursor = page["cursor"]


class Followers:
    """A device that sends, and who follows it, its activity and the feed."""

    def __init__(
        self, http: httpx.Client, url: str, token: str, device: int, activity: int, start: int
    ) -> None:
        def client() -> httpx.Client:
            return httpx.Client(base_url=http.base_url, headers=http.headers, timeout=30)

        self.sender = Sender(client(), device, start)
        self.device = DeviceStream(url, token, device)
        self.activity = ActivityStream(url, token, activity)
        self.feed = Feed(client())

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All of them read until the end of the block."""
        with ExitStack() as stack:
            for follower in (self.device, self.activity, self.feed):
                stack.enter_context(follower.running())
            yield

    def judge(self, feed: list[dict[str, Any]], revisions: dict[int, int]) -> dict[str, int]:
        """Raises AssertionError where a number is missing, came twice or went back."""
        numbers = self.device.numbers.get(0, [])
        assert numbers == list(range(1, self.sender.sent + 1)), "the device's numbers"
        assert self.feed.items == feed, "the feed as it was followed and as it is"
        for frame, newest in revisions.items():
            told = self.activity.numbers[frame]
            assert all(a < b for a, b in pairwise(told)), "computed went back"
            assert told[-1] == newest, "computed data did not end at the newest"
        return {
            "device_numbers": len(numbers),
            "computed_numbers": sum(map(len, self.activity.numbers.values())),
            "connections": self.device.connections + self.activity.connections,
        }

    def done(self, feed: int, revisions: dict[int, int]) -> bool:
        """Whether everything has come that is there; for who waits for it."""
        told = {frame: numbers[-1] for frame, numbers in self.activity.numbers.items()}
        numbers = self.device.numbers.get(0, [0])
        return (
            numbers[-1] >= self.sender.sent
            and len(self.feed.items) >= feed
            and all(told.get(frame) == newest for frame, newest in revisions.items())
        )
