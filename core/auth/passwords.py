"""Passwords: argon2id with the parameters that OWASP's password storage sheet names first
(19 MiB, two passes, one lane).

A hash takes some 20 ms of processor time: make it outside of write transactions.
"""

import argon2

MIN_LENGTH, MAX_LENGTH = 8, 1024

_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Verified where there is no account, so that an unknown name takes as long as a wrong password.
_NOBODY = _hasher.hash("nobody has this account")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def verify(password_hash: str | None, password: str) -> bool:
    """Is it the password? None (no such account, or no password set) is never, and as slow."""
    try:
        _hasher.verify(password_hash or _NOBODY, password)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False
    return password_hash is not None


def needs_rehash(password_hash: str) -> bool:
    """Was it made with other parameters than today's?"""
    return _hasher.check_needs_rehash(password_hash)
