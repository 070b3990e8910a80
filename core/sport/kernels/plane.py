"""Where a fix is on its field, as ``core.sport.geometry.Field.place`` says it (metrics.md 2.12)."""

import numba


@numba.njit(nogil=True, cache=True)
def place(field, lat, lon):  # type: ignore[no-untyped-def]
    """x and y in metres, from ``Field.numbers`` and a fix in degrees."""
    turn = lon - field[1]
    if turn > 180.0:
        turn -= 360.0
    elif turn < -180.0:
        turn += 360.0
    east, north = turn * field[2], (lat - field[0]) * field[3]
    x = field[4] * east + field[5] * north + 0.5 * field[8]
    y = field[6] * east + field[7] * north + 0.5 * field[9]
    return x, y


@numba.njit(nogil=True, cache=True)
def slot_before(times, newest, count, now, least, most):  # type: ignore[no-untyped-def]
    """The newest of ``count`` times in a ring that is at least ``least`` ms before ``now``, its
    slot; -1 where there is none, or it is more than ``most`` ms before.
    """
    size = len(times)
    slot = newest
    for _ in range(count):
        age = now - times[slot]
        if age >= least:
            return slot if age <= most else -1
        slot = slot - 1 if slot > 0 else size - 1
    return -1
