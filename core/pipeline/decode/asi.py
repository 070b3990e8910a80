"""The vendor's ``.asi`` file: recognised, so that its upload is kept and its job says why it ends.

Only the beginning is known (contract/insiders.md section 10): ``ASI``, the header's length as a
big-endian uint32, two bytes, the length of a label, the label. A decoder that an operator installs
(entry point ``touchline.decoders``) is asked first.
"""

import datetime

from .base import Decoded, DecodeError

FORMAT = "asi"
MAGIC = b"ASI"
_LABEL = 9  # offset of the label's length


def recognise(head: bytes) -> bool:
    return head.startswith(MAGIC)


def decode(data: bytes, *, date: datetime.date | None, timezone: str) -> Decoded:
    raise DecodeError(
        "no_decoder",
        f"{label(data)}: the layout of this format is not public and no decoder for it is "
        "installed; the file is kept as it came",
        len(MAGIC),
    )


def label(data: bytes) -> str:
    """What the file calls its own format, for example ``ASI V2``."""
    length = data[_LABEL] if len(data) > _LABEL else 0
    text = data[_LABEL + 1 : _LABEL + 1 + length]
    named = len(text) == length and text.isascii() and text.decode("latin-1").isprintable()
    return text.decode("ascii") if named and text else "ASI"
