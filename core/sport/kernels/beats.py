"""Heart-rate variability of all intervals and of those that a filter keeps (metrics.md 2.15)."""

from core.sport.kernels import kernel
from core.sport.metrics.beats import (
    LONG_DIFFERENCE,
    LONGEST,
    REFUSALS,
    SHORTEST,
    STATE,
    WITHIN,
)


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    st = state[0]
    for i in range(n):
        rr = cols[0, i]
        if not rr > 0.0:  # absent, or no interval
            continue
        if st.all_n > 0:
            step = rr - st.all_last
            st.all_differences += 1
            st.all_squares += step * step
            if abs(step) > LONG_DIFFERENCE:
                st.all_over_50 += 1
        st.all_n += 1
        off = rr - st.all_mean
        st.all_mean += off / st.all_n
        st.all_m2 += off * (rr - st.all_mean)
        st.all_last = rr

        step = rr - st.kept_last
        near = st.kept_n == 0 or st.refused_run >= REFUSALS or abs(step) <= WITHIN * st.kept_last
        if rr < SHORTEST or rr > LONGEST or not near:
            st.refused += 1
            st.refused_run += 1
            st.longest_refused_run = max(st.longest_refused_run, st.refused_run)
            continue
        if st.kept_n > 0 and st.refused_run == 0:
            st.kept_differences += 1
            st.kept_squares += step * step
            if abs(step) > LONG_DIFFERENCE:
                st.kept_over_50 += 1
        st.kept_n += 1
        off = rr - st.kept_mean
        st.kept_mean += off / st.kept_n
        st.kept_m2 += off * (rr - st.kept_mean)
        st.kept_last = rr
        st.refused_run = 0
    return 0
