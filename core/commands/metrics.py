"""The metric dictionary, and computing anew what is stale."""

from typing import Any

import click

from core.config import Config

from .common import Answer, Found, command, database, interruptible


def register(cli: click.Group) -> None:
    @cli.group("metrics")
    def metrics() -> None:
        """The metric dictionary; results of older versions of metrics."""

    @command(metrics, "list", "touchline metrics list --sport soccer --json")
    @click.option("--sport", "name", help="Of this sport alone.")
    def list_metrics(config: Config, name: str | None) -> Answer:
        """List every metric: unit, definition, parameters, citation, version."""
        from core.sport.dictionary import dictionary

        return [entry for entry in dictionary() if name in (None, entry["sport"])]

    @command(metrics, "plan", "touchline metrics plan --json")
    @click.option("--sport", "name", help="Of this sport alone.")
    def plan(config: Config, name: str | None) -> Answer:
        """Say which results are stale, because metrics have other versions now: by sport, and by
        metric how many time frames. Changes nothing.
        """
        from core.pipeline import stale
        from core.sport.registry import registry

        with database(config) as db:
            return db.read(lambda s: stale.summary(s, registry(), name))

    @command(metrics, "recompute", "touchline metrics recompute --sport soccer --limit 1000")
    @click.option("--sport", "name", help="Of this sport alone.")
    @click.option("--limit", type=click.IntRange(1), help="This many time frames at most.")
    def recompute(config: Config, name: str | None, limit: int | None) -> Answer:
        """Compute stale results anew; each becomes the next edition of its time frame.

        The plan stands in the database. Ctrl-C and SIGTERM stop after the frame in hand; after
        that, or a kill, run the command again: it goes on. Exit status 1 where frames failed.
        """
        with database(config) as db:
            answer = _recompute(config, db, name, limit)
        if answer["failed"]:
            raise Found(answer)
        return answer


def _recompute(config: Config, db: Any, sport: str | None, limit: int | None) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from core.pipeline import stale
    from core.process import set_numba_environment
    from core.sport.registry import registry

    sports = registry()
    db.write(lambda s: stale.extend(s, sports, sport))
    planned = db.read(lambda s: stale.progress(s, sports, sport))
    set_numba_environment(config.data_dir)
    from core.pipeline import recompute  # not before: it imports numba

    columns = (TextColumn("recompute"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with interruptible() as stop, Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=sum(planned.values()), completed=planned["done"])
        done = recompute.run(db, sports, sport, limit, stop=stop, tell=lambda _: bar.advance(task))
    after = db.read(lambda s: stale.progress(s, sports, sport))
    return {
        "planned": sum(planned.values()),
        "recomputed": done.recomputed,
        "failed": db.read(lambda s: stale.failures(s, sports, sport)),
        "left": after["waiting"],
        "stopped": done.stopped,
    }
