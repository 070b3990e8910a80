"""The object store: bytes under their SHA-256, in a directory. Uploaded files live here."""

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path

from core.errors import NotFound

_KEY = re.compile(r"[0-9a-f]{64}")


class CorruptObject(Exception):
    """The bytes on disk are not those that were put."""


class ObjectStore:
    """Content-addressed: the same bytes are kept once, and nothing is ever overwritten. They are
    removed only with the athlete whom they are about.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, key: str) -> Path:
        """Where an object lies. ``NotFound`` for what cannot be a key."""
        if not _KEY.fullmatch(key):
            raise NotFound(f"no object {key}")
        return self.directory / key[:2] / key

    def put(self, data: bytes) -> str:
        """Keep bytes and return their key; they are on the disk when this returns."""
        key = hashlib.sha256(data).hexdigest()
        path = self.path(key)
        try:
            os.utime(path)  # somebody is about to refer to it: see remove
        except FileNotFoundError:
            pass
        else:
            return key
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        for folder in (path.parent, self.directory):  # the names must be as durable as the bytes
            _sync(folder)
        return key

    def get(self, key: str) -> bytes:
        """The bytes under a key. ``NotFound``, or ``CorruptObject`` when they do not match it."""
        try:
            data = self.path(key).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"no object {key}") from None
        if hashlib.sha256(data).hexdigest() != key:
            raise CorruptObject(f"object {key} does not have the bytes it was put with")
        return data

    def remove(self, key: str, *, quiet: int) -> bool:
        """Forget an object that nothing refers to. False: it was put within the last ``quiet`` ms,
        and whoever put it may not have said so yet.
        """
        path = self.path(key)
        try:
            if time.time() - path.stat().st_mtime < quiet / 1000:
                return False
        except FileNotFoundError:
            return True
        path.unlink(missing_ok=True)
        _sync(path.parent)
        return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
