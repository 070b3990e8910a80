"""What people are told by mail. A mail is owed in the commit that causes it and written when a
worker sends it: a link's secret is made then, so that it stands nowhere but in the mail itself.
"""

import secrets
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from core.auth.passwords import hash_password
from core.clock import now
from core.mail import Message, Postbox
from core.models import OneTimeLink, User, Webhook
from core.models.db import Database
from core.models.outbox import MAIL, owe, postpone, settle

from . import links, passwords

WELCOME, RESET, WEBHOOK = "welcome", "reset", "webhook"
# Of a change of address: to the former one, when it is asked for; to the new one, with a link; to
# the former one, when the new one counts.
ASKED, CONFIRM, ADDRESS = "asked", "confirm", "address"
MINUTE = 60_000
FIRST_WAIT, LONGEST_WAIT, GIVE_UP = 10_000, 60 * MINUTE, 24 * 60 * MINUTE
MOST_ACCOUNTS = 10  # of one address that are told of a forgotten password

Owed = tuple[int, int] | None

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Office:
    """``public_url``: where people reach this platform. ``initial_passwords``: the operator wants
    a password in the first mail where none was given, instead of a link to set one.
    """

    postbox: Postbox
    public_url: str
    initial_passwords: bool = False


def welcome(session: Session, user: User) -> None:
    """Owe the mail that says that the account was made."""
    _owe(session, WELCOME, user)


def reset(session: Session, user: User) -> None:
    """Owe a link to set a new password."""
    _owe(session, RESET, user)


def address_changed(session: Session, user: User, before: str) -> None:
    """Owe a word to the address that was the account's until now."""
    _owe(session, ADDRESS, user, to=before)


def address_asked(session: Session, user: User, link: OneTimeLink, due: int) -> None:
    """Owe the link to the new address, and a word to the one that counts. Asked again before they
    have left, only the newest goes.
    """
    _owe(session, CONFIRM, user, due, link=link.id)
    if user.email:
        _owe(session, ASKED, user, due, to=user.email)


def webhook_disabled(session: Session, webhook: Webhook) -> None:
    """Owe a word to the owner of a webhook to which nothing is sent any more."""
    host = urlsplit(webhook.webhook_url).hostname or ""
    owner = session.get_one(User, webhook.owner_id)
    _owe(
        session,
        WEBHOOK,
        owner,
        webhook=str(webhook.id),
        activity=str(webhook.activity_id),
        host=host,
        reason=webhook.reason or "",
    )


def forgotten(session: Session, name: str) -> None:
    """Owe a link for the accounts of this username or address; whether there is one is told to
    nobody. Nothing for who had a link made in the last minute.
    """
    recent = exists().where(
        OneTimeLink.user_id == User.id,
        OneTimeLink.email.is_(None),
        OneTimeLink.created > now() - MINUTE,
    )
    found = session.scalars(
        select(User)
        .where(
            or_(User.username == name, func.lower(User.email) == name.lower()),
            User.email.is_not(None),
            User.deleted.is_(None),
            User.disabled.is_(False),
            ~recent,
        )
        .order_by(User.id)
        .limit(MOST_ACCOUNTS)
    )
    for user in found:
        reset(session, user)


def run(db: Database, office: Office, payload: Mapping[str, Any], owed: Owed = None) -> None:
    """Write and send one mail. The job tries for a day, at growing intervals, then gives up; a mail
    may come twice, never not at all without a line in the log.
    """
    first = payload["kind"] == WELCOME and office.initial_passwords
    initial = secrets.token_urlsafe(12) if first else None
    message = db.write(lambda session: _written(session, office, payload, initial))
    try:
        if message is not None:
            office.postbox.deliver(message)
    except (OSError, smtplib.SMTPException) as error:
        age = now() - payload["since"]
        log.warning("mail not sent", kind=payload["kind"], user=payload["user"], reason=str(error))
        if owed and age < GIVE_UP:
            wait = min(max(age, FIRST_WAIT), LONGEST_WAIT)
            db.write(lambda session: postpone(session, owed[0], now() + wait))
            return
        log.error("mail given up", kind=payload["kind"], user=payload["user"])
    hashed = hash_password(initial) if initial else None

    def end(session: Session) -> None:
        user = session.get(User, payload["user"])
        if user is not None and user.password_hash is None and message is not None:
            user.password_hash = hashed  # not before the mail has left: another try makes another
        if owed:
            settle(session, *owed)

    db.write(end)


def _owe(session: Session, kind: str, user: User, due: int | None = None, **more: Any) -> None:
    payload = {"kind": kind, "user": user.id, "since": now(), **more}
    # Asked twice for the same, one mail goes; but each former address is told.
    which = payload["since"] if kind == ADDRESS else more.get("webhook", "")
    owe(session, MAIL, f"{kind}-{user.id}-{which}", payload, due=due)


def _written(
    session: Session,
    office: Office,
    payload: Mapping[str, Any],
    initial: str | None,
) -> Message | None:
    """None: there is nobody to write to any more."""
    user = session.get(User, payload["user"])
    if user is None or user.deleted is not None:
        return None
    kind = payload["kind"]
    if kind == ADDRESS:
        return Message(payload["to"], "Your address was changed", _moved(user, office))
    if kind == ASKED:
        return Message(payload["to"], "A new address for your account", _asked(user, office))
    if kind == CONFIRM:
        return _confirmation(session, office, user, payload["link"])
    if user.email is None:
        return None
    if kind == WEBHOOK:
        return Message(user.email, "A webhook was disabled", _disabled(user, office, payload))
    if kind == RESET:
        link = _link(session, user, office, passwords.RESET_LIFE)
        return Message(user.email, "Set a new password", _reset(user, link))
    if user.password_hash is not None:
        return Message(user.email, "Your Touchline account", _made(user, office, ""))
    if initial is not None:
        secret = f"Password: {initial}\n\nPlease change it after the first login."
    else:
        life = passwords.WELCOME_LIFE
        link = _link(session, user, office, life)
        secret = f"Set your password here, within {_span(life)}; the link opens once:\n\n{link}"
    return Message(user.email, "Your Touchline account", _made(user, office, secret))


def _link(session: Session, user: User, office: Office, life: int) -> str:
    secret = links.renew(links.make(session, user.id, life))
    return f"{office.public_url}/account/set-password/?token={secret}"


def _confirmation(session: Session, office: Office, user: User, link_id: int) -> Message | None:
    """None: the link has ended meanwhile."""
    link = session.get(OneTimeLink, link_id)
    if link is None or link.email is None or not links.is_open(link):
        return None
    url = f"{office.public_url}/account/confirm-address/?token={links.renew(link)}"
    return Message(link.email, "Confirm your new address", _confirm(user, office, link, url))


def _span(ms: int) -> str:
    hours = timedelta(milliseconds=ms) // timedelta(hours=1)
    return "one hour" if hours == 1 else f"{hours} hours"


def _made(user: User, office: Office, secret: str) -> str:
    return "\n\n".join(
        part
        for part in (
            f"An account was made for you at {office.public_url}.",
            f"Username: {user.username}",
            secret,
            "If you did not expect this, you need not do anything.",
        )
        if part
    )


def _reset(user: User, link: str) -> str:
    return (
        f"Somebody, most likely you, asked for a new password for the account {user.username}.\n\n"
        f"Set one here, within {_span(passwords.RESET_LIFE)}; the link opens once:\n\n{link}\n\n"
        "If it was not you, you need not do anything: the old password goes on."
    )


def _moved(user: User, office: Office) -> str:
    return (
        f"The account {user.username} at {office.public_url} has another address now; mail about "
        "it goes there.\n\nIf it was not you who changed it, tell who runs this platform."
    )


def _asked(user: User, office: Office) -> str:
    return (
        f"Somebody, most likely you, asked for another address for the account {user.username} at "
        f"{office.public_url}. It counts once a link that was mailed to it is opened; until then "
        "mail about the account comes here.\n\nIf it was not you, set a new password: that ends "
        f"the change, and every login.\n\n{office.public_url}/account/forgotten-password/"
    )


def _confirm(user: User, office: Office, link: OneTimeLink, url: str) -> str:
    return (
        f"Somebody, most likely you, asked that mail about the account {user.username} at "
        f"{office.public_url} comes to this address.\n\nConfirm it here, within "
        f"{_span(link.expires - link.created)}; the link opens once:\n\n{url}\n\n"
        "If it was not you, you need not do anything: the address stays as it was."
    )


def _disabled(user: User, office: Office, payload: Mapping[str, Any]) -> str:
    return (
        f"Webhook {payload['webhook']} of activity {payload['activity']} of the account "
        f"{user.username} at {office.public_url} was disabled: {payload['reason']}.\n\n"
        f"Nothing more is sent to {payload['host']}. When the receiver is well again, enable the "
        f"webhook (POST /api/v1/webhooks/{payload['webhook']}/enable/) and ask for what it missed "
        f"(POST /api/v1/webhooks/{payload['webhook']}/redeliver/)."
    )
