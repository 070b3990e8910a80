"""Sports and their schemas."""

import click

from core.config import Config

from .common import Answer, command, database


def register(cli: click.Group) -> None:
    @cli.group("sport")
    def sport() -> None:
        """Installed sports."""

    @command(sport, "list", "touchline sport list --json")
    def list_sports(config: Config) -> Answer:
        """List every sport that was found, with the reason where one failed to load."""
        from core.sport.registry import registry

        return [
            {
                "name": state.name,
                "version": state.version,
                "distribution": state.distribution,
                "state": state.state,
                "reason": state.reason,
            }
            for state in registry().states()
        ]

    @command(sport, "sync", "touchline sport sync")
    def sync(config: Config) -> Answer:
        """Store the JSON Schemas of enabled sports; answers those that were new or changed."""
        return sync_schemas(config)


def sync_schemas(config: Config) -> list[dict[str, object]]:
    from core.services import json_schemas
    from core.sport.registry import registry

    with database(config) as db:
        made = db.write(lambda s: json_schemas.sync(s, registry()))
    return [{"id": row.id, "name": row.name, "type": row.type} for row in made]
