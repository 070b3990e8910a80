"""FIT files of our own making, message by message."""

import struct
from collections.abc import Sequence
from typing import Any

from fitdecode.utils import compute_crc

EPOCH = 631_065_600  # FIT's seconds begin here, in Unix time
NOON = 1_000_000_000  # in seconds of FIT
ENUM, U8, U16, U32, U32Z, BYTE = 0x00, 0x02, 0x84, 0x86, 0x8C, 0x0D
_FORMS = {ENUM: "B", U8: "B", U16: "H", U32: "I", U32Z: "I", BYTE: "B"}
_NOTHING = {ENUM: 0xFF, U8: 0xFF, U16: 0xFFFF, U32: 0xFFFFFFFF, U32Z: 0, BYTE: 0xFF}

# Messages: FIT's number, and name → (field number, base type, scale, offset).
Fields = dict[str, tuple[int, int, float, float]]
MESSAGES: dict[str, tuple[int, Fields]] = {
    "file_id": (0, {"type": (0, ENUM, 1, 0), "serial_number": (3, U32Z, 1, 0)}),
    "session": (
        18,
        {
            "timestamp": (253, U32, 1, 0),
            "start_time": (2, U32, 1, 0),
            "sport": (5, ENUM, 1, 0),
            "sub_sport": (6, ENUM, 1, 0),
            "total_elapsed_time": (7, U32, 1000, 0),
            "total_timer_time": (8, U32, 1000, 0),
            "total_distance": (9, U32, 100, 0),
            "pool_length": (44, U16, 100, 0),
            "pool_length_unit": (46, ENUM, 1, 0),
        },
    ),
    "lap": (
        19,
        {
            "timestamp": (253, U32, 1, 0),
            "start_time": (2, U32, 1, 0),
            "total_elapsed_time": (7, U32, 1000, 0),
        },
    ),
    "record": (
        20,
        {
            "timestamp": (253, U32, 1, 0),
            "position_lat": (0, U32, 2**31 / 180, 0),
            "position_long": (1, U32, 2**31 / 180, 0),
            "altitude": (2, U16, 5, 500),
            "heart_rate": (3, U8, 1, 0),
            "cadence": (4, U8, 1, 0),
            "distance": (5, U32, 100, 0),
            "speed": (6, U16, 1000, 0),
            "power": (7, U16, 1, 0),
            "left_right_balance": (30, U8, 1, 0),
        },
    ),
    "event": (
        21,
        {"timestamp": (253, U32, 1, 0), "event": (0, ENUM, 1, 0), "event_type": (1, ENUM, 1, 0)},
    ),
    "hrv": (78, {"time": (0, U16, 1000, 0)}),
    "length": (
        101,
        {
            "timestamp": (253, U32, 1, 0),
            "start_time": (2, U32, 1, 0),
            "total_elapsed_time": (3, U32, 1000, 0),
            "total_timer_time": (4, U32, 1000, 0),
            "total_strokes": (5, U16, 1, 0),
            "swim_stroke": (7, ENUM, 1, 0),
            "length_type": (12, ENUM, 1, 0),
        },
    ),
    "hr": (
        132,
        {
            "timestamp": (253, U32, 1, 0),
            "fractional_timestamp": (0, U16, 32768, 0),
            "filtered_bpm": (6, U8, 1, 0),
            "event_timestamp": (9, U32, 1024, 0),
            "event_timestamp_12": (10, BYTE, 1, 0),
        },
    ),
}
RUNNING, CYCLING, TRANSITION, SWIMMING = 1, 2, 3, 5


def message(name: str, **values: Any) -> bytes:
    """A definition and one message of it; None is FIT's "no value", a sequence an array."""
    number, fields = MESSAGES[name]
    definition, data = b"", b"\x00"
    for key, value in values.items():
        field, base, scale, offset = fields[key]
        each = value if isinstance(value, Sequence) else [value]
        raw = [_NOTHING[base] if v is None else round((v + offset) * scale) for v in each]
        packed = b"".join(struct.pack("<" + _FORMS[base], v & 0xFFFFFFFF) for v in raw)
        definition += bytes((field, len(packed), base))
        data += packed
    return struct.pack("<BBBHB", 0x40, 0, 0, number, len(values)) + definition + data


def file(*messages: bytes) -> bytes:
    """A whole file of these messages."""
    body = b"".join((message("file_id", type=4, serial_number=4711), *messages))
    head = struct.pack("<BBHI4s", 14, 0x20, 2132, len(body), b".FIT")
    whole = head + struct.pack("<H", compute_crc(head)) + body
    return whole + struct.pack("<H", compute_crc(whole))


def unix(seconds: float) -> int:
    """Unix ms of a time of FIT."""
    return round((EPOCH + seconds) * 1000)
