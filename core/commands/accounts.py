"""Accounts, clients, devices: what an administrator does before anybody can log in."""

import secrets
from typing import Any

import click

from core.config import Config

from .common import Answer, command, database, read_secret_line, say

PERMISSIONS = ("can_create_managed_athletes",)


def create_administrator(config: Config, username: str, email: str, password: str) -> Answer:
    from core.services import users

    with database(config) as db:
        return db.write(lambda s: _user(users.create_administrator(s, username, email, password)))


def create_client(
    config: Config,
    name: str,
    grants: tuple[str, ...],
    uris: tuple[str, ...],
    public: bool,
    owner: str = "",
) -> dict[str, Any]:
    from core.policy import Actor
    from core.services import clients

    with database(config) as db:
        row, secret = db.write(
            lambda s: clients.create(
                s, Actor.operator(), name, grants, uris, public=public, owner=owner
            )
        )
    answer = {"client_id": row.client_id}
    return answer if secret is None else {**answer, "client_secret": secret}


def create_device(
    config: Config, name: str, serial: str, kind: str | None = None
) -> dict[str, Any]:
    from core.policy import Actor
    from core.services import devices

    with database(config) as db:
        device, token = db.write(
            lambda s: devices.create(s, Actor.operator(), name, serial, device_type=kind)
        )
    return {
        "id": device.id,
        "device_name": device.device_name,
        "serial_number": device.serial_number,
        "uplink_token": token,
    }


def own_device(config: Config, device: int, manager: int, start: int, end: int) -> dict[str, Any]:
    """``start`` and ``end`` in Unix ms."""
    from core.clock import to_iso
    from core.policy import Actor
    from core.services import ownerships

    with database(config) as db:
        row = db.write(
            lambda s: ownerships.create(s, Actor.operator(), device, manager, start, end)
        )
    return {
        "id": row.id,
        "start_time": to_iso(row.start_time),
        "end_time": to_iso(row.end_time),
        "device": row.device_id,
        "manager": row.manager_id,
    }


def permit_user(config: Config, username: str, permission: str) -> dict[str, Any]:
    from core.policy import Actor
    from core.services import users

    def permit(session: Any) -> dict[str, Any]:
        user = users.permit(session, Actor.operator(), username, permission)
        return {**_user(user), "extra_permissions": user.extra_permissions}

    with database(config) as db:
        return db.write(permit)


def _user(user: Any) -> dict[str, Any]:
    return {"id": user.id, "username": user.username}


class Moment(click.ParamType):
    """ISO 8601 with an offset, as Unix ms."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        from core.clock import from_iso

        try:
            return value if isinstance(value, int) else from_iso(value)
        except ValueError as error:
            self.fail(f"{value}: {error}", param, ctx)


def register(cli: click.Group) -> None:
    _admin(cli)
    _clients(cli)
    _devices(cli)
    _users(cli)


def _admin(cli: click.Group) -> None:
    @cli.group("admin")
    def admin() -> None:
        """Administrators."""

    @command(admin, "create", "touchline admin create --username ada --email ada@club.example")
    @click.option("--username", required=True)
    @click.option("--email", required=True)
    @click.option("--password-stdin", is_flag=True, help="Read it from stdin; else one is made.")
    def create(config: Config, username: str, email: str, password_stdin: bool) -> Answer:
        """Create an administrator."""
        password = read_secret_line() if password_stdin else secrets.token_urlsafe(15)
        answer = create_administrator(config, username, email, password)
        assert isinstance(answer, dict)
        if password_stdin:
            return answer
        say("The password is shown this once.")
        return {**answer, "password": password}

    @command(admin, "reset-otp", "touchline admin reset-otp ada")
    @click.argument("username")
    def reset_otp(config: Config, username: str) -> Answer:
        """Take the second factor from USERNAME, who has lost it; every login and token ends."""
        from core.policy import Actor
        from core.services import admin_users, second_factor

        def reset(session: Any) -> Answer:
            user = admin_users.named(session, username)
            return {
                "username": username,
                "reset": second_factor.disable(session, Actor.operator(), user),
            }

        with database(config) as db:
            return db.write(reset)


def _clients(cli: click.Group) -> None:
    @cli.group("client")
    def client() -> None:
        """OAuth clients: programs that may ask for tokens."""

    @command(client, "create", "touchline client create --name AMS --grant password")
    @click.option("--name", required=True, help="For people.")
    @click.option(
        "--grant", "grants", multiple=True, required=True,
        type=click.Choice(["password", "authorization_code"]), help="May be given more than once.",
    )  # fmt: skip
    @click.option("--redirect-uri", "uris", multiple=True, metavar="URI")
    @click.option("--owner", default="", help="Who runs it, for people who are asked to allow it.")
    @click.option("--public", is_flag=True, help="No secret: for programs on users' own machines.")
    def create(
        config: Config,
        name: str,
        grants: tuple[str, ...],
        uris: tuple[str, ...],
        owner: str,
        public: bool,
    ) -> Answer:
        """Create an OAuth client; the secret is shown this once."""
        return create_client(config, name, grants, uris, public, owner)


def _devices(cli: click.Group) -> None:
    @cli.group("device")
    def device() -> None:
        """Devices, and who owns them when."""

    @command(
        device, "create", "touchline device create --device-name 'Vest 7' --serial-number TL-0007"
    )
    @click.option("--device-name", "name", required=True)
    @click.option("--serial-number", "serial", required=True)
    @click.option("--device-type", "kind", help="For example vest.")
    def create(config: Config, name: str, serial: str, kind: str | None) -> Answer:
        """Create a device; its uplink token is shown this once."""
        return create_device(config, name, serial, kind)

    @command(
        device,
        "own",
        "touchline device own 7 3 --from 2020-01-01T00:00:00Z --to 2021-01-01T00:00:00Z",
    )
    @click.argument("device_id", metavar="DEVICE", type=int)
    @click.argument("manager_id", metavar="MANAGER", type=int)
    @click.option("--from", "start", required=True, type=Moment(), help="ISO 8601, included.")
    @click.option("--to", "end", required=True, type=Moment(), help="ISO 8601, not included.")
    def own(config: Config, device_id: int, manager_id: int, start: int, end: int) -> Answer:
        """Let MANAGER (a user id) own DEVICE over any window, also a past one."""
        return own_device(config, device_id, manager_id, start, end)


def _users(cli: click.Group) -> None:
    @cli.group("user")
    def user() -> None:
        """Users."""

    @command(user, "permit", "touchline user permit coach can_create_managed_athletes")
    @click.argument("username")
    @click.argument("permission", type=click.Choice(PERMISSIONS))
    def permit(config: Config, username: str, permission: str) -> Answer:
        """Give USERNAME an extra permission."""
        return permit_user(config, username, permission)
