"""The writer of one socket, over a real pair of sockets."""

import socket
import time
from collections.abc import Iterator

import orjson
import pytest
from wsproto.connection import Connection, ConnectionType
from wsproto.events import TextMessage

from core.channels import Live
from core.live import wire as wires
from core.live.messages import Update, own
from core.live.wire import Plain, Wire, frame

BIG = 300_000


@pytest.fixture
def ends() -> Iterator[tuple[Wire, socket.socket]]:
    """A wire, and the other end of its socket."""
    ours, theirs = socket.socketpair()
    for each in (ours, theirs):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    wire = Wire(ours)
    yield wire, theirs
    wire.abort()
    wire.settle()
    ours.close()
    theirs.close()


def read(theirs: socket.socket, size: int) -> bytes:
    theirs.settimeout(10)
    got = b""
    while len(got) < size:
        part = theirs.recv(size - len(got))
        if not part:
            break
        got += part
    return got


def state(seq: int, **data: object) -> Update:
    return Update(Live(7, seq, orjson.dumps(data)), state=True)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_frames_are_read_by_a_protocol_library(size: int) -> None:
    client = Connection(ConnectionType.CLIENT)
    client.receive_data(frame(b"x" * size))
    assert "".join(event.data for event in client.events() if isinstance(event, TextMessage)) == (
        "x" * size
    )


def test_what_is_half_sent_is_finished_before_anything_else(
    ends: tuple[Wire, socket.socket],
) -> None:
    wire, theirs = ends
    first, second = frame(b"a" * BIG), frame(b"b" * BIG)
    wire.offer(Plain(first))
    wire.offer(Plain(second))
    wire.send(b"\x8a\x00")  # the answer to a ping
    wire.close(1000, "enough")
    wire.offer(Plain(b"too late"))
    assert not wire.open
    # The second never began: with the close it is dropped, the first is not.
    last = wires.close_frame(1000, "enough")
    assert read(theirs, len(first) + len(last)) == first + last


def test_waiting_state_is_merged_and_increments_are_not(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    head = frame(b"a" * BIG)
    wire.offer(Plain(head))
    for seq in range(1, 6):
        wire.offer(state(seq, **{f"k{seq}": seq, "same": seq}).shaped(own))
    wire.offer(Update(Live(7, 1, b'{"n":1}'), state=False).shaped(own))
    wire.offer(Update(Live(7, 2, b'{"n":2}'), state=False).shaped(own))
    merged = frame(b'{"seq":5,"k1":1,"same":5,"k2":2,"k3":3,"k4":4,"k5":5}')
    rest = merged + frame(b'{"seq":1,"n":1}') + frame(b'{"seq":2,"n":2}')
    assert read(theirs, len(head) + len(rest)) == head + rest


def test_readers_who_are_slow_together_share_what_is_merged() -> None:
    older, newer = state(1, a=1), state(2, b=2)
    assert newer.merged(older) is newer.merged(state(1, a=1))
    assert newer.merged(older).data == b'{"a":1,"b":2}'


def test_too_slow(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    head = frame(b"a" * BIG)
    wire.offer(Plain(head))
    for seq in range(wires.BACKLOG - 1):
        wire.offer(state(seq, n=seq).shaped(own))
    wire.pulse(time.monotonic() + wires.SLOW_SECONDS + 1)
    assert wire.open  # as many as may wait
    wire.offer(state(99, n=99).shaped(own))
    wire.pulse(time.monotonic() + wires.SLOW_SECONDS - 1)
    assert wire.open
    wire.pulse(time.monotonic() + wires.SLOW_SECONDS + 1)
    assert not wire.open
    got = read(theirs, len(head) + 4)
    assert got[len(head) : len(head) + 1] == b"\x88"
    assert int.from_bytes(got[len(head) + 2 :], "big") == 1013


def test_who_catches_up_is_not_slow(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    head = frame(b"a" * BIG)
    wire.offer(Plain(head))
    for seq in range(30):
        wire.offer(state(seq, n=seq).shaped(own))
    last = frame(b'{"seq":29,"n":29}')
    assert read(theirs, len(head) + len(last)) == head + last
    wire.settle()
    wire.pulse(time.monotonic() + wires.SLOW_SECONDS + 1)
    assert wire.open


def test_too_much(ends: tuple[Wire, socket.socket]) -> None:
    wire, _ = ends
    for _ in range(4):  # one of them half sent
        wire.offer(Plain(frame(b"a" * 2**20)))
        assert wire.open
    wire.offer(Plain(frame(b"a" * 2**20)))
    assert not wire.open


def test_pings_and_silence(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    wire.pulse(wire.heard + wires.PING_SECONDS - 1)
    for _ in range(3):
        wire.pulse(wire.heard + wires.PING_SECONDS + 1)
    assert read(theirs, 2) == b"\x89\x00"  # once
    wire.pulse(wire.heard + wires.SILENT_SECONDS + 1)
    assert not wire.open
    assert read(theirs, 4)[2:] == (1008).to_bytes(2, "big")


def test_who_is_sent_to_is_not_asked(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    wire.offer(Plain(b"x"))
    wire.pulse(wire.heard + wires.PING_SECONDS + 1)
    wire.pulse(wire.heard + 2 * wires.PING_SECONDS)
    assert read(theirs, 1) == b"x"
    wire.pulse(wire.heard + 2 * wires.PING_SECONDS + 2)
    assert read(theirs, 2) == b"\x89\x00"


def test_a_close_that_is_not_answered_ends_the_connection(
    ends: tuple[Wire, socket.socket],
) -> None:
    wire, theirs = ends
    wire.close(1001, "é" * 100)
    said = read(theirs, 2 + 2 + 122)  # cut between characters
    assert said[4:].decode() == "é" * 61
    wire.pulse(time.monotonic() + wires.CLOSE_SECONDS + 1)
    assert theirs.recv(1) == b""


def test_who_hangs_up_is_noticed(ends: tuple[Wire, socket.socket]) -> None:
    wire, theirs = ends
    theirs.close()
    wire.offer(Plain(b"x"))
    wire.offer(Plain(b"x"))
    assert not wire.open
    wire.close(1000)
