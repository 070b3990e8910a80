"""Random tokens, the keyed hashes under which they are stored, and the sealing of what must be
read back.

The key is the process's own (setting SECRET_KEY): ``use_key`` is called once, where a process
starts. Whoever reads the database alone can neither use a stored hash nor make a new one.
"""

import base64
import hashlib
import hmac
import secrets

from cryptography.fernet import Fernet, InvalidToken

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
    return hmac.digest(_key, token.encode(errors="surrogatepass"), "sha256").hex()


def matches(token: str, stored_hash: str) -> bool:
    """Is this the token behind the hash? Takes the same time whether it is or not."""
    return hmac.compare_digest(hash_token(token), stored_hash)


def seal(secret: str) -> str:
    """Encrypt (Fernet: AES-CBC with HMAC) what has to be sent again, such as a webhook's secret."""
    return _sealer().encrypt(secret.encode()).decode()


def unseal(sealed: str) -> str:
    """What ``seal`` was given. Raises ValueError under another key."""
    try:
        return _sealer().decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise ValueError("sealed under another secret key") from None


def _sealer() -> Fernet:
    if not _key:
        raise RuntimeError("core.auth.secrets.use_key was not called in this process")
    key = hashlib.sha256(b"touchline sealing" + _key).digest()  # not the key of the hashes
    return Fernet(base64.urlsafe_b64encode(key))
