"""Guard: the web process loads sports for schemas and the dictionary, and never numba."""

import subprocess
import sys

SCRIPT = """
import sys
import core.sport, plugins.biking, plugins.running, plugins.soccer, plugins.swimming
import plugins.tennis, plugins.trailrunning, plugins.triathlon
from core.sport.dictionary import dictionary
from core.sport.document import empty_document
from core.sport.parameters import resolve_parameters
from core.sport.registry import registry
BUILT_IN = {"biking", "running", "soccer", "swimming", "tennis", "trailrunning", "triathlon"}
assert set(registry().sports) >= BUILT_IN, registry().states()
for sport in registry().sports.values():
    empty_document(sport)
    resolve_parameters(sport, {"sport": sport.name}, {}, {})
assert dictionary()
assert "numba" not in sys.modules and "llvmlite" not in sys.modules
"""


def test_sports_load_without_numba() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def test_svml_is_off_in_workers() -> None:
    script = (
        "import numba, core.sport.kernels, os;"
        "assert numba.config.DISABLE_INTEL_SVML;"
        "assert os.environ['NUMBA_DISABLE_INTEL_SVML'] == '1'"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
