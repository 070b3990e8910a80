"""What a JSON document gained since an earlier one, small where lists only grew.

A live document grows by a few numbers a second while most of it stays; its delta is what a tick
stores, so that a commit does not write every effort of the match again
(docs/internals/live-compute.md).
"""

from itertools import compress
from operator import is_not
from typing import Any

from core.sport.document import common

SET, GROWN, INSIDE, SPOTS = "=", "+", ".", "@"  # a delta is [kind, …]; None: nothing changed
SPARSE = 2  # fewer than one in so many of the rest of a list: each by itself


def delta(old: Any, new: Any) -> list[Any] | None:
    """What makes ``new`` of ``old``, as JSON: ``["=", new]``, ``["+", kept, items]`` for a list
    that keeps its first items, ``["@", [[index, delta], …]]`` for one as long as before with few
    items changed (the rows of a heat map), ``[".", {key: delta}, [keys that went]]`` inside an
    object. None when they are equal.
    """
    if old is new:
        return None
    if isinstance(old, dict) and isinstance(new, dict):
        inside = {
            key: [SET, item] if key not in old else delta(old[key], item)
            for key, item in new.items()
            if key not in old or old[key] is not item
        }
        inside = {key: item for key, item in inside.items() if item is not None}
        gone = [key for key in old if key not in new]
        return [INSIDE, inside, gone] if inside or gone else None
    if isinstance(old, list) and isinstance(new, list):
        return _of_lists(old, new)
    return None if old == new else [SET, new]


def _of_lists(old: list[Any], new: list[Any]) -> list[Any] | None:
    if len(old) == len(new):
        others = compress(range(len(new)), map(is_not, old, new))  # most items are shared
        spots = [i for i in others if old[i] != new[i]]
        if not spots:
            return None
        kept = spots[0]
        if len(spots) * SPARSE < len(new) - kept:
            return [SPOTS, [[i, delta(old[i], new[i])] for i in spots]]
    else:
        kept = common(old, new)
    return [GROWN, kept, new[kept:]] if kept else [SET, new]


def apply(old: Any, change: list[Any] | None) -> Any:
    """The newer document; ``old`` is not changed, unchanged parts are shared with it."""
    if change is None:
        return old
    kind, *rest = change
    if kind == SET:
        return rest[0]
    if kind == GROWN:
        return [*old[: rest[0]], *rest[1]]
    if kind == SPOTS:
        items = list(old)
        for index, item in rest[0]:
            items[index] = apply(old[index], item)
        return items
    inside, gone = rest
    new = {key: item for key, item in old.items() if key not in gone}
    for key, item in inside.items():
        new[key] = apply(old.get(key), item)
    return new
