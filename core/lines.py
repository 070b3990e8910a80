"""How a device reaches the platform: by POST, or by its uplink socket. No batch is given up.

What is not acknowledged (the server was killed, is restarting, is busy) is sent again with the same
id, and over the socket with the same number, until it is: a repeat is answered as the first was.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx
import orjson
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.sync.client import ClientConnection, connect

from core.errors import TouchlineError, Unavailable

PATIENCE = 60.0  # seconds for one batch, all its repeats together
ANSWER_SECONDS = 10.0
_PAUSES = (0.1, 0.2, 0.5, 1.0)  # seconds between repeats; the last one stays
_FINAL = frozenset({4401, 4403, 4404, 1009})  # close codes that a new connection does not mend


class Refused(TouchlineError):
    """The platform will never take this batch; the sentence has its answer."""

    code = "refused"


class _Again(Exception):
    """Not acknowledged, for a reason that passes."""


class Line(Protocol):
    """A device's way to the platform."""

    def send(self, batch: Mapping[str, Any], repeats: int) -> list[bool]:
        """Send a batch (``batch``, ``sent``, ``columns``) ``repeats`` times, each until it is
        acknowledged; for each, whether the platform said that it knew the batch already.

        Raises Refused, and Unavailable after ``PATIENCE`` seconds.
        """

    def close(self) -> None: ...


class Posts:
    """Each batch is a request."""

    def __init__(self, http: httpx.Client, device: Mapping[str, Any]) -> None:
        self._http = http
        self._path = f"/api/v1/devices/{device['id']}/samples/"
        self._headers = {
            "Authorization": f"Bearer {device['uplink_token']}",
            "Content-Type": "application/json",
        }

    def send(self, batch: Mapping[str, Any], repeats: int) -> list[bool]:
        body = orjson.dumps(batch, option=orjson.OPT_SERIALIZE_NUMPY)
        return [_patiently(batch["batch"], lambda: self._post(body)) for _ in range(repeats)]

    def close(self) -> None:
        """The connections are the client's."""

    def _post(self, body: bytes) -> bool:
        try:
            answer = self._http.post(self._path, content=body, headers=self._headers)
        except httpx.TransportError as error:
            raise _Again(f"{type(error).__name__}: {error}") from None
        if answer.status_code == 200:
            return bool(answer.json()["duplicate"])
        reason = f"{answer.status_code} {answer.text[:300]}"
        if answer.status_code < 500 and answer.status_code != 429:
            raise Refused(reason)
        raise _Again(reason)


class Numbered:
    """Batches go over the uplink socket, numbered on from what the platform has of this device. It
    takes every Bluetooth target that it is told.
    """

    def __init__(self, url: str, device: Mapping[str, Any]) -> None:
        address = url.rstrip("/").replace("http", "ws", 1)
        self._url = f"{address}/api/v1/ws/uplink/{device['id']}/"
        self._token = device["uplink_token"]
        self._socket: ClientConnection | None = None
        self._last = 0  # committed, as the platform said when it was last connected to
        self._number: int | None = None  # of the newest batch

    def send(self, batch: Mapping[str, Any], repeats: int) -> list[bool]:
        if self._number is None:
            _patiently(batch["batch"], self._connected)
            self._number = self._last
        self._number += 1
        numbered = {"n": self._number, **batch}
        text = orjson.dumps(numbered, option=orjson.OPT_SERIALIZE_NUMPY).decode()
        return [_patiently(batch["batch"], lambda: self._say(text)) for _ in range(repeats)]

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _say(self, text: str) -> bool:
        resumed = self._connected()
        assert self._number is not None
        if resumed and self._last >= self._number:
            return False  # it was committed; only its acknowledgement was lost
        try:
            self._send(text)
            while True:
                answer = self._receive()
                if answer.get("ack") == self._number:
                    return bool(answer["duplicate"])
                if "error" in answer:
                    self._refused(answer)
                self._configure(answer)
        except (ConnectionClosed, TimeoutError, OSError) as error:
            raise self._broken(error) from None

    def _connected(self) -> bool:
        """Connect if need be; True: it was."""
        if self._socket is not None:
            return False
        try:
            self._socket = connect(
                self._url, compression=None, close_timeout=1, max_size=2**20, legacy=True
            )
            self._send(orjson.dumps({"token": self._token}).decode())
            while (hello := self._receive()).get("message") != "Authorized":
                continue
            self._last = hello["last"]
            self._configure(hello)
        except (ConnectionClosed, InvalidHandshake, TimeoutError, OSError) as error:
            raise self._broken(error) from None
        return True

    def _configure(self, told: Mapping[str, Any]) -> None:
        if told.get("bluetooth"):
            applied = {"bluetooth": {"current": told["bluetooth"]}}
            self._send(orjson.dumps(applied).decode())

    def _send(self, text: str) -> None:
        assert self._socket is not None
        self._socket.send(text)

    def _receive(self) -> dict[str, Any]:
        assert self._socket is not None
        answer: dict[str, Any] = orjson.loads(self._socket.recv(ANSWER_SECONDS))
        return answer

    def _refused(self, answer: Mapping[str, Any]) -> None:
        if answer["error"] == "unavailable":
            self.close()
            raise _Again(str(answer))
        raise Refused(str(answer))

    def _broken(self, error: Exception) -> Exception:
        self.close()
        if isinstance(error, ConnectionClosed) and error.rcvd and error.rcvd.code in _FINAL:
            return Refused(f"{error.rcvd.code} {error.rcvd.reason}")
        return _Again(f"{type(error).__name__}: {error}")


def _patiently(batch_id: str, attempt: Callable[[], bool]) -> bool:
    deadline, reason = time.monotonic() + PATIENCE, ""
    for number in range(1_000_000):
        try:
            return attempt()
        except _Again as error:
            reason = str(error)
        except Refused as error:
            raise Refused(f"batch {batch_id}: {error.detail}") from None
        if time.monotonic() > deadline:
            break
        time.sleep(_PAUSES[min(number, len(_PAUSES) - 1)])
    raise Unavailable(f"batch {batch_id} was not acknowledged: {reason}")
