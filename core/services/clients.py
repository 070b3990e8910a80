"""OAuth clients: programs that may ask for tokens. Operators register them."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from core import policy
from core.auth.secrets import hash_token, new_token
from core.clock import now, to_iso
from core.errors import BadInput, NotFound
from core.models import ClientUsage, OAuthClient
from core.policy import SCOPES, Actor

from . import audit

MAX_OWNER = 255
MOST_USED = 100
GRANTS = ("password", "authorization_code")
LOOPBACK = ("127.0.0.1", "::1", "localhost")
# Requests a second that a client may keep up, and how many at once, by its class.
THROTTLE_CLASSES: Mapping[str, tuple[float, float]] = {
    "low": (10, 100),
    "standard": (100, 1000),
    "high": (1000, 10_000),
}


def create(
    session: Session,
    actor: Actor,
    name: str,
    grants: Sequence[str],
    redirect_uris: Sequence[str] = (),
    *,
    public: bool = False,
    scope: str = "all",
    cors_origins: Sequence[str] = (),
    throttle_class: str = "standard",
    owner: str = "",
) -> tuple[OAuthClient, str | None]:
    """Register a client. Returns it and its secret, which is shown this once; None for a public
    client, which has none. ``owner`` says to people who runs it.

    Raises BadInput for an unknown grant or scope, and where the grant authorization_code has no
    redirect URI or the URI is not absolute or has a fragment.
    """
    policy.require_administrator(actor)
    _check_name(name)
    _check_owner(owner)
    _check_some("/grants", grants, GRANTS)
    _check_some("/scope", scope.split(), SCOPES)
    _check_redirects(grants, redirect_uris)
    _check_origins(cors_origins)
    _check_class(throttle_class)
    secret = None if public else new_token()
    client = OAuthClient(
        client_id=secrets.token_hex(12),  # no "-" first: people type it after commands
        secret_hash=hash_token(secret) if secret else None,
        name=name,
        owner=owner.strip(),
        grants=list(dict.fromkeys(grants)),
        redirect_uris=list(redirect_uris),
        scope=scope,
        cors_origins=list(cors_origins),
        throttle_class=throttle_class,
        created=now(),
    )
    session.add(client)
    audit.record(session, actor, "client.create", client)
    return client, secret


def listing(actor: Actor) -> Select[OAuthClient]:
    policy.require_administration_reader(actor)
    return select(OAuthClient)


def get(session: Session, actor: Actor, client_id: int) -> OAuthClient:
    policy.require_administration_reader(actor)
    return _existing(session, client_id)


def change(
    session: Session, actor: Actor, client_id: int, changes: Mapping[str, Any]
) -> OAuthClient:
    """Set name, owner, redirect_uris, cors_origins or throttle_class."""
    policy.require_administrator(actor)
    client = _existing(session, client_id)
    before = audit.snapshot(client)
    if "name" in changes:
        _check_name(changes["name"])
    _check_redirects(client.grants, changes.get("redirect_uris", client.redirect_uris))
    _check_origins(changes.get("cors_origins", ()))
    _check_class(changes.get("throttle_class", client.throttle_class))
    for name, value in changes.items():
        setattr(client, name, value)
    audit.record(session, actor, "client.change", client, before)
    return client


def rotate_secret(session: Session, actor: Actor, client_id: int) -> tuple[OAuthClient, str]:
    """A new secret, shown this once; the old one ends with this commit, tokens stay good."""
    policy.require_administrator(actor)
    client = _existing(session, client_id)
    if client.secret_hash is None:
        raise BadInput("a public client has no secret")
    before, secret = audit.snapshot(client), new_token()
    client.secret_hash = hash_token(secret)
    audit.record(session, actor, "client.rotate_secret", client, before, secret=True)
    return client, secret


def usage(session: Session, actor: Actor, client_id: int) -> Select[ClientUsage]:
    """What a client asked for, by day, newest first."""
    policy.require_administration_reader(actor)
    _existing(session, client_id)
    return (
        select(ClientUsage)
        .where(ClientUsage.client_id == client_id)
        .order_by(ClientUsage.day.desc())
    )


def used_today(session: Session, actor: Actor) -> list[tuple[OAuthClient, int, int]]:
    """Clients that asked for anything today (UTC), with requests served and refused; those with the
    most refusals first.
    """
    policy.require_administration_reader(actor)
    rows = session.execute(
        select(OAuthClient, ClientUsage.requests, ClientUsage.refused)
        .join(ClientUsage, ClientUsage.client_id == OAuthClient.id)
        .where(ClientUsage.day == to_iso(now())[:10])
        .order_by(ClientUsage.refused.desc(), ClientUsage.requests.desc(), OAuthClient.id)
        .limit(MOST_USED)
    )
    return [(client, served, refused) for client, served, refused in rows]


def known_as(session: Session, client_id: str) -> int:
    """The row's id behind the public client_id, for the command line."""
    found = session.scalar(select(OAuthClient.id).where(OAuthClient.client_id == client_id))
    if found is None:
        raise NotFound(f"no client {client_id!r}")
    return found


def _existing(session: Session, client_id: int) -> OAuthClient:
    client = session.get(OAuthClient, client_id)
    if client is None:
        raise NotFound(f"no client {client_id}")
    return client


def _check_name(name: str) -> None:
    if not name.strip():
        raise BadInput.at("/name", "must not be empty")


def _check_owner(owner: str) -> None:
    if len(owner) > MAX_OWNER:
        raise BadInput.at("/owner", f"at most {MAX_OWNER} characters")


def _check_some(pointer: str, given: Collection[str], known: Collection[str]) -> None:
    if not given or not set(given) <= set(known):
        raise BadInput.at(pointer, f"one or more of {', '.join(known)}")


def _check_redirects(grants: Sequence[str], uris: Sequence[str]) -> None:
    if "authorization_code" in grants and not uris:
        raise BadInput.at("/redirect_uris", "the grant authorization_code needs one")
    for index, uri in enumerate(uris):
        at = f"/redirect_uris/{index}"
        parts = _split(uri, at)
        if not parts.scheme or not (parts.netloc or parts.path) or parts.fragment:
            raise BadInput.at(at, "must be an absolute URI without a fragment")
        if not _is_callback(parts):
            raise BadInput.at(
                at, "must be https, http on this machine, or an app's own scheme: club.app:/cb"
            )


def _is_callback(parts: SplitResult) -> bool:
    """Where a code may go: nothing that others read on the way or that a browser runs. A scheme of
    an app's own is a domain turned round, so it has a dot (RFC 8252 section 7.1).
    """
    if parts.scheme == "https":
        return bool(parts.hostname) and "*" not in parts.netloc
    if parts.scheme == "http":
        return parts.hostname in LOOPBACK
    return "." in parts.scheme


def _check_origins(origins: Sequence[str]) -> None:
    """As browsers send them: scheme, host and perhaps port, nothing after."""
    for index, origin in enumerate(origins):
        parts = _split(origin, f"/cors_origins/{index}")
        plain = f"{parts.scheme}://{parts.netloc}".lower()
        if parts.scheme not in ("http", "https") or not parts.hostname or origin != plain:
            raise BadInput.at(
                f"/cors_origins/{index}", "must be an origin, for example https://ams.example"
            )


def _check_class(name: str) -> None:
    if name not in THROTTLE_CLASSES:
        raise BadInput.at("/throttle_class", f"must be one of {', '.join(THROTTLE_CLASSES)}")


def _split(text: str, pointer: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:  # brackets that are no address
        raise BadInput.at(pointer, f"no URI: {error}") from None
