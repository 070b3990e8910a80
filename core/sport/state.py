"""The saved state of a fold: a header that must match, then little-endian bytes, deflated (R5)."""

import json
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from core.sport.contract import Kernel, Sport
from core.sport.errors import StateMismatch

MAGIC = b"TLFOLD3\n"
QUICK = 1  # most of a state is the zeros of a heat map
# identity length; start, end, last_t; rate (NaN: unknown), n, n_late, held samples
FIXED = struct.Struct("<Iqqqdqqq")


class Saved(NamedTuple):
    """A decoded snapshot; ``parts`` are the state, the held samples, how far the other streams
    came, then each kernel's events.
    """

    start: int
    end: int
    last_t: int
    rate: float
    n: int
    n_late: int
    held: int
    parts: list[bytes]


def identity(sport: Sport, kernels: Sequence[Kernel], fingerprint: str) -> bytes:
    """What a state belongs to: sport, kernels with versions and layout, parameters."""
    return json.dumps(
        {
            "sport": [sport.name, sport.version],
            "kernels": [
                [k.name, k.function, k.version, k.state.itemsize, k.event.itemsize, k.stream]
                for k in kernels
            ],
            "parameters": fingerprint,
        },
        separators=(",", ":"),
        sort_keys=True,
    ).encode()


def encode(who: bytes, saved: Saved) -> bytes:
    """One blob; equal folds give equal bytes."""
    fixed = FIXED.pack(len(who), *saved[:7])
    sizes = struct.pack(f"<{len(saved.parts)}q", *map(len, saved.parts))
    return b"".join([MAGIC, fixed, who, sizes, zlib.compress(b"".join(saved.parts), QUICK)])


def decode(who: bytes, blob: bytes, parts: int) -> Saved:
    """Undo `encode`. Raises StateMismatch for a blob that is foreign or cut short."""
    head = len(MAGIC) + FIXED.size
    if blob[: len(MAGIC)] != MAGIC or len(blob) < head:
        raise StateMismatch("not a saved state")
    length, *fixed = FIXED.unpack_from(blob, len(MAGIC))
    if blob[head : head + length] != who:
        theirs = blob[head : head + length].decode(errors="replace")
        raise StateMismatch(f"saved for {theirs}, not for {who.decode()}")
    at = head + length
    try:
        sizes = struct.unpack_from(f"<{parts}q", blob, at)
    except struct.error:
        raise StateMismatch("saved state is cut short") from None
    inflate = zlib.decompressobj()
    try:
        body = inflate.decompress(blob[at + 8 * parts :])
    except zlib.error:
        raise StateMismatch("saved state is cut short") from None
    whole = inflate.eof and not inflate.unused_data and sum(sizes) == len(body)
    if not whole or any(size < 0 for size in sizes):
        raise StateMismatch("saved state is cut short")
    cut, at = [], 0
    for size in sizes:
        cut.append(body[at : at + size])
        at += size
    return Saved._make([*fixed, cut])
