"""A simulated squad: alone against any platform, or with a platform of its own as the demo."""

import json
from typing import IO, Any

import click

from core.config import Config

from .accounts import Moment
from .common import Answer, command, say


def register(cli: click.Group) -> None:
    _simulate(cli)
    _demo(cli)


def _simulate(cli: click.Group) -> None:
    @command(cli, "simulate", "touchline simulate --url http://127.0.0.1:8000 --devices squad.json")
    @click.option("--url", required=True, help="Address of the platform.")
    @click.option(
        "--devices", required=True, type=click.File("r"), metavar="FILE",
        help="JSON array of what `device create --json` answers; - is stdin.",
    )  # fmt: skip
    @click.option(
        "--speed", default=1.0, show_default=True, type=click.FloatRange(0.1, 1000.0),
        help="Seconds of play in one second.",
    )  # fmt: skip
    @click.option("--seed", default=1, show_default=True, help="The same seed, the same samples.")
    @click.option(
        "--minutes", default=90.0, show_default=True, type=click.FloatRange(0.1, 1440.0),
        help="Length of play.",
    )  # fmt: skip
    @click.option(
        "--start", type=Moment(),
        help="First sample, ISO 8601. [default: now; faster than real time, now less the length]",
    )  # fmt: skip
    @click.option(
        "--faults", default="", metavar="LIST", help="Any of dropout,duplicate,late,clock."
    )
    @click.option(
        "--by", default="post", show_default=True, type=click.Choice(["post", "socket"]),
        help="How devices send: requests, or their uplink socket.",
    )  # fmt: skip
    def simulate(
        _config: Config,
        url: str,
        devices: IO[str],
        speed: float,
        seed: int,
        minutes: float,
        start: int | None,
        faults: str,
        by: str,
    ) -> Answer:
        """Send a squad's match through the real uplink, one device per player."""
        from core.clock import now
        from core.simulate import FAULTS
        from core.squad import Plan, Squad

        chosen = frozenset(faults.split(",")) if faults else frozenset()
        if not chosen <= set(FAULTS):
            raise click.BadParameter(f"any of {','.join(FAULTS)}", param_hint="--faults")
        seconds = minutes * 60
        if start is None:
            start = now() - (round(seconds * 1000) if speed > 1 else 0)
        plan = Plan(seed, start, seconds, speed, chosen)
        squad = Squad(url, read_devices(devices), plan, by=(by,))
        say(f"{minutes:g} minutes of play at {speed:g} times real time")
        squad.start()
        return squad.join()


def read_devices(file: IO[str]) -> list[dict[str, Any]]:
    """The devices of a squad. Raises click.BadParameter for anything else."""
    try:
        devices = json.load(file)
    except ValueError as error:
        raise click.BadParameter(f"not JSON: {error}", param_hint="--devices") from None
    if not isinstance(devices, list) or not devices:
        raise click.BadParameter("a JSON array of devices is needed", param_hint="--devices")
    for index, device in enumerate(devices):
        if not isinstance(device, dict) or not {"id", "uplink_token"} <= device.keys():
            raise click.BadParameter(
                f"device {index} has no id and uplink_token", param_hint="--devices"
            )
    return devices


def _demo(cli: click.Group) -> None:
    @command(cli, "demo", "touchline demo --for 60 --json")
    @click.option(
        "--for", "duration", type=click.FloatRange(1.0), metavar="SECONDS",
        help="Stop after so many seconds of the match. [default: Ctrl-C]",
    )  # fmt: skip
    @click.option("--players", default=11, show_default=True, type=click.IntRange(1, 30))
    @click.option(
        "--speed", default=60.0, show_default=True, type=click.FloatRange(1.0, 1000.0),
        help="Seconds of play in one second.",
    )  # fmt: skip
    @click.option("--seed", default=1, show_default=True, help="The same seed, the same match.")
    @click.option("--port", default=0, type=click.IntRange(0, 65535), help="[default: a free one]")
    def demo(
        config: Config, duration: float | None, players: int, speed: float, seed: int, port: int
    ) -> Answer:
        """Run a platform of its own and watch it compute a simulated match.

        The data directory is a temporary one, unless --data-dir is given, which must be fresh.
        """
        from .demo import run

        return run(config, players=players, speed=speed, seed=seed, port=port, duration=duration)
