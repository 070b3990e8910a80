"""The demo: a platform of its own, a squad's match through its uplink, and what it computes.

Everything happens as it would for real: `touchline up` as a process, operators' commands for what
an administrator does, HTTP for the rest. The match is dated so that play at many times real time
never runs ahead of the clock: its end is now plus the time that playing it takes.
"""

import contextlib
import os
import secrets
import select
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich import box
from rich.console import Console
from rich.live import Live
from rich.table import Table

from core import simulate
from core.clock import now, to_iso
from core.config import PREFIX, Config
from core.process import die_with_parent
from core.squad import Plan, Squad
from core.supervisor import StartError, touchline_command

from . import accounts
from .common import interruptible, say

MATCH_SECONDS = 90 * 60.0
REFRESH = 0.5  # seconds between two looks at the computed data
START_SECONDS = 120.0  # kernels are compiled within
_DAY = 86_400_000
_KEPT = (
    "LOG_LEVEL",
    "LOG_FORMAT",
)  # settings of the caller's environment; all else is the demo's own
_NAMES = (
    "Aubert", "Bianchi", "Costa", "Dubois", "Egger", "Favre", "Gerber", "Huber", "Iten", "Jost",
    "Keller", "Lang", "Meier", "Nater", "Oberli", "Perrin", "Quirin", "Rey", "Suter", "Tobler",
    "Ulrich", "Vogel", "Weber", "Xaver", "Yersin", "Zeller", "Amann", "Born", "Caspar", "Derron",
)  # fmt: skip


@dataclass(frozen=True)
class Match:
    """What was set up: who logs in how, and whose device and frame is whose."""

    login: Mapping[str, str]
    activity: int
    devices: list[dict[str, Any]]
    frames: list[int]
    names: list[str]
    plan: Plan


def run(
    config: Config, *, players: int, speed: float, seed: int, port: int, duration: float | None
) -> dict[str, Any]:
    """Play until the end of ``duration`` (seconds; None: until Ctrl-C). Returns the summary."""
    with (
        _directory(config) as own,
        _platform(own, port) as url,
        httpx.Client(base_url=url, timeout=30) as http,
    ):
        match = _set_up(own, http, players, speed, seed)
        say(f"{url}  login {match.login['username']}  password {match.login['password']}")
        say(f"live page: {url}/live/{match.activity}/")
        return _play(http, match, url, duration)


# The platform


@contextlib.contextmanager
def _directory(config: Config) -> Iterator[Config]:
    """Settings of a platform that is the demo's own, in a directory that was empty."""
    if config.origin["data_dir"] == "option":
        if config.data_dir.exists() and any(config.data_dir.iterdir()):
            raise StartError(f"{config.data_dir} is not empty; the demo needs a fresh directory")
        yield _own_settings(config.data_dir)
        return
    with tempfile.TemporaryDirectory(prefix="touchline-demo-") as folder:
        yield _own_settings(Path(folder))


def _environment() -> dict[str, str]:
    kept = {PREFIX + name for name in _KEPT}
    return {k: v for k, v in os.environ.items() if not k.startswith(PREFIX) or k in kept}


def _own_settings(folder: Path) -> Config:
    return Config.load(_environment(), data_dir=str(folder))


@contextlib.contextmanager
def _platform(config: Config, port: int) -> Iterator[str]:
    """`touchline up` as a process; yields its address."""
    config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_path = config.data_dir / "touchline.log"
    parent = os.getpid()
    with log_path.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own command
            [touchline_command(), "up", "--port", str(port), "--data-dir", str(config.data_dir)],
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,  # Ctrl-C is ours to pass on
            preexec_fn=lambda: die_with_parent(parent),
        )
    say(f"starting a platform in {config.data_dir}")
    try:
        yield _ready(process, log_path)
    finally:
        process.terminate()
        try:
            process.wait(12)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(process: subprocess.Popen[bytes], log: Path) -> str:
    assert process.stdout is not None
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.2)[0]:
            line = process.stdout.readline().decode().strip()
            if line.startswith("ready "):
                return line.removeprefix("ready ")
    tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    raise StartError(f"the platform did not start; the end of its log:\n{tail}")


# Who plays


def _set_up(config: Config, http: httpx.Client, players: int, speed: float, seed: int) -> Match:
    login = _manager(config, http)
    manager = int(_call(http, "GET", "account/")["id"])
    seconds = MATCH_SECONDS
    start = now() + round(1000 * (seconds / speed - seconds))
    frame_times = {"start_time": to_iso(start), "end_time": to_iso(start + round(1000 * seconds))}
    schemas = {
        schema["name"]: schema["id"]
        for schema in _call(http, "GET", "json-schemas/", search="soccer")["results"]
    }
    match = {
        "name": "Simulated match",
        "json": {"sport": "soccer", "type": "match", "field_corners": simulate.corners()},
        "json_schema": schemas["activity_soccer"],
        "owner": manager,
    }
    activity = _call(http, "POST", "activities/", match)
    devices, frames = [], []
    names = [_NAMES[player % len(_NAMES)] for player in range(players)]
    for number, name in enumerate(names, 1):
        device = accounts.create_device(config, f"Vest {number}", f"DEMO-{number:03d}", "vest")
        accounts.own_device(config, device["id"], manager, start - _DAY, now() + 365 * _DAY)
        frame = {
            **frame_times,
            "params": {"max_hr": 200, "rest_hr": 60},
            "device": device["id"],
            "activity": activity["id"],
            "athlete": _player(http, manager, number, name),
            "owner": manager,
            "json_schema": schemas["timeframe_soccer"],
        }
        devices.append(device)
        frames.append(int(_call(http, "POST", "timeframes/", frame)["id"]))
    plan = Plan(seed, start, seconds, speed)
    return Match(login, int(activity["id"]), devices, frames, names, plan)


def _player(http: httpx.Client, manager: int, number: int, name: str) -> int:
    profile = {"first_name": "Player", "last_name": name, "weight": 75.0, "height": 1.8}
    player = {"managed_by": manager, "external_id": f"demo-{number}", "athlete_profile": profile}
    return int(_call(http, "POST", "athletes/create-managed/", player)["id"])


def _manager(config: Config, http: httpx.Client) -> dict[str, str]:
    """A manager who is logged in on ``http``; returns all that a login takes."""
    login = {"username": "coach", "password": secrets.token_urlsafe(12)}
    _call(http, "POST", "managers/", {**login, "email": "coach@demo.example"})
    accounts.permit_user(config, login["username"], "can_create_managed_athletes")
    client = accounts.create_client(config, "Demo", ("password",), (), False)
    answer = http.post(
        "/oauth2/token/",
        data={"grant_type": "password", **login},
        auth=(client["client_id"], client["client_secret"]),
    )
    if answer.status_code != 200:
        raise StartError(f"the login was refused: {answer.status_code} {answer.text}")
    http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    return {**login, **client}


def _call(
    http: httpx.Client, method: str, path: str, body: Any = None, **query: str
) -> dict[str, Any]:
    answer = http.request(method, f"/api/v1/{path}", json=body, params=query)
    if answer.status_code >= 300:
        raise StartError(f"{method} {path}: {answer.status_code} {answer.text}")
    return answer.json()


# What one sees


class Latencies:
    """How long a batch takes from the first byte sent until its newest sample is part of computed
    data that was read back. The pause between two looks is part of it."""

    def __init__(self, players: int) -> None:
        self._waiting: list[list[tuple[int, float]]] = [[] for _ in range(players)]
        self.seconds: list[float] = []

    def sent(self, player: int, newest: int, began: float) -> None:
        self._waiting[player].append((newest, began))

    def seen(self, player: int, newest: float, at: float) -> None:
        waiting = self._waiting[player]
        while waiting and waiting[0][0] <= newest:
            self.seconds.append(at - waiting.pop(0)[1])

    def summary(self) -> dict[str, float | None]:
        """Milliseconds; null before anything was seen."""
        if not self.seconds:
            return {"p50": None, "p95": None, "max": None}
        ordered = sorted(self.seconds)

        def share(part: float) -> float:
            return round(1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))], 1)

        return {"p50": share(0.5), "p95": share(0.95), "max": share(1.0)}


def _play(http: httpx.Client, match: Match, url: str, duration: float | None) -> dict[str, Any]:
    latencies = Latencies(len(match.devices))
    squad = Squad(url, match.devices, match.plan, latencies.sent)
    documents: dict[int, dict[str, Any]] = {}
    began = time.monotonic()
    squad.start()
    with (
        interruptible() as interrupted,
        Live(
            _table(match, documents, 0.0), console=Console(stderr=True), auto_refresh=False
        ) as live,
    ):
        while not interrupted() and squad.error is None:
            if duration is not None and time.monotonic() - began >= duration:
                break
            _look(http, match, documents, latencies)
            live.update(_table(match, documents, time.monotonic() - began), refresh=True)
            time.sleep(REFRESH)
        squad.stop()
    tally = squad.join()
    return {
        "players": len(match.devices),
        "samples": tally["samples"],
        "computed": len(documents),
        "latency_ms": latencies.summary(),
        "url": url,
        "live": f"{url}/live/{match.activity}/",
        "login": dict(match.login),
    }


def _look(
    http: httpx.Client, match: Match, documents: dict[int, dict[str, Any]], latencies: Latencies
) -> None:
    answer = http.get(f"/api/v1/activities/{match.activity}/computed/")
    at = time.monotonic()
    if answer.status_code != 200:
        say(f"computed data: {answer.status_code} {answer.text[:200]}")
        return
    first = not documents
    for item in answer.json():
        document, newest = item["data"], item["data"].get("last_timestamp")
        if newest is not None:
            player = match.frames.index(item["timeframe"])
            documents[player] = document
            latencies.seen(player, newest, at)
    if first and documents:
        say("first computed data")


_COLUMNS = (
    ("Metres", "total_distance", "{:,.0f}"),
    ("m/min", "distance_per_minute", "{:.0f}"),
    ("Max m/s", "max_speed", "{:.1f}"),
    ("Fast m", "high_speed_distance", "{:,.0f}"),
    ("Sprints", "sprint_count", "{:.0f}"),
    ("HR avg", "hr_avg", "{:.0f}"),
    ("HR max", "hr_max", "{:.0f}"),
)


def _table(match: Match, documents: Mapping[int, Mapping[str, Any]], elapsed: float) -> Table:
    minute = min(elapsed * match.plan.speed, match.plan.seconds) / 60
    title = f"{minute:.0f}′ of play, {len(documents)} of {len(match.names)} computed"
    table = Table(title=title, box=box.SIMPLE_HEAD)  # fits into 80 columns
    table.add_column("Player")
    for title, _, _ in _COLUMNS:
        table.add_column(title, justify="right")
    table.add_column("Accel.", justify="right")
    for player, name in enumerate(match.names):
        document = documents.get(player, {})
        cells = [_cell(document.get(key), form) for _, key, form in _COLUMNS]
        table.add_row(name, *cells, _count(document.get("accelerations")))
    return table


def _cell(value: Any, form: str) -> str:
    return form.format(value) if isinstance(value, int | float) else "–"


def _count(efforts: Any) -> str:
    """How many efforts reached the lowest threshold."""
    lowest = efforts.get("threshold_1") if isinstance(efforts, dict) else None
    return str(len(lowest["values"])) if lowest else "–"
