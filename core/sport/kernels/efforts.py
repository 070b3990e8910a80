"""Efforts above speed thresholds, overlapping (design/metrics.md 2.5)."""

from core.sport.columns import DT, D, S
from core.sport.kernels import kernel
from core.sport.metrics.efforts import CLOSED, EVENT, OPEN, PENDING, STATE


@kernel(STATE, EVENT)
def fold(t, cols, n, state, out):  # type: ignore[no-untyped-def]
    dt, d, s = cols[DT], cols[D], cols[S]
    st = state[0]
    written = 0
    lowest, active = st.lowest, st.active
    for i in range(n):
        v = s[i]
        if active == 0 and not v >= lowest:  # nearly every sample
            continue
        step = int(dt[i])
        for k in range(st.thresholds_n):
            phase = st.phase[k]
            if phase != CLOSED:
                # A break ends it, or leaving without a merge, or a merge gap that has passed (the
                # time since it ended, this step not included: the step belongs to this sample).
                inside = v >= st.exit[k] if phase == OPEN else v >= st.entry[k]
                leave = False
                if step == 0:
                    leave = True
                elif phase == OPEN:
                    if inside:
                        st.ms[k] += step
                        st.metres[k] += d[i]
                        st.top[k] = max(st.top[k], v)
                    elif st.merge_ms > 0:
                        st.phase[k] = PENDING
                        st.after_ms[k] = step
                        st.after_metres[k] = d[i]
                    else:
                        leave = True
                elif st.after_ms[k] > st.merge_ms:
                    leave = True
                elif inside:
                    st.phase[k] = OPEN
                    st.ms[k] += st.after_ms[k] + step
                    st.metres[k] += st.after_metres[k] + d[i]
                    st.top[k] = max(st.top[k], v)
                else:
                    st.after_ms[k] += step
                    st.after_metres[k] += d[i]
                if not leave:
                    continue
                if st.ms[k] > 0 and st.ms[k] >= st.min_ms:
                    event = out[written]
                    event.threshold = k
                    event.start = st.start[k]
                    event.ms = st.ms[k]
                    event.top = st.top[k]
                    event.metres = st.metres[k]
                    written += 1
                st.phase[k] = CLOSED
                active -= 1
            if v >= st.entry[k]:
                st.phase[k] = OPEN
                st.start[k] = t[i]
                st.ms[k] = step
                st.top[k] = v
                st.metres[k] = d[i]
                active += 1
    st.active = active
    return written
