"""Further verbs on users, clients and devices, and the audit log: the services behind
``/api/v1/admin/``, from the command line.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from core.config import Config

from .common import Answer, command, database, read_secret_line


def register(cli: click.Group) -> None:
    """The groups are those of core.commands.accounts."""
    groups = {name: cli.commands[name] for name in ("user", "client", "device")}
    for name, add in (("user", _users), ("client", _clients), ("device", _devices)):
        group = groups[name]
        assert isinstance(group, click.Group)
        add(group)
    _audit(cli)


def _rows(config: Config, listing: Callable[[Any], Any], *, newest: int | None = None) -> Answer:
    """Every row that a service's listing selects, or the newest few."""
    from core.policy import Actor
    from core.services.audit import snapshot

    def read(session: Any) -> Answer:
        statement = listing(Actor.operator())
        key = statement.column_descriptions[0]["entity"].id
        statement = statement.order_by(key.desc()).limit(newest) if newest else statement
        return [snapshot(row) for row in session.scalars(statement).unique()]

    with database(config) as db:
        return db.read(read)


def _changed(config: Config, change: Callable[[Any, Any], Any]) -> Answer:
    from core.policy import Actor
    from core.services.audit import snapshot

    with database(config) as db:
        return db.write(lambda session: snapshot(change(session, Actor.operator())))


def _users(group: click.Group) -> None:
    @command(group, "list", "touchline user list --json")
    def list_users(config: Config) -> Answer:
        """List every account."""
        from core.services import admin_users

        return _rows(config, admin_users.listing)

    @command(
        group,
        "create",
        "touchline user create --role MANAGER --username ada --email ada@club.example",
    )
    @click.option("--role", required=True, type=click.Choice(["MANAGER", "ATHLETE"]))
    @click.option("--username", required=True)
    @click.option("--email", required=True)
    @click.option("--password-stdin", is_flag=True, help="Read it from stdin.")
    def create(
        config: Config, role: str, username: str, email: str, password_stdin: bool
    ) -> Answer:
        """Create a manager or an athlete."""
        from core.auth.passwords import hash_password
        from core.services import admin_users

        given = hash_password(read_secret_line()) if password_stdin else None
        return _changed(
            config,
            lambda session, actor: admin_users.create(
                session, actor, role=role, username=username, email=email, password_hash=given
            ),
        )

    @command(group, "mail-link", "touchline user mail-link ada")
    @click.argument("username")
    def mail_link(config: Config, username: str) -> Answer:
        """Mail USERNAME a one-time link to set a new password."""
        from core.policy import Actor
        from core.services import admin_users

        def owe(session: Any) -> Answer:
            admin_users.mail_link(session, Actor.operator(), admin_users.named(session, username))
            return {"username": username, "mail": "owed"}

        with database(config) as db:
            return db.write(owe)

    for name, disabled, about in (
        ("disable", True, "Let nobody log in to USERNAME; every token of theirs ends."),
        ("enable", False, "Let USERNAME log in again."),
    ):
        _switch(group, name, disabled, about)


def _switch(group: click.Group, name: str, disabled: bool, about: str) -> None:
    @command(group, name, f"touchline user {name} ada")
    @click.argument("username")
    def switch(config: Config, username: str) -> Answer:
        from core.services import admin_users

        def change(session: Any, actor: Any) -> Any:
            user = admin_users.named(session, username)
            return admin_users.change(session, actor, user, disabled=disabled)

        return _changed(config, change)

    switch.help = about


def _clients(group: click.Group) -> None:
    @command(group, "list", "touchline client list --json")
    def list_clients(config: Config) -> Answer:
        """List every OAuth client."""
        from core.services import clients

        return _rows(config, clients.listing)

    @command(group, "set", "touchline client set CLIENT_ID --throttle-class high")
    @click.argument("client_id")
    @click.option("--name")
    @click.option("--throttle-class", help="low, standard or high.")
    @click.option(
        "--cors-origin", "cors_origins", multiple=True, metavar="ORIGIN",
        help="Where browsers may call from; replaces the list.",
    )  # fmt: skip
    def set_client(config: Config, client_id: str, **options: Any) -> Answer:
        """Change an OAuth client."""
        from core.services import clients

        changes = {name: value for name, value in options.items() if value not in (None, ())}
        if "cors_origins" in changes:
            changes["cors_origins"] = list(changes["cors_origins"])

        def change(session: Any, actor: Any) -> Any:
            return clients.change(session, actor, clients.known_as(session, client_id), changes)

        return _changed(config, change)

    @command(group, "rotate-secret", "touchline client rotate-secret CLIENT_ID")
    @click.argument("client_id")
    def rotate(config: Config, client_id: str) -> Answer:
        """Give an OAuth client a new secret, shown this once; the old one ends."""
        from core.policy import Actor
        from core.services import clients

        def change(session: Any) -> Answer:
            row = clients.known_as(session, client_id)
            client, secret = clients.rotate_secret(session, Actor.operator(), row)
            return {"client_id": client.client_id, "client_secret": secret}

        with database(config) as db:
            return db.write(change)


def _devices(group: click.Group) -> None:
    @command(group, "list", "touchline device list --json")
    def list_devices(config: Config) -> Answer:
        """List every device."""
        from core.services import device_stock

        return _rows(config, device_stock.listing)

    @command(group, "set", "touchline device set 7 --firmware-version 2.1")
    @click.argument("device_id", metavar="DEVICE", type=int)
    @click.option("--device-type")
    @click.option("--firmware-version")
    def set_device(config: Config, device_id: int, **options: str | None) -> Answer:
        """Set a device's type or firmware version."""
        from core.services import device_stock

        changes = {name: value for name, value in options.items() if value is not None}
        return _changed(
            config, lambda session, actor: device_stock.change(session, actor, device_id, changes)
        )

    @command(group, "import", "touchline device import devices.csv --json > devices.json")
    @click.argument("path", metavar="FILE", type=click.Path(exists=True, path_type=Path))
    def import_devices(config: Config, path: Path) -> Answer:
        """Create the devices of a CSV file, all or none; each comes with its uplink token."""
        from core.errors import BadInput
        from core.policy import Actor
        from core.services import device_stock

        try:
            rows = device_stock.read_csv(path.read_text("utf-8"))
        except UnicodeDecodeError:
            raise BadInput(f"{path} is not UTF-8") from None

        def create(session: Any) -> Answer:
            return [
                {
                    "id": device.id,
                    "device_name": device.device_name,
                    "serial_number": device.serial_number,
                    "uplink_token": token,
                }
                for device, token in device_stock.create_many(session, Actor.operator(), rows)
            ]

        with database(config) as db:
            return db.write(create)


def _audit(cli: click.Group) -> None:
    @command(cli, "audit", "touchline audit --last 20 --json")
    @click.option("--last", default=50, show_default=True, type=click.IntRange(1))
    def audit_log(config: Config, last: int) -> Answer:
        """Show what administrators changed, newest first."""
        from core.services import audit

        return _rows(config, audit.listing, newest=last)
