"""Passwords as routes take them."""

from typing import Any

from marshmallow import fields, validate

from core.api.platform import platform
from core.api.shapes import Shape
from core.auth.passwords import MAX_LENGTH, MIN_LENGTH, hash_password
from core.policy import Actor
from core.services import passwords


class Password(fields.String):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(MIN_LENGTH, MAX_LENGTH), load_only=True, **kwargs)


class NewPasswordShape(Shape):
    password = Password(required=True)


def new_hash(password: str) -> str:
    """Away from the event loop: it takes some 20 ms of processor time."""
    return platform().offload(lambda: hash_password(password))


def hashed(password: str | None) -> str | None:
    return None if password is None else new_hash(password)


def change(actor: Actor, role: str, account: int, password: str) -> None:
    """Change one's own password; ``role`` is the account's."""
    made = new_hash(password)
    platform().db.write(lambda session: passwords.change(session, actor, role, account, made))
