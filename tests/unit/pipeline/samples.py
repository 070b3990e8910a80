"""What the suites of the sample store share: devices, plausible columns, and equality."""

import hashlib
from itertools import count
from typing import Any

import numpy as np

from core.models.db import Database
from core.models.devices import Device
from core.models.samples import UplinkBatch
from core.pipeline import store
from core.pipeline.columns import Columns

T0 = 1_590_868_800_000
_serial = count()


def new_device(db: Database) -> int:
    def make(session: Any) -> int:
        number = next(_serial)
        device = Device(device_name=f"d{number}", serial_number=f"s{number}")
        session.add(device)
        session.flush()
        return device.id

    return db.write(make)


def player(n: int, t0: int = T0, step: int = 100, seed: int = 0) -> Columns:
    """A walking player as a device sends them: decimals, a strap that drops out."""
    rng = np.random.default_rng(seed)
    return {
        "t": t0 + np.arange(n) * step,
        "gnss.latitude": np.round(46.5 + np.cumsum(rng.normal(0, 1e-6, n)), 7),
        "gnss.longitude": np.round(6.6 + np.cumsum(rng.normal(0, 1e-6, n)), 7),
        "gnss.altitude": np.round(500 + np.cumsum(rng.normal(0, 0.01, n)), 2),
        "gnss.speed": np.round(np.abs(rng.normal(1.4, 0.2, n)), 3),
        "ecg.hr": np.where(rng.random(n) < 0.1, np.nan, np.round(rng.normal(140, 5, n))),
    }


def send(
    db: Database, device: int, seq: int, columns: Columns, received: int = T0, **more: Columns
) -> None:
    """Commit one batch the way the writer does: ledger row and tail rows together."""
    streams = {"samples": columns, **more}
    pieces = store.tail_pieces(streams)

    def commit(session: Any) -> None:
        session.add(
            UplinkBatch(
                device_id=device,
                seq=seq,
                batch=str(seq),
                content_hash=hashlib.sha256(str(seq).encode()).hexdigest(),
                t0=min(piece.t0 for piece in pieces),
                t1=max(piece.t1 for piece in pieces),
                n=sum(piece.n for piece in pieces),
                received=received,
                response={},
            )
        )
        store.append(session, [store.Arrival(device, seq, pieces)])

    db.write(commit)


def rows(columns: Columns) -> dict[int, dict[str, float]]:
    """Time → the values that are there: equality that does not ask where NaN comes from."""
    return {
        int(t): {
            name: float(values[i])
            for name, values in columns.items()
            if name != "t" and not np.isnan(values[i])
        }
        for i, t in enumerate(columns["t"])
    }


def same(a: Columns, b: Columns) -> None:
    assert list(a) == list(b)
    for name in a:
        assert a[name].dtype == b[name].dtype
        np.testing.assert_array_equal(a[name], b[name])
