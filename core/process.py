"""What the kernel knows about processes and the standard library does not say."""

import ctypes
import os
import signal
from pathlib import Path

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


def set_numba_environment(data_dir: Path) -> None:
    """numba reads these when it is imported: a cache that is writable, and no vector maths library
    whose last bits differ from machine to machine."""
    cache = Path(os.environ.setdefault("NUMBA_CACHE_DIR", str(data_dir / "numba")))
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"
