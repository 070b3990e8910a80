"""What the kernel knows about processes and the standard library does not say."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)  # loaded now: a forked child must not search for it


def die_with_parent(parent: int | None = None) -> None:
    """Have this process killed when the one that started it ends, however it ends (Linux).

    ``parent`` is the expected parent's id: if it is gone already, this process ends at once.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)
