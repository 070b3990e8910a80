"""Signatures of outgoing messages, by the Standard Webhooks specification (v1, symmetric)."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "whsec_"


def decodes(secret: str) -> bool:
    """Is what follows ``whsec_`` base64, as the verifying side takes it to be?"""
    try:
        return bool(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
    except (binascii.Error, ValueError):
        return False


def key_of(secret: str) -> bytes:
    """``whsec_`` and base64 is decoded; any other secret is its UTF-8 bytes."""
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            pass  # a secret that only looks so
    return secret.encode()


def signatures(secrets: Iterable[str], message: str, timestamp: int, body: bytes) -> str:
    """The ``webhook-signature`` header: one signature for each secret, separated by a blank.

    ``message`` is the ``webhook-id``, ``timestamp`` Unix seconds, ``body`` the bytes as sent.
    """
    signed = f"{message}.{timestamp}.".encode() + body
    return " ".join(
        "v1," + base64.b64encode(hmac.digest(key_of(secret), signed, hashlib.sha256)).decode()
        for secret in secrets
    )
