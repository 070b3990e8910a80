"""The object store keeps bytes under their hash."""

import hashlib
from pathlib import Path

import pytest

from core.errors import NotFound
from core.pipeline.objects import CorruptObject, ObjectStore


def test_bytes_come_back_and_are_kept_once(tmp_path: Path) -> None:
    objects = ObjectStore(tmp_path / "objects")
    key = objects.put(b"samples")
    assert key == hashlib.sha256(b"samples").hexdigest()
    assert objects.put(b"samples") == key
    assert objects.get(key) == b"samples"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [key]
    assert objects.get(objects.put(b"")) == b""


@pytest.mark.parametrize("key", ["0" * 64, "..", "../../etc/passwd", "", "A" * 64])
def test_unknown_keys(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotFound):
        ObjectStore(tmp_path).get(key)


def test_damage_is_noticed(tmp_path: Path) -> None:
    objects = ObjectStore(tmp_path)
    key = objects.put(b"samples")
    objects.path(key).write_bytes(b"sample")
    with pytest.raises(CorruptObject):
        objects.get(key)


def test_a_failed_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = ObjectStore(tmp_path)
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        objects.put(b"samples")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
