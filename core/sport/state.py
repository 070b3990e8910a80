"""The saved state of a fold: a header that must match, then little-endian bytes, packed (R5).

Packed for speed, as one is saved and loaded again and again: bytes by their place in words of
eight, then LZ4, which takes a tenth of deflate's time and less room. Workers only (imports numba).
"""

import json
import struct
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from core.sport.contract import Kernel, Sport
from core.sport.errors import StateMismatch
from core.sport.kernels.planes import join, split

MAGIC = b"TLFOLD4\n"
LZ4 = pa.Codec("lz4_raw")
# identity length; start, end, last_t; rate (NaN: unknown), n, n_late, held samples
FIXED = struct.Struct("<Iqqqdqqq")
CHECK = struct.Struct("<I")  # CRC-32 of all before it
CUT_SHORT = "saved state is cut short"


Buffer = bytes | bytearray | memoryview  # of single bytes


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
    parts: Sequence[Buffer]


def layout(sport: Sport, kernels: Sequence[Kernel]) -> str:
    """What a state's bytes mean: sport, kernels with versions and sizes; JSON."""
    return json.dumps(
        {
            "sport": [sport.name, sport.version],
            "kernels": [
                [k.name, k.function, k.version, k.state.itemsize, k.event.itemsize, k.stream]
                for k in kernels
            ],
        },
        separators=(",", ":"),
        sort_keys=True,
    )


def identity(means: str, fingerprint: str) -> bytes:
    """What a state belongs to: its `layout` and the parameters."""
    return f'{{"layout":{means},"parameters":"{fingerprint}"}}'.encode()


def encode(who: bytes, saved: Saved) -> bytes:
    """One blob; equal folds give equal bytes."""
    fixed = FIXED.pack(len(who), *saved[:7])
    sizes = struct.pack(f"<{len(saved.parts)}q", *map(len, saved.parts))
    packed = LZ4.compress(split(b"".join(saved.parts)), asbytes=True)
    blob = b"".join([MAGIC, fixed, who, sizes, packed])
    return blob + CHECK.pack(zlib.crc32(blob))


def decode(who: bytes, blob: bytes, parts: int) -> Saved:
    """Undo `encode`. Raises StateMismatch for a blob that is foreign or cut short."""
    head, end = len(MAGIC) + FIXED.size, len(blob) - CHECK.size
    if blob[: len(MAGIC)] != MAGIC or end < head:
        raise StateMismatch("not a saved state")
    view = memoryview(blob)
    if CHECK.unpack_from(blob, end)[0] != zlib.crc32(view[:end]):
        raise StateMismatch(CUT_SHORT)
    length, *fixed = FIXED.unpack_from(blob, len(MAGIC))
    if view[head : head + length] != who:
        theirs = blob[head : head + length].decode(errors="replace")
        raise StateMismatch(f"saved for {theirs}, not for {who.decode()}")
    at = head + length
    sizes = struct.unpack_from(f"<{parts}q", blob, at)
    body = join(LZ4.decompress(view[at + 8 * parts : end], sum(sizes), asbytes=True)).data
    cut, at = list[Buffer](), 0
    for size in sizes:
        cut.append(body[at : at + size])
        at += size
    return Saved._make([*fixed, cut])
