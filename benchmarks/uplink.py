"""The device uplink: JSON against Arrow, and one request a batch against the socket.

Run ``python -m benchmarks.uplink``. First a body's way to checked columns, for a second of ten rows
and for the largest batch, beside the decoding alone (orjson to lists); the median of ROUNDS
interleaved rounds. Then devices that send one second after another to a `touchline up`, each when
the one before is acknowledged: batches a second by POST and by socket, and by socket with WINDOW
batches in the air, in interleaved rounds on devices of their own.
"""

import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
from websockets.sync.client import connect

from core.clock import now
from core.lines import Line, Numbered, Posts
from core.pipeline import uplink, uplink_arrow
from core.simulate import track
from tests.platform import Platform, one_box
from tests.unit.pipeline.arrow_batches import as_arrow

ROUNDS = 5
SIZES = {10: 300, 36_000: 3}  # rows → how often in a round
DEVICES, BATCHES, WINDOW = 5, 100, 8
Ways = dict[str, Callable[[], Any]]


def document(rows: int, number: int = 0) -> dict[str, Any]:
    """A batch of ``rows`` samples of a simulated player."""
    columns = track(1, number, now() - 10**8, rows / 10).columns()
    listed = {name: values.tolist() for name, values in columns.items()}
    return {"batch": f"{rows}-{number}", "columns": listed}


def median_ms(ways: Ways, times: int) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            for _ in range(times):
                way()
            found[name].append(1000 * (time.perf_counter() - began) / times)
    return {name: statistics.median(values) for name, values in found.items()}


def parsing() -> None:
    for rows, times in SIZES.items():
        whole = document(rows)
        plain, moment = json.dumps(whole).encode(), now()
        arrow = {form: as_arrow(whole, compression=form) for form in (None, "zstd")}
        ways: Ways = {
            "decode": lambda plain=plain: orjson.loads(plain),
            "JSON": lambda plain=plain, at=moment: uplink.parse(plain, at),
            "Arrow": lambda body=arrow[None], at=moment: uplink_arrow.parse(body, at),
            "Arrow zstd": lambda body=arrow["zstd"], at=moment: uplink_arrow.parse(body, at),
        }
        ms = median_ms(ways, times)
        sizes = f"{len(plain)} / {len(arrow[None])} / {len(arrow['zstd'])} bytes"
        print(
            f"{rows} rows: JSON {ms['JSON']:.3f} ms ({ms['JSON'] / ms['decode']:.1f} of decoding), "
            f"Arrow {ms['Arrow'] / ms['JSON']:.2f} of JSON, "
            f"zstd {ms['Arrow zstd'] / ms['JSON']:.2f}; {sizes}"
        )


def together(work: list[Callable[[], None]]) -> float:
    """Run at once; seconds until the last is done."""
    threads = [threading.Thread(target=each) for each in work]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def one_by_one(line: Line, body: dict[str, Any], number: int) -> None:
    for k in range(BATCHES):
        line.send({**body, "batch": f"{number}-{k}"}, 1)
    line.close()


def in_the_air(url: str, device: dict[str, Any], body: dict[str, Any], number: int) -> None:
    address = f"{url.replace('http', 'ws', 1)}/api/v1/ws/uplink/{device['id']}/"
    sent = acked = 0
    with connect(address, compression=None) as socket:
        socket.send(json.dumps({"token": device["uplink_token"]}))
        while "last" not in (hello := json.loads(socket.recv())):
            continue
        while acked < BATCHES:
            while sent < BATCHES and sent - acked < WINDOW:
                sent += 1
                numbered = {**body, "batch": f"{number}-{sent}", "n": hello["last"] + sent}
                socket.send(orjson.dumps(numbered).decode())
            assert "ack" in json.loads(socket.recv())
            acked += 1


def sending(platform: Platform) -> None:
    rates: dict[str, list[float]] = {"POST": [], "socket": [], "window": []}
    devices = {
        way: [
            platform.cli("device", "create", "--device-name", way, "--serial-number", str(k))
            for k in range(DEVICES)
        ]
        for way in rates
    }
    url, body = platform.url, document(10)
    with httpx.Client(base_url=url, timeout=30) as http:
        for number in range(ROUNDS):
            for way, found in rates.items():
                lines: list[Callable[[], None]] = []
                for device in devices[way]:
                    if way == "window":
                        lines.append(partial(in_the_air, url, device, body, number))
                    else:
                        line = Posts(http, device) if way == "POST" else Numbered(url, device)
                        lines.append(partial(one_by_one, line, body, number))
                found.append(DEVICES * BATCHES / together(lines))
    rate = {way: statistics.median(found) for way, found in rates.items()}
    print(
        f"{DEVICES} devices, {BATCHES} batches each: {rate['POST']:.0f} batches/s by POST; "
        f"socket {rate['socket'] / rate['POST']:.2f} times that, "
        f"with {WINDOW} in the air {rate['window'] / rate['POST']:.2f} times"
    )


def main() -> None:
    parsing()
    with (
        tempfile.TemporaryDirectory(prefix="touchline-bench-") as name,
        one_box(Path(name) / "data", throttle="1000") as platform,
    ):
        sending(platform)


if __name__ == "__main__":
    sys.exit(main())
