"""Random tokens, and the keyed hashes under which they are stored.

The key is the process's own (setting SECRET_KEY): ``use_key`` is called once, where a process
starts. Whoever reads the database alone can neither use a stored hash nor make a new one.
"""

import hashlib
import hmac
import secrets

_key = b""


def use_key(key: str) -> None:
    """Seal with this key from now on. Raises ValueError for an empty one."""
    global _key
    if not key:
        raise ValueError("a secret key is needed (TOUCHLINE_SECRET_KEY)")
    _key = key.encode()


def new_token() -> str:
    """256 random bits, URL-safe: 43 characters."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """HMAC-SHA-256 under the process's key, 64 hexadecimal digits."""
    if not _key:
        raise RuntimeError("core.auth.secrets.use_key was not called in this process")
    return hmac.new(_key, token.encode(errors="surrogatepass"), hashlib.sha256).hexdigest()


def matches(token: str, stored_hash: str) -> bool:
    """Is this the token behind the hash? Takes the same time whether it is or not."""
    return hmac.compare_digest(hash_token(token), stored_hash)
