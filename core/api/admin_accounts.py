"""Accounts and OAuth clients, as administrators keep them."""

from typing import Any

from marshmallow import fields, validate

from core.api.filters import Listing, contains, flag, one_of
from core.api.guard import authenticated
from core.api.paging import PageQuery, page_of, read_page
from core.api.parsing import Blueprint
from core.api.passwords import Password, hashed
from core.api.people import Address
from core.api.platform import platform
from core.api.shapes import Flag, Id, Moment, Shape, Text
from core.api.throttle import throttle
from core.models import OAuthClient, User
from core.models.users import ADMINISTRATOR, ROLES
from core.policy import Actor
from core.services import admin_users, clients
from core.services.audit import snapshot
from core.services.users import EXTRA_PERMISSIONS

RUN_BY = {"example": "AMS Ltd, Bern"}

blueprint = Blueprint(
    "admin-accounts",
    __name__,
    url_prefix="/api/v1/admin",
    description="Accounts and OAuth clients, for administrators.",
)

USERS = Listing(
    "User",
    key=User.id,
    filters={
        "role": one_of(User.role, *ROLES),
        "username": contains(User.username),
        "email": contains(User.email),
        "disabled": flag(User.disabled.is_(True)),
    },
    ordering={"username": User.username, "email": User.email, "created": User.created},
    search=(User.username, User.email, User.external_id),
)

CLIENTS = Listing(
    "Client",
    key=OAuthClient.id,
    filters={"name": contains(OAuthClient.name)},
    ordering={"name": OAuthClient.name, "created": OAuthClient.created},
    search=(OAuthClient.name, OAuthClient.client_id),
)


def _permissions() -> fields.List:
    return fields.List(fields.String(validate=validate.OneOf(EXTRA_PERMISSIONS)))


class UserRecordShape(Shape):
    """An account of any role; managed athletes have no ``email``. ``disabled``: nobody logs in to
    it and none of its tokens is good.
    """

    id = Id(dump_only=True)
    username = Text(254, shortest=1, required=True)
    email = Address(allow_none=True)
    external_id = Text(255, allow_none=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    extra_permissions = fields.List(fields.String(), dump_only=True)
    disabled = fields.Boolean(dump_only=True)
    created = Moment(dump_only=True)


class UserCreationShape(UserRecordShape):
    email = Address(required=True)
    password = Password()


class UserChangeShape(Shape):
    extra_permissions = _permissions()
    disabled = Flag()
    email = Address()


class ClientShape(Shape):
    """``owner``: who runs it, in words for people. ``cors_origins``: where browsers may call from.
    ``public``: it has no secret.
    """

    id = Id(dump_only=True)
    client_id = fields.String(dump_only=True)
    name = Text(255, shortest=1, required=True)
    owner = Text(clients.MAX_OWNER, load_default="", metadata=RUN_BY)
    grants = fields.List(fields.String(validate=validate.OneOf(clients.GRANTS)), required=True)
    redirect_uris = fields.List(Text(2000), load_default=list)
    scope = fields.String(load_default="all", validate=validate.Length(max=255))
    cors_origins = fields.List(Text(255), load_default=list)
    throttle_class = fields.String(
        load_default="standard", validate=validate.OneOf(list(clients.THROTTLE_CLASSES))
    )
    created = Moment(dump_only=True)


class ClientCreationShape(ClientShape):
    public = Flag(load_default=False)


class ClientSecretShape(ClientShape):
    """``client_secret`` is shown this once, and absent of a public client."""

    client_secret = fields.String(dump_only=True)


class ClientChangeShape(Shape):
    name = Text(255, shortest=1)
    owner = Text(clients.MAX_OWNER, metadata=RUN_BY)
    redirect_uris = fields.List(Text(2000))
    cors_origins = fields.List(Text(255))
    throttle_class = fields.String(validate=validate.OneOf(list(clients.THROTTLE_CLASSES)))


class ClientUsageShape(Shape):
    """One day (UTC). ``refused``: answered 429, not counted in ``requests``."""

    day = fields.String()
    requests = fields.Integer()
    refused = fields.Integer()


def _with_secret(client: OAuthClient, secret: str | None) -> dict[str, Any]:
    known = snapshot(client)
    return known if secret is None else {**known, "client_secret": secret}


@blueprint.route("/users/")
@authenticated(ADMINISTRATOR)
@blueprint.arguments(USERS.query(), location="query")
@blueprint.response(200, page_of(UserRecordShape))
def list_users(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Every account."""
    return read_page(query, lambda s: USERS.apply(admin_users.listing(actor), query))


@blueprint.route("/users/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(UserCreationShape)
@blueprint.response(201, UserRecordShape)
def create_user(actor: Actor, body: dict[str, Any]) -> User:
    """Create an account of any role; an administrator's needs a password."""
    password = body.get("password")
    password_hash = None if body["role"] == ADMINISTRATOR else hashed(password)
    return platform().db.write(
        lambda s: admin_users.create(s, actor, **body, password_hash=password_hash)
    )


@blueprint.route("/users/<int:user>/")
@authenticated(ADMINISTRATOR)
@blueprint.response(200, UserRecordShape)
def get_user(actor: Actor, user: int) -> User:
    """Read an account."""
    return platform().db.read(lambda session: admin_users.get(session, actor, user))


@blueprint.route("/users/<int:user>/", methods=["PATCH"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(UserChangeShape)
@blueprint.response(200, UserRecordShape)
def change_user(actor: Actor, body: dict[str, Any], user: int) -> User:
    """Give or take extra permissions; disable or enable; set the address, which counts at once.
    Disabling ends every token at once.
    """
    app = platform()
    changed = app.db.write(lambda session: admin_users.change(session, actor, user, **body))
    app.tokens.forget()
    return changed


@blueprint.route("/users/<int:user>/password-link/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.response(204)
def mail_password_link(actor: Actor, user: int) -> None:
    """Mail the account a one-time link to set a new password; the old one goes on until then."""
    platform().db.write(lambda session: admin_users.mail_link(session, actor, user))


@blueprint.route("/clients/")
@authenticated(ADMINISTRATOR)
@blueprint.arguments(CLIENTS.query(), location="query")
@blueprint.response(200, page_of(ClientShape))
def list_clients(actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
    """Every OAuth client."""
    return read_page(query, lambda s: CLIENTS.apply(clients.listing(actor), query))


@blueprint.route("/clients/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(ClientCreationShape)
@blueprint.response(201, ClientSecretShape)
def create_client(actor: Actor, body: dict[str, Any]) -> dict[str, Any]:
    """Register an OAuth client."""
    return platform().db.write(lambda s: _with_secret(*clients.create(s, actor, **body)))


@blueprint.route("/clients/<int:client>/")
@authenticated(ADMINISTRATOR)
@blueprint.response(200, ClientShape)
def get_client(actor: Actor, client: int) -> OAuthClient:
    """Read an OAuth client."""
    return platform().db.read(lambda session: clients.get(session, actor, client))


@blueprint.route("/clients/<int:client>/", methods=["PATCH"])
@authenticated(ADMINISTRATOR)
@blueprint.arguments(ClientChangeShape)
@blueprint.response(200, ClientShape)
def change_client(actor: Actor, body: dict[str, Any], client: int) -> OAuthClient:
    """Set name, owner, redirect URIs, CORS allow-list or throttle class."""
    return platform().db.write(lambda session: clients.change(session, actor, client, body))


@blueprint.route("/clients/<int:client>/rotate-secret/", methods=["POST"])
@authenticated(ADMINISTRATOR)
@blueprint.response(200, ClientSecretShape)
def rotate_secret(actor: Actor, client: int) -> dict[str, Any]:
    """Give a client a new secret; the old one ends, tokens stay good."""
    return platform().db.write(lambda s: _with_secret(*clients.rotate_secret(s, actor, client)))


@blueprint.route("/clients/<int:client>/usage/")
@authenticated(ADMINISTRATOR)
@blueprint.arguments(PageQuery, location="query")
@blueprint.response(200, page_of(ClientUsageShape))
def client_usage(actor: Actor, query: dict[str, Any], client: int) -> dict[str, Any]:
    """What a client asked for, by day, newest first. Other processes tell within some seconds."""
    throttle().flush()
    return read_page(query, lambda s: clients.usage(s, actor, client))
