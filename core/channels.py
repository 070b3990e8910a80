"""Redis channels by which live results leave the process that made them, and their framing.

Nothing here is a promise: who misses a message reads the database. Each process that serves
sockets subscribes to a channel once, whatever the number of its readers.
"""

from typing import NamedTuple

LIVE_ACTIVITY = "touchline:live:activity:"  # + activity id; packed ``Live``, key: time frame id
LIVE_DEVICE = "touchline:live:device:"  # + device id; packed ``Live``, key: device id
LIVE_REPLAY = "touchline:live:replay:"  # + replay's name; packed ``Live``, key: time frame id
RIGHTS = "touchline:rights"  # somebody's permissions or ownerships changed: ask the policy again
TEAM = 0  # the key of an activity's own messages
CHANGES = "touchline:changes"  # new items stand in the change feed


class Live(NamedTuple):
    """``key`` is whose message it is, or ``TEAM``: the activity's own (its summary). ``seq`` is its
    revision, for a device its ingest number. ``data`` is a JSON object as bytes, ``seq`` not in it.
    """

    key: int
    seq: int
    data: bytes

    def pack(self) -> bytes:
        return b"%d %d %b" % self

    @classmethod
    def unpack(cls, message: bytes) -> "Live":
        key, seq, data = message.split(b" ", 2)
        return cls(int(key), int(seq), data)
