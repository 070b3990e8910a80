"""The key that seals what the server signs: given by the operator, else made on first start."""

import os
import secrets
from pathlib import Path

NAME = "secret.key"


def ensure_data_dir(data_dir: Path) -> None:
    """Make the data directory, closed to other users.

    Raises OSError where it cannot be made or belongs to somebody else.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if data_dir.stat().st_mode & 0o077:
        data_dir.chmod(0o700)


def ensure_secret(data_dir: Path) -> str:
    """The key of this data directory: 43 characters, 256 bits, in a file of mode 0600."""
    path = data_dir / NAME
    if not path.exists():
        ensure_data_dir(data_dir)
        # Written whole beside it, then linked: of two first starts one wins, and no reader ever
        # sees half a key.
        fresh = data_dir / f".{NAME}.{os.getpid()}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(fresh, path)
        except FileExistsError:
            path.stat()  # somebody else's key is as good
        finally:
            fresh.unlink()
    return path.read_text().strip()
