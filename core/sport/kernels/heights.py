"""Ascent and descent alone, by hysteresis on the altitude as recorded (design/metrics.md 2.13)."""

import math

from core.sport.columns import ALT
from core.sport.kernels import kernel
from core.sport.metrics.elevation import HEIGHTS_STATE


@kernel(HEIGHTS_STATE)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    alt = cols[ALT]
    st = state[0]
    threshold, reference = st.threshold, st.reference
    for i in range(n):
        z = alt[i]
        if math.isnan(z):
            continue
        if st.n == 0:
            reference = z
        st.n += 1
        rise = z - reference
        if rise >= threshold:
            st.ascent += rise
            reference = z
        elif -rise >= threshold:
            st.descent -= rise
            reference = z
    st.reference = reference
    return 0
