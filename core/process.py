"""What the kernel knows about processes and the standard library does not say."""

import ctypes
import os
import signal
import sys
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


def kernel_cache(data_dir: Path) -> Path:
    """Where compiled kernels are kept. They belong to the installed code, so that every data
    directory shares them; where that is read-only, or Python is the system's, they are kept with
    the data.
    """
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    if chosen:
        return Path(chosen)
    private = sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK)
    return Path(sys.prefix) / "var" / "kernels" if private else data_dir / "numba"


def set_numba_environment(data_dir: Path) -> None:
    """numba reads these when it is imported: a cache that is writable, and no vector maths library
    whose last bits differ from machine to machine."""
    cache = kernel_cache(data_dir)
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["NUMBA_CACHE_DIR"] = str(cache)
    os.environ["NUMBA_DISABLE_INTEL_SVML"] = "1"
