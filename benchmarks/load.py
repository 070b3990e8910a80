"""A load generator: some connections that are kept open, each asking again when it is answered.

It speaks only as much HTTP as that needs, and so takes less of a core than any server measured.
Run in a process of its own: ``python -m benchmarks.load PORT PATH TOKEN SECONDS`` prints how many
were answered, how many a second, and the median and 99th percentile of their times in ms.
"""

import selectors
import socket
import statistics
import subprocess
import sys
import time
from typing import NamedTuple

CONNECTIONS = 16


class Found(NamedTuple):
    """Requests answered, how many a second, and their times in ms."""

    requests: float
    per_second: float
    p50: float
    p99: float


def measure(port: int, path: str, token: str, seconds: float) -> Found:
    """Measure from another process."""
    words = [sys.executable, "-m", "benchmarks.load", str(port), path, token, str(seconds)]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    return Found(*map(float, done.stdout.split()))


def _length(head: bytes) -> int:
    """How long a whole answer is, from its head."""
    lines = head.split(b"\r\n\r\n")[0].lower().split(b"\r\n")
    if lines[0].split()[1] != b"200":
        raise SystemExit(head.decode(errors="replace"))
    body = next(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length"))
    return head.index(b"\r\n\r\n") + 4 + body


def run(port: int, path: str, token: str, seconds: float) -> Found:
    request = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n"
        "Accept: */*\r\n\r\n"
    ).encode()
    waiting = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        waiting.register(connection, selectors.EVENT_READ, [bytearray(), time.perf_counter()])
        connection.sendall(request)
    times: list[float] = []
    begun = time.perf_counter()
    until = begun + seconds
    while (now := time.perf_counter()) < until:
        for key, _ in waiting.select(timeout=1):
            connection, state = key.fileobj, key.data
            state[0] += connection.recv(65536)  # type: ignore[union-attr]
            got = state[0]
            if b"\r\n\r\n" in got and len(got) >= _length(bytes(got)):
                now = time.perf_counter()
                times.append(now - state[1])
                state[0], state[1] = bytearray(), now
                connection.sendall(request)  # type: ignore[union-attr]
    took = time.perf_counter() - begun
    cuts = statistics.quantiles(times, n=100)
    return Found(len(times), len(times) / took, 1000 * cuts[49], 1000 * cuts[98])


if __name__ == "__main__":
    port, path, token, seconds = sys.argv[1:]
    print(*run(int(port), path, token, float(seconds)))
