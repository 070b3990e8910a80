"""Greatest rolling sums over windows of whole seconds, in integers (design/metrics.md 2.8)."""

import math

from core.sport.columns import DT, A, D, S
from core.sport.kernels import kernel
from core.sport.metrics.peaks import BINS, STATE, UNIT


@kernel(STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s, a = cols[DT], cols[D], cols[S], cols[A]
    st = state[0]
    bin_, threshold, quantities = st.bin, st.threshold, st.quantities
    ends = (bin_ + 1) * 1000
    distance, fast, effort = st.now[0], st.now[1], st.now[2]
    for i in range(n):
        if st.done < 0 or t[i] >= ends:
            here = t[i] // 1000
            if st.done < 0:
                st.done = 0
            else:
                st.now[0], st.now[1], st.now[2] = distance, fast, effort
                # Close this second, then the empty ones up to the sample; after BINS of them every
                # sum and the whole ring are 0, and closing more changes nothing.
                empty = here - bin_ - 1
                closing = 1 + min(empty, BINS)
                for e in range(closing):
                    slot = st.done % BINS
                    for w in range(st.windows_n):
                        span = st.windows[w]
                        for q in range(quantities):
                            total = st.sums[w, q] + st.now[q]
                            if st.done >= span:
                                total -= st.ring[(st.done - span) % BINS, q]
                            st.sums[w, q] = total
                            if st.done + 1 >= span and total > st.best[w, q]:
                                st.best[w, q] = total
                                st.best_bin[w, q] = bin_ + e + 1 - span
                    for q in range(quantities):
                        st.ring[slot, q] = st.now[q]
                        st.now[q] = 0
                    st.done += 1
            bin_ = here
            ends = (here + 1) * 1000
            distance = fast = effort = 0
        x = math.floor(d[i] * UNIT + 0.5)
        distance += x
        if quantities == 1:
            continue
        if s[i] >= threshold:
            fast += x
        effort += math.floor(abs(a[i]) * (dt[i] / 1000.0) * UNIT + 0.5)
    st.bin = bin_
    st.now[0], st.now[1], st.now[2] = distance, fast, effort
    return 0
