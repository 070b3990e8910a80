"""The way out of one socket. Everything that leaves passes here, answers to pings and closes
too, or it would land inside a frame that is half sent.

A frame is built once, by whoever has many readers, and goes out at once if the kernel takes it.
Only what it does not take waits, and only then is there a thread (a greenlet under gevent) that
waits for the reader. State that waits is replaced by newer state of the same topic.
"""

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from typing import Any, Protocol

BACKLOG = 16  # messages that may wait; more are waited with for SLOW_SECONDS
BACKLOG_BYTES = 4 * 2**20  # more are not waited with at all
SLOW_SECONDS = 10.0
PING_SECONDS = 25.0  # of silence in both directions, before the other side is asked
SILENT_SECONDS = 60.0  # of silence, before it is given up; nor may TCP wait longer for its word
CLOSE_SECONDS = 3.0  # for the other side to answer a close

NORMAL, GOING_AWAY, POLICY, TOO_BIG, INTERNAL, TRY_LATER = 1000, 1001, 1008, 1009, 1011, 1013
UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 4401, 4403, 4404

TEXT, CLOSE, PING = 0x1, 0x8, 0x9
_MAX_REASON = 123  # bytes: a control frame holds 125


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole, unmasked frame (RFC 6455 section 5.2), as servers send them."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + payload
    if size < 2**16:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def close_frame(code: int, reason: str) -> bytes:
    text = reason.encode()[:_MAX_REASON].decode(errors="ignore").encode()
    return frame(struct.pack("!H", code) + text, CLOSE)


_PING = frame(b"", PING)


class Message(Protocol):
    """What is sent: ``frame`` is its bytes. Where ``topic`` is not None it is news of that topic,
    and ``after`` gives the message that stands for an older one and this one.
    """

    @property
    def frame(self) -> bytes: ...

    @property
    def topic(self) -> Hashable | None: ...

    def after(self, older: Any) -> "Message": ...


class Plain:
    """A message that nothing replaces."""

    __slots__ = ("frame",)
    topic = None

    def __init__(self, frame: bytes) -> None:
        self.frame = frame

    def after(self, older: Any) -> "Plain":
        return self


# Nothing under a wire's lock waits, so under gevent, whose own lock costs as much as a send, the
# plain one serves as well (core.serve).
Lock: Callable[[], Any] = threading.Lock

_NOW = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL


def _unwaiting(sock: socket.socket) -> Callable[[Any, int], int]:
    """A ``send`` that takes, with the flags ``_NOW``, what the kernel takes now, or raises
    BlockingIOError. gevent's own would wait; what it wraps does not, and stands under a private
    name.
    """
    return getattr(sock, "_sock", sock).send


class Wire:
    """The one writer of a socket. ``heard`` is when the reader last got something from it.

    A socket that is sent to needs no pings: where the other side is gone TCP gets no word from it,
    and the kernel ends the connection.
    """

    def __init__(self, sock: socket.socket) -> None:
        with suppress(OSError):  # not a TCP socket
            waits = round(1000 * SILENT_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, waits)
        self._sock = sock
        self._send = _unwaiting(sock)
        self._lock = Lock()
        self._head: memoryview | None = None  # of a frame that is half sent
        self._waiting: dict[Hashable, Message] = {}
        self._waiting_bytes = 0
        self._behind = 0  # messages since the reader last had everything
        self._slow_since: float | None = None
        self._ending: float | None = None
        self._drain: threading.Thread | None = None
        self._asked = False
        self._broken = False
        self._sent = False  # something since the last pulse
        self._told = self.heard = time.monotonic()
        # Where this is set, it is told that the process stops, and closes when it is done.
        self.leaving: Callable[[], None] | None = None

    @property
    def open(self) -> bool:
        """False once it is closed, by whichever side, or broken."""
        return self._ending is None and not self._broken

    @property
    def pressing(self) -> bool:
        """Whether it is slow or closing: then seconds count."""
        return self._ending is not None or self._slow_since is not None

    def offer(self, message: Message) -> None:
        """Send, or keep until the reader takes it. Never waits, never raises."""
        self._sent = True
        with self._lock:
            if self._drain is None:
                if self._ending is not None or self._broken or self._sent_whole(message.frame):
                    return
            elif self._ending is None:
                self._keep(message)
            else:
                return
            self._behind += 1
            if self._behind > BACKLOG and self._slow_since is None:
                self._slow_since = time.monotonic()
            if self._waiting_bytes > BACKLOG_BYTES:
                self._end(TRY_LATER, "too slow: too much waits to be read")
            drain = self._new_drain()
        if drain is not None:
            drain.start()

    def send(self, data: bytes) -> int:
        """As a socket's own: for what a protocol library answers by itself."""
        self.offer(Plain(data))
        return len(data)

    def close(self, code: int, reason: str = "") -> None:
        """Send the close frame after what is half sent; nothing else follows. Never waits."""
        with self._lock:
            if self._ending is not None or self._broken:
                return
            self._end(code, reason)
            drain = self._new_drain()
        if drain is not None:
            drain.start()

    def leave(self, reason: str) -> None:
        """The process stops."""
        if self.leaving is None:
            self.close(GOING_AWAY, reason)
        else:
            self.leaving()

    def pulse(self, now: float) -> None:
        """What the clock asks for; ``now`` is monotonic. Called about once a second while it is
        ``pressing``, else every few seconds.
        """
        if self._sent:
            self._sent, self._told = False, now
        silent = now - max(self.heard, self._told)
        if not self.pressing and silent <= PING_SECONDS:
            self._asked = False
        elif self._ending is not None:
            if now - self._ending > CLOSE_SECONDS:
                self.abort()
        elif self._slow_since is not None and now - self._slow_since > SLOW_SECONDS:
            self.close(TRY_LATER, f"too slow: over {BACKLOG} messages wait since 10 s")
        elif silent > SILENT_SECONDS:
            self.close(POLICY, "no answer to pings")
        elif not self._asked and silent > PING_SECONDS:
            self._asked = True
            self.send(_PING)
            self._sent = False  # a ping says nothing of the other side

    def abort(self) -> None:
        """End the connection itself; whoever reads from it finds out."""
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            self._broken = True  # the other side was faster

    def settle(self) -> None:
        """After ``abort``: wait until nothing writes any more; then the socket may be closed."""
        while (drain := self._drain) is not None:
            if drain.ident is None:
                time.sleep(0.001)  # it is being started
            else:
                drain.join()

    def _end(self, code: int, reason: str) -> None:
        self._ending = time.monotonic()
        self._waiting.clear()
        last = close_frame(code, reason)
        self._waiting_bytes = len(last)
        if self._head is not None or self._drain is not None:
            self._waiting[None] = Plain(last)
        else:
            self._sent_whole(last)

    def _keep(self, message: Message) -> None:
        topic = message.topic
        if topic is None:
            self._waiting[object()] = message
            self._waiting_bytes += len(message.frame)
            return
        older = self._waiting.pop(topic, None)
        if older is not None:
            message = message.after(older)
            self._waiting_bytes -= len(older.frame)
        self._waiting[topic] = message
        self._waiting_bytes += len(message.frame)

    def _sent_whole(self, data: bytes) -> bool:
        """False: what is left of it stands in ``_head``."""
        try:
            sent = self._send(data, _NOW)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._broken = True
            return True
        if sent == len(data):
            return True
        self._head = memoryview(data)[sent:]
        return False

    def _new_drain(self) -> threading.Thread | None:
        """The thread that sends what is left, if there is none; to be started without the lock."""
        if self._drain is not None or self._broken or self._head is None:
            return None
        self._drain = threading.Thread(target=self._drained, name="drain", daemon=True)
        return self._drain

    def _drained(self) -> None:
        """Send what waits as the reader takes it; ends when nothing waits."""
        poll = select.poll()
        poll.register(self._sock.fileno(), select.POLLOUT)
        while True:
            poll.poll(1000)
            with self._lock:
                if self._caught_up():
                    self._drain = None
                    self._behind, self._slow_since, self._waiting_bytes = 0, None, 0
                    return

    def _caught_up(self) -> bool:
        """Send until the kernel takes no more; True: nothing is left to send."""
        while not self._broken:
            if self._head is not None:
                head, self._head = self._head, None
                if not self._sent_whole(head):  # type: ignore[arg-type]
                    return False
            if not self._waiting:
                return True
            topic = next(iter(self._waiting))
            message = self._waiting.pop(topic)
            self._waiting_bytes -= len(message.frame)
            self._head = memoryview(message.frame)
        self._waiting.clear()
        return True
