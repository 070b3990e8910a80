"""WebSocket clients that do as little as they can: many share one process, which has to keep up
with a server that is what is measured.
"""

import asyncio
import base64
import json
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

OPENING = 64  # sockets that are opened at once


class Reader(asyncio.Protocol, ABC):
    """Opens the socket, says the token, and gives each message after that to ``hear``."""

    def __init__(self, path: str, token: str) -> None:
        self._path, self._token = path, token
        self._rest = b""
        self._open = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: str | None = None  # why, where the server did it

    @abstractmethod
    def hear(self, payload: bytes) -> None:
        """A message has come."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        if not self._open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._rest = head
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.ready.set_exception(OSError(head.decode()))
                return
            self._open = True
        at = 0
        while (frame := _frame(data, at)) is not None:
            opcode, start, at = frame
            self._take(opcode, data[start:at])
        self._rest = data[at:]

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = self.closed or str(error or "the connection was lost")
        if not self.ready.done():
            self.ready.set_exception(OSError(self.closed))

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode == 9:
            self._say(0xA, payload)
        elif opcode == 8:
            self.closed = f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode()}"
            self.transport.close()
        elif self.ready.done():
            self.hear(payload)
        elif json.loads(payload)["message"] == "Authorized":
            self.ready.set_result(None)
        else:
            self._say(1, json.dumps({"token": self._token}).encode())

    def _say(self, opcode: int, payload: bytes) -> None:
        size = len(payload)  # masked with zeros
        head = bytes([0x80 | opcode]) + (
            bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        )
        self.transport.write(head + bytes(4) + payload)


def _frame(data: bytes, at: int) -> tuple[int, int, int] | None:
    """Opcode, start and end of the payload of the frame at ``at``; None: it is not whole."""
    if len(data) < at + 2:
        return None
    size, start = data[at + 1], at + 2
    if size > 125:
        width = 2 if size == 126 else 8
        start += width
        if len(data) < start:
            return None
        size = int.from_bytes(data[at + 2 : start], "big")
    return (data[at] & 0xF, start, start + size) if len(data) >= start + size else None


R = TypeVar("R", bound=Reader, covariant=True)


class Make(Protocol[R]):
    """Makes the reader of this number, in the running loop."""

    def __call__(self, number: int) -> R: ...


async def connect(port: int, numbers: Sequence[int], make: Make[R]) -> list[R]:
    """Readers of these numbers, each once it is authorised. Raises OSError where one is not."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(OPENING)

    async def one(number: int) -> R:
        async with gate:
            link = socket.create_connection(("127.0.0.1", port))
            link.setblocking(False)
            _, reader = await loop.create_connection(lambda: make(number), sock=link)
            await reader.ready
            return reader

    return list(await asyncio.gather(*(one(number) for number in numbers)))
