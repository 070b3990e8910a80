"""The shape of teams, second by second (design/metrics.md 2.12)."""

import math

import numba
import numpy as np

from core.sport.metrics.shape import BUCKET, LENGTH, MEASURES, STRETCH, SURFACE, WIDTH, YES, X, Y


@numba.njit(nogil=True, cache=True)
def hull_area(x, y, n):  # type: ignore[no-untyped-def]
    """Area of the convex hull of the first ``n`` points, which are sorted here by x, then y: the
    monotone chain, and the shoelace formula about its first point.
    """
    for i in range(1, n):
        px, py, j = x[i], y[i], i - 1
        while j >= 0 and (x[j] > px or (x[j] == px and y[j] > py)):
            x[j + 1], y[j + 1] = x[j], y[j]
            j -= 1
        x[j + 1], y[j + 1] = px, py
    chain = np.empty(2 * n + 1, np.int64)
    size = 0
    for turn in range(2):
        base = size
        for step in range(n):
            i = step if turn == 0 else n - 1 - step
            while size - base >= 2:
                a, b = chain[size - 2], chain[size - 1]
                cross = (x[b] - x[a]) * (y[i] - y[a]) - (y[b] - y[a]) * (x[i] - x[a])
                if cross > 0.0:
                    break
                size -= 1
            chain[size] = i
            size += 1
        size -= 1  # the last point of one chain begins the other
    twice = 0.0
    for k in range(1, size - 1):
        a, b, c = chain[0], chain[k], chain[k + 1]
        twice += (x[b] - x[a]) * (y[c] - y[a]) - (y[b] - y[a]) * (x[c] - x[a])
    return 0.5 * abs(twice)


@numba.njit(nogil=True, cache=True)
def _add(sums, least, most, counts, place, value):  # type: ignore[no-untyped-def]
    sums[place] += value
    least[place] = min(least[place], value)
    most[place] = max(most[place], value)
    counts[place] += 1


@numba.njit(
    "void(float64[:, ::1], float64[:, ::1], int64, int64, int64, int64[::1], int64[::1], int64, "
    "int64, int64[::1], int64[::1], float64[:, :, ::1], float64[:, :, ::1], float64[:, :, ::1], "
    "int64[:, :, ::1], float64[:, :, ::1], int64[:, :, ::1])",
    nogil=True,
    cache=True,
)
def fold(  # type: ignore[no-untyped-def]
    xs, ys, first, stop, base, team, keeper, teams, least_players, span_start, span_end,
    sums, least, most, counts, series, series_n,
):  # fmt: skip
    """Fold seconds ``first`` to before ``stop`` (columns of ``xs`` and ``ys``, of which column 0 is
    second ``base``): per team what ``MEASURES`` names, per pair of teams the distance of centroids.

    ``xs``, ``ys`` float64[members, seconds], NaN absent; ``team`` and ``keeper`` int64[members].
    ``sums``, ``least``, ``most``, ``counts`` [rows, 1 + spans, MEASURES]: a row per team, then one
    per pair; column 0 is of all seconds. ``series``, ``series_n`` [rows, buckets, MEASURES] are
    sums of ``BUCKET`` seconds, the first of which holds second ``base``.
    """
    members, spans = len(team), len(span_start)
    px, py = np.empty(members), np.empty(members)
    found = np.empty((teams, MEASURES))
    has = np.zeros((teams, MEASURES), np.int64)
    inside = np.zeros(1 + spans, np.int64)
    inside[0] = YES
    for second in range(first, stop):
        for which in range(teams):
            has[which, :] = 0
            n, cx, cy = 0, 0.0, 0.0
            low_x = low_y = math.inf
            high_x = high_y = -math.inf
            for m in range(members):
                x, y = xs[m, second], ys[m, second]
                if team[m] != which or math.isnan(x):
                    continue
                cx += x
                cy += y
                low_x, high_x = min(low_x, x), max(high_x, x)
                low_y, high_y = min(low_y, y), max(high_y, y)
                n += 1
            if n < least_players:
                continue
            cx, cy = cx / n, cy / n
            away, outfield = 0.0, 0
            for m in range(members):
                x, y = xs[m, second], ys[m, second]
                if team[m] != which or math.isnan(x):
                    continue
                away += math.sqrt((x - cx) * (x - cx) + (y - cy) * (y - cy))
                if keeper[m] != YES:
                    px[outfield], py[outfield] = x, y
                    outfield += 1
            found[which, X], found[which, Y] = cx, cy
            found[which, STRETCH] = away / n
            found[which, LENGTH], found[which, WIDTH] = high_x - low_x, high_y - low_y
            has[which, :SURFACE] = YES
            if outfield >= least_players:
                found[which, SURFACE] = hull_area(px, py, outfield)
                has[which, SURFACE] = YES
        at = 1000 * (base + second)
        for k in range(spans):
            inside[1 + k] = YES if span_start[k] <= at < span_end[k] else 0
        bucket = (base + second) // BUCKET - base // BUCKET
        for which in range(teams):
            for measure in range(MEASURES):
                if has[which, measure] != YES:
                    continue
                value = found[which, measure]
                series[which, bucket, measure] += value
                series_n[which, bucket, measure] += 1
                for k in range(1 + spans):
                    if inside[k] == YES:
                        _add(sums, least, most, counts, (which, k, measure), value)
        pair = teams
        for a in range(teams):
            for b in range(a + 1, teams):
                if has[a, X] == YES and has[b, X] == YES:
                    dx, dy = found[a, X] - found[b, X], found[a, Y] - found[b, Y]
                    value = math.sqrt(dx * dx + dy * dy)
                    series[pair, bucket, X] += value
                    series_n[pair, bucket, X] += 1
                    for k in range(1 + spans):
                        if inside[k] == YES:
                            _add(sums, least, most, counts, (pair, k, X), value)
                pair += 1
