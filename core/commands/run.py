"""The processes: the whole platform on one box, or one role each."""

import click

from core.config import Config

from .common import command, say, with_secret


def register(cli: click.Group) -> None:
    host = click.option("--host", default="127.0.0.1", show_default=True, help="Address.")
    port = click.option(
        "--port", default=8000, show_default=True, type=click.IntRange(0, 65535),
        help="Port; 0 takes a free one.",
    )  # fmt: skip

    @command(cli, "up", "touchline up --port 8000", answers=False)
    @host
    @port
    def up(config: Config, host: str, port: int) -> None:
        """Run the whole platform on this box.

        Starts web, relay, three workers and, unless TOUCHLINE_REDIS_URL is set, a private Redis;
        prints `ready http://HOST:PORT` when requests are served and a worker has answered. SIGTERM
        or Ctrl-C stops it within 10 s.
        """
        from core import embedded

        say(f"touchline: data in {config.data_dir}; starting")
        embedded.up(config, host, port, lambda url: click.echo(f"ready {url}"))

    @command(cli, "web", "touchline web --host 0.0.0.0 --port 8000", answers=False)
    @host
    @port
    @click.option("--fd", type=int, hidden=True, help="A listening socket that was inherited.")
    def web(config: Config, host: str, port: int, fd: int | None) -> None:
        """Serve requests; any number, behind any balancer."""
        from core import serve  # patches first: nothing above may hold a lock or a socket

        serve.serve(with_secret(config), serve.listen(host, port, fd))

    @command(cli, "worker", "touchline worker --queues ingest,compute,bulk", answers=False)
    @click.option(
        "--queues",
        metavar="LIST",
        help="Queues to serve, the most urgent first; `live` alone is served without forking, "
        "`deliver` always by a process of its own. [default: live,ingest,compute,bulk,deliver]",
    )
    def worker(config: Config, queues: str | None) -> None:
        """Compute and deliver; any number, on as many machines as wanted."""
        from workers.queues import DELIVER, QUEUES

        chosen = tuple(queues.split(",")) if queues else QUEUES
        unknown = sorted(set(chosen) - set(QUEUES))
        if unknown:
            raise click.BadParameter(f"no queue {unknown[0]!r}; there are {', '.join(QUEUES)}")
        if set(chosen) == {DELIVER}:
            from workers import deliverer

            deliverer.run(config)
        else:
            from workers import main

            main.run(config, chosen)

    @command(cli, "relay", "touchline relay", answers=False)
    def relay(config: Config) -> None:
        """Hand owed work to the workers; on SQLite one, on PostgreSQL any number."""
        from core.doorbell import connect
        from core.models.db import Database
        from workers.relay import Relay

        db = Database(config.database_url)
        Relay(db, connect(config.redis_url)).run()
        db.close()
